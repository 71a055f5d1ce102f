"""Callers that wait together commit together, and none waits for one that was killed."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from kernel.database import DatabaseAway
from kernel.eventlog.grouping import Grouped
from kernel.testing import eventually


class Commits:
    """A database that answers when it is told to, and remembers the groups."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.may_go_on = threading.Semaphore(0)
        self.fault: Callable[[list[str]], BaseException | None] = lambda _: None

    def __call__(self, items: Sequence[str]) -> list[str]:
        self.groups.append(list(items))
        assert self.may_go_on.acquire(timeout=10)
        fault = self.fault(list(items))
        if fault is not None:
            raise fault
        return [item.upper() for item in items]


@pytest.fixture
def commits() -> Commits:
    return Commits()


def submit_while_the_first_commits(
    pool: ThreadPoolExecutor, commits: Commits, grouped: Grouped[str, str], names: str
) -> list[Future[str]]:
    """The first leads and is held in its commit; the others queue behind it, in order."""
    futures = []
    for count, name in enumerate(names):
        futures.append(pool.submit(grouped.submit, name, 1))
        eventually(lambda waiting=count: len(commits.groups) == 1 and len(grouped._queue) == waiting)
    return futures


def test_those_who_come_meanwhile_leave_together(commits: Commits) -> None:
    grouped = Grouped[str, str](commits, most=10)
    with ThreadPoolExecutor(8) as pool:
        futures = submit_while_the_first_commits(pool, commits, grouped, "abcd")
        commits.may_go_on.release(2)
        assert [future.result(10) for future in futures] == ["A", "B", "C", "D"]
    assert commits.groups == [["a"], ["b", "c", "d"]]


def test_a_group_has_its_limit(commits: Commits) -> None:
    grouped = Grouped[str, str](commits, most=2)
    with ThreadPoolExecutor(8) as pool:
        futures = submit_while_the_first_commits(pool, commits, grouped, "abcdef")
        commits.may_go_on.release(4)
        assert [future.result(10) for future in futures] == list("ABCDEF")
    assert commits.groups == [["a"], ["b", "c"], ["d", "e"], ["f"]]


def test_one_larger_than_the_limit_goes_alone(commits: Commits) -> None:
    commits.may_go_on.release()
    assert Grouped[str, str](commits, most=2).submit("a", size=3) == "A"


def test_a_bad_one_fails_alone(commits: Commits) -> None:
    grouped = Grouped[str, str](commits, most=10)
    commits.fault = lambda items: ValueError("c is bad") if "c" in items else None
    with ThreadPoolExecutor(8) as pool:
        a, b, c, d = submit_while_the_first_commits(pool, commits, grouped, "abcd")
        commits.may_go_on.release(5)
        assert [future.result(10) for future in (a, b, d)] == ["A", "B", "D"]
        with pytest.raises(ValueError, match="c is bad"):
            c.result(10)


def test_a_database_that_is_away_fails_all_of_them_once(commits: Commits) -> None:
    grouped = Grouped[str, str](commits, most=10)
    commits.fault = lambda items: DatabaseAway() if "c" in items else None
    with ThreadPoolExecutor(8) as pool:
        a, *others = submit_while_the_first_commits(pool, commits, grouped, "abcd")
        commits.may_go_on.release(2)
        assert a.result(10) == "A"
        for future in others:
            with pytest.raises(DatabaseAway):
                future.result(10)
    assert len(commits.groups) == 2


def test_a_leader_that_is_killed_leaves_nobody_waiting(commits: Commits) -> None:
    grouped = Grouped[str, str](commits, most=10)
    commits.fault = lambda items: KeyboardInterrupt() if "a" in items else None
    with ThreadPoolExecutor(8) as pool:
        a, b, c = submit_while_the_first_commits(pool, commits, grouped, "abc")
        commits.may_go_on.release(2)
        with pytest.raises(KeyboardInterrupt):
            a.result(10)
        assert [future.result(10) for future in (b, c)] == ["B", "C"]
    commits.may_go_on.release()
    assert grouped.submit("d", 1) == "D"


def test_a_follower_that_is_killed_leaves_the_lead_to_the_next(commits: Commits) -> None:
    """A greenlet can be killed while it waits; the wait then raises. Played here by a seat whose wait does."""
    grouped = Grouped[str, str](commits, most=10)
    with ThreadPoolExecutor(8) as pool:
        (a,) = submit_while_the_first_commits(pool, commits, grouped, "a")
        wait = grouped._wait
        killed = threading.Event()

        def interrupted(seat: object) -> None:
            seat.asleep = _Interrupted(killed)  # type: ignore[attr-defined]
            wait(seat)  # type: ignore[arg-type]

        grouped._wait = interrupted  # type: ignore[method-assign, assignment]
        b = pool.submit(grouped.submit, "b", 1)
        eventually(lambda: len(grouped._queue) == 1)
        grouped._wait = wait  # type: ignore[method-assign]
        c = pool.submit(grouped.submit, "c", 1)
        eventually(lambda: len(grouped._queue) == 2)
        commits.may_go_on.release(2)
        assert a.result(10) == "A"  # and the lead was given to b
        killed.set()
        with pytest.raises(SystemExit):
            b.result(10)
        assert c.result(10) == "C"
    assert commits.groups == [["a"], ["c"]]


class _Interrupted:
    """Stands for the lock of a waiting greenlet that is killed."""

    def __init__(self, killed: threading.Event) -> None:
        self._killed = killed

    def acquire(self) -> None:
        assert self._killed.wait(10)
        raise SystemExit

    def release(self) -> None:
        """Woken to lead: too late."""
