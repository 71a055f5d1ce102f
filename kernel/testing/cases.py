"""Lives of cases, for the tests and benchmarks of those who follow the case log; and an empty log to write them to.

Made-up facts in the order in which the states allow them; never used by a service.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations

from kernel.clock import CHINA
from kernel.contracts import case as facts
from kernel.contracts.case import Fact
from kernel.database import Database
from kernel.eventlog import Append, NewEvent, add_imported, create_log
from kernel.testing.tables import tables

START = datetime(2026, 2, 9, 9, tzinfo=CHINA)
ORGAN = "11440106007512345A"
APPLICANT = "0194e6c5-0000-7000-8000-000000000001"


def received(at: datetime = START, attempt: int = 1, **changes: Any) -> facts.CaseReceived:
    values: dict[str, Any] = {
        "item": "residence-permit",
        "item_name": "签注居住证",
        "item_version": 3,
        "department": ORGAN,
        "department_name": "公安局",
        "applicant": APPLICANT,
        "query_code_digest": "d" * 64,
    }
    return facts.CaseReceived(occurred_at=at, by=APPLICANT, attempt=attempt, **{**values, **changes})


def corrected_and_concluded(applicant: str = APPLICANT, digest: str = "d" * 64) -> list[Fact]:
    """Nine facts: received, sent back, received again, accepted, a step, decided, concluded, rated."""
    at = [START + timedelta(hours=hour) for hour in range(10)]
    officer = f"{ORGAN}/officer-7"
    mine: dict[str, Any] = {"applicant": applicant, "query_code_digest": digest}
    correction = facts.Correction(what="照片不清晰", material="photo")
    return [
        received(at[0], **mine),
        facts.CaseIncomplete(occurred_at=at[1], by=officer, corrections=(correction,), due=date(2026, 2, 24)),
        received(at[2], attempt=2, **mine),
        facts.CaseAccepted(
            occurred_at=at[3],
            by=officer,
            effective_on=date(2026, 2, 9),
            statutory_due=date(2026, 3, 13),
            promised_due=date(2026, 2, 24),
        ),
        facts.CaseStep(occurred_at=at[4], by=officer, step_name="审查", unit="户政科"),
        facts.CaseExtended(occurred_at=at[5], by=officer, working_days=10, reason="需要核实住所"),
        facts.CaseApproved(occurred_at=at[6], by=officer, document_number="穗公居〔2026〕12号"),
        facts.CaseConcluded(occurred_at=at[7], by=officer, outcome="准予", result_documents=("居住证",)),
        facts.CaseRated(occurred_at=at[8], by=applicant, stars=5, tags=("一窗受理一次办结",)),
    ]


def appends(serial: str, life: Iterable[Fact], expected_version: int = 0) -> Append:
    """One request that writes the whole life."""
    return Append(
        stream=serial,
        expected_version=expected_version,
        events=tuple(_events(serial, life, expected_version)),
    )


def _events(serial: str, life: Iterable[Fact], written: int) -> Iterator[NewEvent]:
    for number, fact in enumerate(life, written + 1):
        yield NewEvent(
            id=f"{serial}-{number}",
            source="/filing",
            type=fact.TYPE,
            version=fact.VERSION,
            time=fact.occurred_at,
            data=facts.dump_fact(fact),
            organ=ORGAN,
        )


def make_log(database: Database) -> Database:
    """An empty log in `database`, which is nobody's yet; returns it."""

    def make() -> None:
        with database.write() as tx:
            create_log(Operations(MigrationContext.configure(tx)))
            add_imported(Operations(MigrationContext.configure(tx)))

    return tables(database, "log", make)
