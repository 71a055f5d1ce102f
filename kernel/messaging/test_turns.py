"""Who waits for a turn at a service, and for how long."""

import threading
from collections.abc import Callable

from kernel.messaging.turns import Turns
from kernel.testing import eventually


class Watch:
    """A clock; what is planned happens one after another, each when somebody looks at it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._planned: list[Callable[[], None]] = []

    def plan(self, *steps: Callable[[], None]) -> None:
        self._planned = [lambda: None, *steps]  # the first look is when somebody comes

    def __call__(self) -> float:
        steps, self._planned = self._planned[:1], self._planned[1:]
        rest, self._planned = self._planned, []  # a step may look at the clock itself
        for step in steps:
            step()
        self._planned = rest
        return self.now


def one_turn() -> tuple[Turns, Watch]:
    """And somebody has it."""
    watch = Watch()
    turns = Turns(1, watch)
    assert turns.take(60.0)
    return turns, watch


def test_whoever_finds_no_turn_waits_until_one_is_given_back() -> None:
    turns, watch = one_turn()
    watch.plan(turns.give_back)
    assert turns.take(60.0)
    assert not turns.take(0.0)


def test_a_service_that_answers_nobody_is_waited_for_no_longer_than_its_own_time() -> None:
    turns, watch = one_turn()

    def a_little_later() -> None:
        watch.now += 5.1

    watch.plan(a_little_later)
    assert not turns.take(5.0)


def test_in_a_crowd_that_is_served_one_may_wait_longer() -> None:
    turns, watch = one_turn()

    def somebody_is_answered() -> None:
        watch.now += 0.04
        turns.answered()

    watch.plan(*[somebody_is_answered] * 3, turns.give_back)
    assert turns.take(0.05)
    assert watch.now > 2 * 0.05


def test_nobody_waits_beyond_patience() -> None:
    turns, watch = one_turn()

    def much_later() -> None:
        watch.now += 31
        turns.answered()

    watch.plan(much_later)
    assert not turns.take(60.0)


def test_who_came_first_is_let_in_first_however_often_the_others_look() -> None:
    turns = Turns(1)
    assert turns.take(60.0)
    let_in: list[int] = []

    def come(number: int) -> None:
        assert turns.take(0.01 if number % 2 else 60.0) is (number % 2 == 0)
        if number % 2 == 0:
            let_in.append(number)
            turns.give_back()

    people = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for here, one in enumerate(people, 1):
        one.start()
        eventually(lambda here=here: len(turns._waiting) + sum(not each.is_alive() for each in people[:here]) == here)
    for one in people[1::2]:
        one.join(10)
    turns.give_back()
    for one in people:
        one.join(10)
    assert let_in == [0, 2, 4, 6]
    assert turns.take(0.0), "nobody has kept a turn"
