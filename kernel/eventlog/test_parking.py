"""What is said of a case that is set aside: one line, once, when it is certain, with nobody's data in it."""

import pytest

from kernel.database import DatabaseAway
from kernel.errors import Park
from kernel.eventlog import Follower, Recorded
from kernel.eventlog.testing import Seen


def test_a_parked_case_is_said_once_with_what_to_do(
    follower: Follower, seen: Seen, ten: list[Recorded], caplog: pytest.LogCaptureFixture
) -> None:
    seen.bad["e5"] = Park("no such item\n[parameters: ('a name',)]")
    follower.take(ten[:6])
    follower.take(ten[6:])  # B goes on, behind the bad one
    follower.requeue("B")  # fails again: whoever requeues is told, the log has it already
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert isinstance(record.msg, dict)
    said = {name: value for name, value in record.msg.items() if name not in ("level", "logger", "timestamp")}
    assert said == {
        "event": "case parked",
        "consumer": "seen",
        "case": "B",
        "position": 5,
        "type": "case.step",
        "reason": "no such item",
        "do": "yichuang parked list",
    }


def test_what_is_rolled_back_is_not_said(
    follower: Follower,
    seen: Seen,
    ten: list[Recorded],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> None:
        raise DatabaseAway("before the commit")

    seen.bad["e5"] = Park("no such item")
    with monkeypatch.context() as patched:
        patched.setattr(follower, "_move", fails)
        with pytest.raises(DatabaseAway):
            follower.take(ten)
    assert "case parked" not in caplog.text
    follower.take(ten)
    assert caplog.text.count("case parked") == 1
