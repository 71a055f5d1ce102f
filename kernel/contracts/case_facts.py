"""The facts of a case (办件) as values: past tense, frozen, in their present versions.

Values only; `kernel.contracts.case` reads and writes them, and is what others import.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

Channel = str  # "online" or "window"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What all facts say: when it happened, and who says so (`by`)."""

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1

    occurred_at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One thing to put right: a material or a form field, and what is wrong with it."""

    what: str
    material: str | None = None
    field: str | None = None


@dataclass(frozen=True, kw_only=True)
class CaseReceived(Fact):
    """收件: the applicant has filed (attempt 1) or filed again after corrections (attempt 2 and on)."""

    TYPE = "case.received"
    VERSION = 2

    item: str
    item_name: str
    item_version: int
    department: str  # organ code
    department_name: str
    applicant: str  # account reference
    attempt: int = 1
    channel: str = "online"
    notices: tuple[str, ...] = ("sms",)
    language: str = "zh-Hans"
    query_code_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class CaseIncomplete(Fact):
    """补正告知: all corrections, told at once (行政许可法 32)."""

    TYPE = "case.incomplete"

    corrections: tuple[Correction, ...]
    due: date | None = None


@dataclass(frozen=True, kw_only=True)
class CaseAccepted(Fact):
    """受理: the department has taken the case on, or the law deems it to have."""

    TYPE = "case.accepted"

    deemed: bool = False
    effective_on: date | None = None
    statutory_due: date | None = None
    promised_due: date | None = None
    due_provisional: bool = False


@dataclass(frozen=True, kw_only=True)
class CaseDeclined(Fact):
    """不予受理: not this organ's business, or no permit is needed."""

    TYPE = "case.declined"

    reason: str
    right_organ: str | None = None


@dataclass(frozen=True, kw_only=True)
class CaseStep(Fact):
    """A step inside the department was finished."""

    TYPE = "case.step"

    step_name: str
    unit: str | None = None
    opinion: str | None = None


@dataclass(frozen=True, kw_only=True)
class CaseSuspended(Fact):
    """A special procedure has begun whose time does not count (行政许可法 45)."""

    TYPE = "case.suspended"

    kind: str
    expected_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class CaseResumed(Fact):
    """The special procedure is over; time counts again."""

    TYPE = "case.resumed"

    kind: str | None = None
    expected_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class CaseExtended(Fact):
    """The limit was extended, once, by the head of the organ (行政许可法 42)."""

    TYPE = "case.extended"

    working_days: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class CaseApproved(Fact):
    """准予: decided in the applicant's favour."""

    TYPE = "case.approved"

    document_number: str


@dataclass(frozen=True, kw_only=True)
class CaseRefused(Fact):
    """不予: decided against, with reasons and remedies (行政许可法 38)."""

    TYPE = "case.refused"

    reason: str
    remedies: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CaseConcluded(Fact):
    """办结: the result is there and handed over."""

    TYPE = "case.concluded"

    outcome: str
    result_documents: tuple[str, ...] = ()
    delivery: str | None = None


@dataclass(frozen=True, kw_only=True)
class CaseWithdrawn(Fact):
    """撤回: the applicant took the case back before the decision."""

    TYPE = "case.withdrawn"

    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class CaseLapsed(Fact):
    """The corrections never came."""

    TYPE = "case.lapsed"


@dataclass(frozen=True, kw_only=True)
class CaseRated(Fact):
    """好差评: the applicant rated the service (GB/T 39735-2020), 1 to 5 stars."""

    TYPE = "case.rated"

    stars: int
    tags: tuple[str, ...] = ()
    comment_reference: str | None = None


FACTS: dict[str, type[Fact]] = {
    fact.TYPE: fact
    for fact in (
        CaseReceived,
        CaseIncomplete,
        CaseAccepted,
        CaseDeclined,
        CaseStep,
        CaseSuspended,
        CaseResumed,
        CaseExtended,
        CaseApproved,
        CaseRefused,
        CaseConcluded,
        CaseWithdrawn,
        CaseLapsed,
        CaseRated,
    )
}
