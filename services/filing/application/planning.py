"""What becomes of the events that are there for one case: appended, refused, or left to wait.

Pure. Events of one case are taken in the order in which they happened, and as often as it takes: a whole life of a case
that arrives shuffled ends as it would have in order.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache

from kernel.contracts.case import FACTS, Fact
from kernel.contracts.lifecycle import TRANSITIONS, Speaker, State, reachable
from kernel.errors import Refusal
from services.filing.application.hearing import Heard
from services.filing.application.loading import Known
from services.filing.domain.case import Case, Now, decide, evolve
from services.filing.domain.refusals import NotAllowedInState, UnknownCase


@dataclass
class Plan:
    """For one case: where it stood, what is appended, and what is not."""

    before: Known | None
    appended: list[tuple[Heard, Fact]] = field(default_factory=list)
    refused: list[tuple[Heard, Refusal]] = field(default_factory=list)
    waiting: list[Heard] = field(default_factory=list)
    after: Known | None = None

    @property
    def doubtful(self) -> bool:
        """Whether something was not appended because of a state that may be out of date."""
        return bool(self.before and self.before.remembered and (self.refused or self.waiting))


def plan(known: Known | None, events: Iterable[Heard], now: Now, now_micros: int) -> Plan:
    """Decide on all events of one case. `known` is None for a serial that does not exist."""
    made = Plan(before=known)
    if known is None:
        made.refused = [(event, UnknownCase()) for event in events]
        return made
    left = []
    for event in events:
        # Another organ's case does not exist for this one.
        if event.organ == known.case.organ:
            left.append(event)
        else:
            made.refused.append((event, UnknownCase()))
    left.sort(key=lambda event: event.fact.occurred_at)
    case = _append_all(made, known, left, now)
    _settle(made, known, case, left, now, now_micros)
    made.after = replace(known, case=case)
    return made


def _append_all(made: Plan, known: Known, left: list[Heard], now: Now) -> Case:
    """Append what the state allows, the earliest first, until nothing more fits; `left` keeps the rest."""
    case = known.case
    while (index := _first_allowed(case.state, left)) is not None:
        event = left.pop(index)
        try:
            fact = decide(case, event.fact, Speaker.DEPARTMENT, now, known.rules)
        except Refusal as refusal:
            made.refused.append((event, refusal))
        else:
            made.appended.append((event, fact))
            case = evolve(case, fact)
    return case


def _first_allowed(state: State, events: list[Heard]) -> int | None:
    transitions = TRANSITIONS[state]
    return next((index for index, event in enumerate(events) if type(event.fact) in transitions), None)


def _settle(made: Plan, known: Known, case: Case, left: list[Heard], now: Now, now_micros: int) -> None:
    """What does not fit waits, if what it needs can still come and its time is not over."""
    for event in left:
        try:
            decide(case, event.fact, Speaker.DEPARTMENT, now, known.rules)
        except NotAllowedInState as refusal:
            in_time = event.deadline is None or event.deadline > now_micros
            if in_time and _may_come(case.state, event.fact.TYPE):
                made.waiting.append(event)
            else:
                made.refused.append((event, refusal))
        except Refusal as refusal:
            made.refused.append((event, refusal))


@cache
def _may_come(state: State, type_: str) -> bool:
    return reachable(state, FACTS[type_], Speaker.DEPARTMENT)
