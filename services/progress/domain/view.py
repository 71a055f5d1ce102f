"""The view of a case: what a person is shown, as plain JSON values in the shape that kernel.contracts.progress gives.

Pure: reads no table, asks no clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.clock import format_time, from_micros
from services.progress.domain.case import Case
from services.progress.domain.texts import state_text, step_text

Words = Callable[[str], str]  # how our words and names are written: as they are, or in traditional characters


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One entry of a timeline: the fact's type, when (microseconds), the state after it, its public data."""

    type: str
    occurred_at: int
    state: str
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which of an applicant's cases. `filed_from` ≤ filed_at < `filed_to`, microseconds; None where open."""

    applicant: str
    state: str | None = None
    department: str | None = None
    filed_from: int | None = None
    filed_to: int | None = None


Found = tuple[Case, list[TimelineStep]]


def summary(case: Case, language: str, words: Words) -> dict[str, Any]:
    """The case as it stands (`CaseSummary`)."""
    return {
        "serial": case.serial,
        "item": {"code": case.item, "name": words(case.item_name), "version": case.item_version},
        "department": {"code": case.department, "name": words(case.department_name)},
        "state": case.state,
        "state_text": words(state_text(case.state, case.outcome, language)),
        "filed_at": instant(case.filed_at),
        "updated_at": instant(case.updated_at),
        "attempt": case.attempt,
        "statutory_due": case.statutory_due,
        "promised_due": case.promised_due,
        "due_provisional": case.due_provisional,
        "extended_working_days": case.extended_working_days,
        "asked": _asked(case),
        "outcome": case.outcome,
        "rating": case.rating,
    }


def whole(case: Case, steps: Sequence[TimelineStep], language: str, words: Words) -> dict[str, Any]:
    """The case and how it came to stand so (`CaseView`). What a department wrote stays as it wrote it."""
    return {**summary(case, language, words), "timeline": [_step(step, language, words) for step in steps]}


def _step(step: TimelineStep, language: str, words: Words) -> dict[str, Any]:
    return {
        "type": step.type,
        "text": words(step_text(step.type, step.data, language)),
        "occurred_at": instant(step.occurred_at),
        "state": step.state,
        "data": step.data,
    }


def _asked(case: Case) -> dict[str, Any] | None:
    if case.state != "incomplete":
        return None
    return {"corrections": case.corrections, "due": case.corrections_due}


def instant(micros: int) -> str:
    return format_time(from_micros(micros))
