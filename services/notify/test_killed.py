"""notify killed (-9) in the middle of all it does, again and again: in the end each message went out once, in order.

The process under test is patched for greenlets, as services are; the provider runs here and survives.
"""

import sys
from datetime import timedelta
from itertools import islice
from pathlib import Path

from kernel.clock import SystemClock
from kernel.database import Database
from kernel.testing import Process, eventually, visits
from kernel.testing.cases import appends, corrected_and_concluded
from kernel.testing.sms_provider import SmsProvider
from services.notify.conftest import Desk

CASES, VISITS = 60, 60
MESSAGES = 7 * CASES + 2 * VISITS
LEASE = 1.0

SENDER = f"""
from kernel import green
green.patch()
import sys, time
from datetime import timedelta
from kernel.clock import SystemClock
from kernel.database import open_url
from services.notify.adapters.sms import HttpSms
from services.notify.application.delivering import Patience
from services.notify.application.ports import Contact
from services.notify.bootstrap import Logs, Notify, Outside

class Everybody:
    def find(self, account):
        return Contact(sms="13800138000", email=None)

own, cases, visits, first, second, name = sys.argv[1:]
clock = SystemClock()
ways = [HttpSms("sms", first, "first", clock, 0.2, 0.3), HttpSms("sms-fallback", second, "second", clock, 0.2, 0.3)]
outside = Outside(contacts=Everybody(), providers={{"sms": ways, "email": ways}}, secrets={{}}, hurried=ways)
logs = Logs(cases=open_url(cases, name + "_filing"), visits=open_url(visits, name + "_appointment"))
again = Patience(lease=timedelta(seconds={LEASE}), retries=[timedelta(seconds=0.3)] * 50)
notify = Notify(open_url(own, name + "_notify"), logs, outside, clock, again)
while True:
    notify.cases.catch_up()
    notify.visits.catch_up()
    notify.sender.run_once()
    time.sleep(0.02)
"""


def url_of(database: Database) -> str:
    return str(database.engine.url.render_as_string(hide_password=False))


def states(desk: Desk) -> dict[str, int]:
    with desk.database.read() as tx:
        return {row[0]: row[1] for row in tx.exec_driver_sql("SELECT state, count(*) FROM message GROUP BY state")}


def test_killed_again_and_again_each_message_is_sent_once(desk: Desk, tmp_path: Path) -> None:
    tomorrow = SystemClock().now() + timedelta(days=1)
    booked = visits.booked(starts_at=tomorrow, ends_at=tomorrow + timedelta(minutes=30))
    still_to_come = iter(range(CASES))

    def happens(many: int) -> None:
        for number in islice(still_to_come, many):
            desk.log.append(appends(f"S-{number}", corrected_and_concluded()))
            desk.visits.append(visits.appends(f"V-{number}", [booked, visits.reminded(starts_at=booked.starts_at)]))

    happens(20)
    hiccups = iter(range(10_000))
    went_out: list[str] = []

    def now_and_then_busy(id: str) -> tuple[int, bytes] | None:
        return (503, b"") if next(hiccups) % 10 == 0 else None

    with SmsProvider("first") as first, SmsProvider("second") as second:
        first.before = now_and_then_busy
        first.after = second.after = went_out.append
        name = desk.database.owner.removesuffix("_notify")
        databases = (desk.database, desk.log_database, desk.visits_database)
        arguments = [*map(url_of, databases), first.url, second.url, name]
        with Process([sys.executable, "-c", SENDER, *arguments], log=tmp_path / "sender.log") as sender:
            for goal in (60, 150, 300):
                eventually(lambda goal=goal: len(first.sent) + len(second.sent) >= goal, 60)
                happens(20)
                sender.kill()
                sender.start()
            eventually(lambda: states(desk) == {"sending": MESSAGES} and not unaccepted(desk), 60)
        assert first.refused == second.refused == []
        ids = {message["id"] for serial in serials() for message in desk.messages(serial)}
        assert len(ids) == MESSAGES
        assert first.sent.keys() | second.sent.keys() == ids
        assert not first.sent.keys() & second.sent.keys(), "each by one provider"
        settle(desk, {"sms": first, "sms-fallback": second})
        assert states(desk) == {"delivered": MESSAGES}
    assert_in_order(desk, list(dict.fromkeys(went_out)))


def serials() -> list[str]:
    return [f"S-{number}" for number in range(CASES)] + [f"V-{number}" for number in range(VISITS)]


def assert_in_order(desk: Desk, went_out: list[str]) -> None:
    """Each case's and visit's messages went out as its events stand on the log; `went_out`: as each first did."""
    for serial in serials():
        told = [message["id"] for message in desk.messages(serial)]
        assert [id for id in went_out if id in told] == told


def unaccepted(desk: Desk) -> int:
    with desk.database.read() as tx:
        return int(tx.exec_driver_sql("SELECT count(*) FROM message WHERE accepted_at IS NULL").scalar_one())


def settle(desk: Desk, providers: dict[str, SmsProvider]) -> None:
    """The receipts of all that was sent."""
    for name, provider in providers.items():
        desk.notify.receipts._secrets = {**desk.notify.receipts._secrets, name: provider.secret}
        for id in provider.sent:
            timestamp = int(desk.clock.now().timestamp())
            desk.notify.receipts.take({"provider": name, **provider.receipt(id, timestamp)})
