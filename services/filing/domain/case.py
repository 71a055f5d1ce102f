"""The life of one case (办件), from receipt to conclusion.

Pure: nothing here opens a socket, a file or a session, or asks the time. `decide` may refuse, `evolve` never does.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from kernel.clock import CHINA, format_time
from kernel.contracts.case import CaseAccepted, CaseExtended, CaseIncomplete, CaseRated, CaseReceived, Correction, Fact
from kernel.contracts.lifecycle import SPEAKERS, TRANSITIONS, Speaker, State
from kernel.working_days import Limit, due
from services.filing.domain import refusals


@dataclass(frozen=True, kw_only=True)
class Case:
    """Where a case stands: what has to be known of its past to decide what may come next."""

    serial: str
    version: int = 0  # events so far
    state: State = State.NEW
    organ: str = ""
    item: str = ""
    applicant: str = ""
    attempt: int = 0
    received_at: datetime | None = None  # the first time
    last_received_at: datetime | None = None
    corrections_due: date | None = None  # until when those asked for last are awaited
    extended: bool = False
    rated: bool = False


LAWFUL_LIMIT = Limit(20)  # where an item says nothing (行政许可法 42)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the item says about its cases. `materials` and `fields`: their names, None where nobody knows them."""

    statutory: Limit | None = LAWFUL_LIMIT
    promised: Limit | None = None
    extension_working_days: int = 10
    deemed_acceptance: bool = False
    materials: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Now:
    """The moment of a decision, and how far ahead of it another's clock may be."""

    at: datetime
    skew: timedelta = timedelta()


def rules_of(item: Mapping[str, Any]) -> Rules:
    """From an item as catalog tells it, or from what `rules_to_json` kept of one."""
    return Rules(
        statutory=_limit(item.get("statutory_limit")),
        promised=_limit(item.get("promised_limit")),
        extension_working_days=item["extension_working_days"],
        deemed_acceptance=item.get("deemed_acceptance", False),
        materials=tuple(material["code"] for material in item["materials"]),
        fields=tuple(field["name"] for field in item["fields"]),
    )


def rules_to_json(item: Mapping[str, Any]) -> dict[str, Any]:
    """Of an item as catalog tells it what decisions need: JSON values, in the item's own form."""
    same = ("statutory_limit", "promised_limit", "extension_working_days", "deemed_acceptance")
    return {
        **{name: item[name] for name in same},
        "materials": [{"code": material["code"]} for material in item["materials"]],
        "fields": [{"name": field["name"]} for field in item["fields"]],
    }


def _limit(said: Mapping[str, Any] | None) -> Limit | None:
    return None if said is None else Limit(said["amount"], working=said["unit"] == "working_days")


def evolve(case: Case, fact: Fact) -> Case:
    """The case after `fact`. Facts on the log are true: nothing is refused here."""
    state = TRANSITIONS[case.state].get(type(fact), case.state)
    moved = replace(case, state=state, version=case.version + 1)
    change = _CHANGES.get(type(fact))
    return moved if change is None else change(moved, fact)


def rebuild(serial: str, facts: Iterable[Fact]) -> Case:
    """The case that the log alone tells of."""
    case = Case(serial=serial)
    for fact in facts:
        case = evolve(case, fact)
    return case


def _receive(case: Case, fact: Any) -> Case:
    return replace(
        case,
        organ=fact.department,
        item=fact.item,
        applicant=fact.applicant,
        attempt=fact.attempt,
        received_at=case.received_at or fact.occurred_at,
        last_received_at=fact.occurred_at,
    )


_CHANGES: dict[type[Fact], Callable[[Case, Any], Case]] = {
    CaseReceived: _receive,
    CaseIncomplete: lambda case, fact: replace(case, corrections_due=fact.due),
    CaseExtended: lambda case, fact: replace(case, extended=True),
    CaseRated: lambda case, fact: replace(case, rated=True),
}


