"""The peer of `benchmarks.rebuild`: a view of cases and their steps, rebuilt by pyeventsourcing's projection runner.

As its documentation has it: each event and its tracking are one transaction of the view's recorder.
"""

import time
from typing import Any

import sqlalchemy as sa
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

from benchmarks.append import peer_environment

CASES = 2_000
STEPS = 9  # events of a case, its beginning among them
AT_ONCE = 100  # cases that are saved together


class Case(Aggregate):
    """A case that goes from step to step."""

    def __init__(self, serial: str) -> None:
        self.serial = serial
        self.state = "received"

    @event("Stepped")
    def step(self, state: str, unit: str) -> None:
        self.state = state


class Cases(Application):
    """Holds them."""


class View(PostgresTrackingRecorder):
    """A row for each case and a row for each of its steps."""

    def __init__(self, datastore: Any, **options: Any) -> None:
        super().__init__(datastore, **options)
        schema = Identifier(datastore.schema)
        self.sql_create_statements += [
            SQL("CREATE TABLE IF NOT EXISTS {}.case_view (id uuid PRIMARY KEY, state text)").format(schema),
            SQL(
                "CREATE TABLE IF NOT EXISTS {}.step_view (id uuid, number int, state text, PRIMARY KEY (id, number))"
            ).format(schema),
        ]
        self._case = SQL(
            "INSERT INTO {}.case_view VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET state = excluded.state"
        ).format(schema)
        self._step = SQL("INSERT INTO {}.step_view VALUES (%s, %s, %s)").format(schema)

    def put(self, id_: Any, number: int, state: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._case, (id_, state))
            cursor.execute(self._step, (id_, number, state))


class CaseView(Projection[View]):
    """Fills it."""

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        state = getattr(domain_event, "state", "received")
        self.view.put(domain_event.originator_id, domain_event.originator_version, state, tracking)


def peer_rate(url: str) -> float:
    """Events per second of a rebuild of CASES times STEPS events in the database at `url`."""
    env = peer_environment(sa.make_url(url))
    application = Cases(env=env)
    for first in range(0, CASES, AT_ONCE):
        cases = [Case(serial=f"S-{number}") for number in range(first, first + AT_ONCE)]
        for case in cases:
            for step in range(STEPS - 1):
                case.step(f"step {step}", "户政科")
        application.save(*cases)
    last = application.recorder.max_notification_id()
    began = time.perf_counter()
    with ProjectionRunner(application_class=Cases, projection_class=CaseView, view_class=View, env=env) as runner:
        runner.wait(last, timeout=600)
    seconds = time.perf_counter() - began
    application.close()
    return CASES * STEPS / seconds
