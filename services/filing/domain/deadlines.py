"""What happens by itself when a day has passed: silence counts as acceptance, corrections that never came end a case.

Pure. Says nothing while the day leans on a year whose holidays nobody has published.
"""

from datetime import date, datetime, time, timedelta

from kernel.clock import CHINA
from kernel.contracts.case import CaseAccepted, CaseLapsed, Fact
from kernel.contracts.lifecycle import State
from kernel.working_days import Due, Limit, due
from services.filing.domain.case import Case, Rules

BY = "clock"
ANSWER = Limit(5)  # in which a department asks for corrections or says no (行政许可法 32)
PATIENCE = timedelta(minutes=10)  # what was said in time may still be on its way


def look_at(case: Case, rules: Rules) -> datetime | None:
    """When the clock has to look at the case next; None while it has nothing to say, whatever time passes."""
    last = _last_day(case, rules)
    return None if last is None else _end_of(last.on) + PATIENCE


def overdue(case: Case, rules: Rules, now: datetime) -> Fact | None:
    """What the clock says of the case now, as filing decides it; None if nothing."""
    last = _last_day(case, rules)
    if last is None or last.provisional or now < _end_of(last.on) + PATIENCE:
        return None
    if case.state is State.RECEIVED:
        return CaseAccepted(occurred_at=now, by=BY, deemed=True)
    return CaseLapsed(occurred_at=now, by=BY)


def event_id(case: Case, fact: Fact) -> str:
    """The name of what the clock says: the same in every process, so it is on the log once for each filing."""
    word = "deemed" if isinstance(fact, CaseAccepted) else "lapsed"
    return f"{word}-{case.serial}-{case.attempt}"


def _last_day(case: Case, rules: Rules) -> Due | None:
    """The last day on which somebody has to speak before the clock does."""
    if case.state is State.RECEIVED and rules.deemed_acceptance and case.last_received_at is not None:
        return due(case.last_received_at.astimezone(CHINA).date(), ANSWER)
    if case.state is State.INCOMPLETE and case.corrections_due is not None:
        return Due(case.corrections_due)
    return None


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), CHINA)
