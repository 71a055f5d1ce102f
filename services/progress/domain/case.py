"""A case as people see it, folded from what happened to it.

Pure: one entry of the log in, the case after it out. Decides nothing; an entry that cannot follow is for an operator.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kernel.contracts.case import FACTS, Fact, dump_fact, load_fact
from kernel.contracts.lifecycle import TRANSITIONS, State
from kernel.errors import Park, Refusal

# What the public reads of each fact. References to people, wishes and digests stay out.
PUBLIC: dict[str, tuple[str, ...]] = {
    "case.received": ("attempt", "channel"),
    "case.incomplete": ("corrections", "due"),
    "case.accepted": ("deemed", "effective_on", "statutory_due", "promised_due", "due_provisional"),
    "case.declined": ("reason", "right_organ"),
    "case.step": ("step_name", "unit", "opinion"),
    "case.suspended": ("kind", "expected_days"),
    "case.resumed": ("kind", "expected_days"),
    "case.extended": ("working_days", "reason"),
    "case.approved": ("document_number",),
    "case.refused": ("reason", "remedies"),
    "case.concluded": ("outcome", "result_documents", "delivery"),
    "case.withdrawn": ("reason",),
    "case.lapsed": (),
    "case.rated": ("stars", "tags"),
}

_NEXT: dict[tuple[str, str], str] = {
    (state.value, fact.TYPE): after.value for state, facts in TRANSITIONS.items() for fact, after in facts.items()
}
_CURRENT: dict[str, int] = {type_: fact.VERSION for type_, fact in FACTS.items()}


@dataclass(slots=True)
class Case:
    """Where a case stands. Instants are microseconds since 1970, dates ISO texts, as the tables keep them.

    `filed_at` is when it first came in; `updated_at` is when the last fact about it was recorded.
    """

    serial: str
    item: str = ""
    item_name: str = ""
    item_version: int = 0
    department: str = ""
    department_name: str = ""
    applicant: str = ""
    query_code_digest: str | None = None
    state: str = State.NEW.value
    attempt: int = 0
    filed_at: int = 0
    updated_at: int = 0
    stream_version: int = 0
    statutory_due: str | None = None
    promised_due: str | None = None
    due_provisional: bool = False
    extended_working_days: int | None = None
    corrections: list[dict[str, str]] = field(default_factory=list)
    corrections_due: str | None = None
    outcome: str | None = None
    rating: int | None = None


class Entry(NamedTuple):
    """One fact of the log, as this service reads it. Instants in microseconds since 1970."""

    serial: str
    stream_version: int
    type: str
    version: int
    occurred_at: int
    recorded_at: int
    data: dict[str, Any]


def fold(case: Case, entry: Entry) -> dict[str, Any]:
    """Bring `case` up to `entry`, in place; answers the entry's public data.

    Raises Park: an entry is missing before it, its type or version is unknown, or the case's state does not allow it.
    """
    if entry.stream_version != case.stream_version + 1:
        raise Park(f"version {entry.stream_version} of {entry.serial} cannot follow version {case.stream_version}")
    after = _NEXT.get((case.state, entry.type))
    if after is None:
        raise Park(f"{entry.type} is not allowed in state {case.state} of {entry.serial}")
    data = _present_data(entry)
    _CHANGES[entry.type](case, data, entry.occurred_at)
    case.state, case.stream_version, case.updated_at = after, entry.stream_version, entry.recorded_at
    return {name: data[name] for name in PUBLIC[entry.type] if data.get(name) is not None}


def _present_data(entry: Entry) -> dict[str, Any]:
    """The data in the type's present version. The log holds checked facts: only old versions need the schemas."""
    if entry.version == _CURRENT[entry.type]:
        return entry.data
    try:
        fact: Fact = load_fact(entry.type, entry.version, entry.data)
    except Refusal as refusal:
        raise Park(str(refusal)) from refusal
    return dump_fact(fact)


def _received(case: Case, data: dict[str, Any], at: int) -> None:
    if case.stream_version == 0:
        case.filed_at = at
    case.item, case.item_name, case.item_version = data["item"], data["item_name"], data["item_version"]
    case.department, case.department_name = data["department"], data["department_name"]
    case.applicant, case.attempt = data["applicant"], data.get("attempt", 1)
    case.query_code_digest = data.get("query_code_digest") or case.query_code_digest
    case.corrections, case.corrections_due = [], None


def _incomplete(case: Case, data: dict[str, Any], at: int) -> None:
    case.corrections, case.corrections_due = data["corrections"], data.get("due")


def _accepted(case: Case, data: dict[str, Any], at: int) -> None:
    case.statutory_due, case.promised_due = data.get("statutory_due"), data.get("promised_due")
    case.due_provisional = data.get("due_provisional", False)


def _extended(case: Case, data: dict[str, Any], at: int) -> None:
    case.extended_working_days = data["working_days"]


def _concluded(case: Case, data: dict[str, Any], at: int) -> None:
    case.outcome = data["outcome"]


def _rated(case: Case, data: dict[str, Any], at: int) -> None:
    case.rating = data["stars"]


def _nothing(case: Case, data: dict[str, Any], at: int) -> None:
    """The state and the timeline say it all."""


def _ends(outcome: str) -> Any:
    def change(case: Case, data: dict[str, Any], at: int) -> None:
        case.outcome = outcome
        case.corrections, case.corrections_due = [], None

    return change


_CHANGES: dict[str, Any] = {
    "case.received": _received,
    "case.incomplete": _incomplete,
    "case.accepted": _accepted,
    "case.declined": _ends("declined"),
    "case.step": _nothing,
    "case.suspended": _nothing,
    "case.resumed": _nothing,
    "case.extended": _extended,
    "case.approved": _ends("approved"),
    "case.refused": _ends("refused"),
    "case.concluded": _concluded,
    "case.withdrawn": _ends("withdrawn"),
    "case.lapsed": _ends("lapsed"),
    "case.rated": _rated,
}