def decide(case: Case, fact: Fact, speaker: Speaker, now: Now, rules: Rules) -> Fact:
    """The fact as it goes on the log, with what filing adds to it. Raises a refusal: then nothing happened."""
    if speaker not in SPEAKERS[type(fact)]:
        speakers = sorted(map(str, SPEAKERS[type(fact)]))
        raise refusals.NotYoursToSay(type=fact.TYPE, speaker=str(speaker), speakers=speakers)
    _check_time(case, fact, now)
    if type(fact) not in TRANSITIONS[case.state]:
        raise refusals.NotAllowedInState.at(case.state, fact.TYPE)
    complete = _COMPLETIONS.get(type(fact))
    return fact if complete is None else complete(case, fact, rules)


def _check_time(case: Case, fact: Fact, now: Now) -> None:
    at = fact.occurred_at
    if at > now.at + now.skew:
        raise refusals.OccurredInFuture(
            occurred_at=format_time(at), now=format_time(now.at), skew=round(now.skew.total_seconds())
        )
    if case.received_at is not None and at < case.received_at - now.skew:
        raise refusals.OccurredBeforeReceipt(occurred_at=format_time(at), received_at=format_time(case.received_at))


def _count_attempt(case: Case, fact: CaseReceived, rules: Rules) -> Fact:
    return replace(fact, attempt=case.attempt + 1)


def _check_corrections(case: Case, fact: CaseIncomplete, rules: Rules) -> Fact:
    """What is asked can be done: in time, and with materials and fields that the item has."""
    told_on = _day(fact.occurred_at)
    if fact.due is not None and fact.due < told_on:
        raise refusals.DueInPast(due=fact.due.isoformat(), told_on=told_on.isoformat())
    for correction in fact.corrections:
        _check_correction(correction, rules)
    return fact


def _check_correction(correction: Correction, rules: Rules) -> None:
    kind, name, known = (
        ("material", correction.material, rules.materials)
        if correction.material
        else ("field", correction.field, rules.fields)
    )
    if known is not None and name not in known:
        raise refusals.UnknownCorrection(kind=kind, name=name, known=list(known))


def _start_clock(case: Case, fact: CaseAccepted, rules: Rules) -> Fact:
    """受理 sets the limits going. What a department says of them is replaced: they are the item's."""
    effective_on = _effective_on(case, fact)
    statutory = due(effective_on, rules.statutory) if rules.statutory else None
    promised = due(effective_on, rules.promised) if rules.promised else None
    return replace(
        fact,
        effective_on=effective_on,
        statutory_due=statutory.on if statutory else None,
        promised_due=promised.on if promised else None,
        due_provisional=any(each.provisional for each in (statutory, promised) if each),
    )


def _effective_on(case: Case, fact: CaseAccepted) -> date:
    """Silence counts as acceptance from the day on which the materials were received (行政许可法 32)."""
    said_on = _day(fact.occurred_at)
    received_on = _day(case.last_received_at or fact.occurred_at)
    if fact.effective_on is None:
        return received_on if fact.deemed else said_on
    earliest = min(received_on, said_on)
    if not earliest <= fact.effective_on <= said_on:
        raise refusals.EffectiveOnOutOfRange(
            effective_on=fact.effective_on.isoformat(), earliest=earliest.isoformat(), latest=said_on.isoformat()
        )
    return fact.effective_on


def _extend_once(case: Case, fact: CaseExtended, rules: Rules) -> Fact:
    if case.extended:
        raise refusals.ExtendedAlready
    if fact.working_days > rules.extension_working_days:
        raise refusals.ExtensionTooLong(working_days=fact.working_days, maximum=rules.extension_working_days)
    return fact


def _rate_once(case: Case, fact: CaseRated, rules: Rules) -> Fact:
    if case.rated:
        raise refusals.RatedAlready
    return fact


_COMPLETIONS: dict[type[Fact], Callable[[Case, Any, Rules], Fact]] = {
    CaseReceived: _count_attempt,
    CaseIncomplete: _check_corrections,
    CaseAccepted: _start_clock,
    CaseExtended: _extend_once,
    CaseRated: _rate_once,
}


def _day(moment: datetime) -> date:
    return moment.astimezone(CHINA).date()
