"""What a consumer has parked of events that the log does not have any more: seen, refused, given up."""

import pytest

from kernel.contracts.case import CaseWithdrawn
from kernel.eventlog.testing import tamper
from kernel.testing.cases import START, appends
from operations.testing_installation import Installation, serial

WITHDRAWN = CaseWithdrawn(occurred_at=START, by="account-1")  # of a case that has ended: nobody may


@pytest.fixture
def parked(installation: Installation) -> Installation:
    """One event of each of two cases is parked by progress, of which the log has lost the second."""
    installation.file([1])
    installation.log.append(appends(serial(1), [WITHDRAWN], 9))
    installation.log.append(appends(serial(2), [WITHDRAWN]))
    installation.follow("progress")
    tamper(
        installation.database("filing"),
        "UPDATE log_head SET position = 10, chain = (SELECT chain FROM event WHERE position = 10)",
        "DELETE FROM event WHERE position = 11",
    )
    return installation


def test_it_is_shown_with_what_can_be_done(parked: Installation) -> None:
    (shown,) = parked.lines("parked", "show", serial(2), "--consumer", "progress")
    assert (shown["position"], shown["data"]) == (11, None)
    assert "replay progress --swap --new-log" in shown["fix"]
    told = parked.run("parked", "show", serial(2), "--consumer", "progress")
    assert (told.exit_code, "not on the log" in told.stdout) == (0, True)


def test_to_requeue_it_is_refused_and_keeps_no_other_case_back(parked: Installation) -> None:
    refused = parked.run("parked", "requeue", serial(2), "--consumer", "progress")
    assert refused.exit_code == 1
    assert "is not on the log" in refused.stderr
    parked.change("progress", f"UPDATE case_progress SET state = 'received' WHERE serial = '{serial(1)}'")
    told = parked.run("parked", "requeue", "--all", "--consumer", "progress")
    assert (told.exit_code, "progress took again 1 cases; 1 failed again" in told.stderr) == (1, True)
    assert [one["position"] for one in parked.lines("parked", "list")] == [11]


def test_it_is_given_up_by_hand_or_by_going_on_with_the_log_that_there_is(parked: Installation) -> None:
    words = ("--consumer", "progress", "--position", "11", "--why", "it was lost with the disk")
    assert parked.run("parked", "skip", serial(2), *words).exit_code == 0
    assert [one["position"] for one in parked.lines("parked", "list")] == [10]
    assert parked.run("replay", "progress", "--swap", "--new-log").exit_code == 0


def test_what_can_be_done_about_a_case_is_said_with_its_names(installation: Installation) -> None:
    installation.file([1])
    installation.follow("notify")
    installation.change("notify", "DELETE FROM case_contact")
    installation.log.append(appends(serial(1), [WITHDRAWN], 9))
    installation.follow("notify")
    (shown,) = installation.lines("parked", "show", serial(1), "--consumer", "notify")
    assert f"replay notify --case {serial(1)}, then requeue" in shown["fix"]
    assert installation.lines("replay", "notify", "--case", serial(1))[0]["parked"] == 1
    assert installation.lines("parked", "requeue", serial(1), "--consumer", "notify")[0]["taken"] == 1
    told = f"SELECT type FROM message WHERE serial = '{serial(1)}' AND position = 10"
    assert installation.rows("notify", told) == [("case.withdrawn",)]
