"""What is late at filing, and how far its log is published: read from the tables, on both databases."""

from datetime import timedelta

import pytest

from kernel.clock import to_micros
from kernel.contracts.filing import Status
from services.filing.adapters.standing import standing
from services.filing.testing import Desk


def test_what_is_due_is_counted_from_when_it_was(desk: Desk) -> None:
    now = desk.clock.now()
    looks = {"S-1": now - timedelta(hours=2), "S-2": now, "S-3": now + timedelta(seconds=1)}
    with desk.database.write() as tx:
        for serial, at in looks.items():
            tx.exec_driver_sql(f"INSERT INTO clock_look (serial, look_at) VALUES ('{serial}', {to_micros(at)})")
    told = standing(desk.database, now)
    assert told["timers"] == {
        "deadlines": {"due": 2, "oldest_due_seconds": 7200.0},
        "waiting_events": {"due": 0, "oldest_due_seconds": 0.0},
    }
    assert Status().validate(told) == {}


@pytest.mark.parametrize(("lease", "led"), [(timedelta(seconds=1), True), (timedelta(), False)])
def test_a_relay_leads_until_its_lease_ends(desk: Desk, lease: timedelta, led: bool) -> None:
    with desk.database.write() as tx:
        tx.exec_driver_sql(f"UPDATE relay SET leader = 'r', leads_until = {to_micros(desk.clock.now() + lease)}")
    assert standing(desk.database, desk.clock.now())["relay"]["led"] is led


def test_what_is_not_published_has_the_age_of_its_first_event(desk: Desk) -> None:
    serial = desk.file()
    desk.clock.advance(timedelta(seconds=40))
    relay = standing(desk.database, desk.clock.now())["relay"]
    assert desk.types(serial)
    assert (relay["position"], relay["head"], relay["oldest_unpublished_seconds"]) == (0, 1, 40.0)
