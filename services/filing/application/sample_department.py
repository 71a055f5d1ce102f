"""A department that does not exist: decides filed cases by itself, so that a visitor sees one finish.

For demonstrations only; switched on by SAMPLE_DEPARTMENT. Speaks through the same intake as every department, as the
organ of each case, and signs with `sample-department`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel import logs
from kernel.contracts.case import CaseAccepted, CaseApproved, CaseConcluded, CaseStep, Fact, dump_fact
from kernel.contracts.department import source_of
from kernel.contracts.envelope import CONTENT_TYPE, Envelope, dump_envelope
from kernel.contracts.lifecycle import State
from kernel.eventlog import Recorded
from kernel.messaging.messages import Incoming
from services.filing.application.answering import Answering
from services.filing.application.loading import facts_of
from services.filing.application.tools import Tools
from services.filing.domain.case import Case, evolve

BY = "sample-department"
PAUSE = timedelta(seconds=3)  # between two events of a case
_READ = 500
_MOVED = 50  # cases a turn

log = logs.get(__name__)


@dataclass
class _Followed:
    case: Case
    last_at: datetime
    steps: int = 0


class SampleDepartment:
    """Follows the log and, every turn, says what comes next in the cases that have waited for `PAUSE`."""

    def __init__(self, tools: Tools, answering: Answering) -> None:
        self._tools = tools
        self._answering = answering
        self._cases: dict[str, _Followed] = {}
        self._position = 0
        log.warning(
            "SAMPLE_DEPARTMENT is on: A SAMPLE DEPARTMENT DECIDES FILED CASES BY ITSELF, for demonstrations only"
        )

    def turn(self) -> int:
        """Read what is new, say what is due; how many events were said."""
        self._read()
        now = self._tools.clock.now()
        waited = [one for one in self._cases.values() if now - one.last_at >= PAUSE]
        said = [(one, fact) for one in waited if (fact := _next(one, now)) is not None][:_MOVED]
        if said:
            self._answering.take_batch([_message(one.case, fact, now) for one, fact in said])
        return len(said)

    def _read(self) -> None:
        while events := self._tools.log.read(self._position, _READ):
            for event in events:
                self._follow(event)
            self._position = events[-1].position

    def _follow(self, event: Recorded) -> None:
        before = self._cases.pop(event.stream, None)
        (fact,) = facts_of([event])
        case = evolve(before.case if before else Case(serial=event.stream), fact)
        steps = (before.steps if before else 0) + isinstance(fact, CaseStep)
        # A case that stands where a department has nothing to say is followed on; a concluded one is not.
        if case.state is not State.CONCLUDED:
            self._cases[event.stream] = _Followed(case, event.recorded_at, steps)


def _next(followed: _Followed, now: datetime) -> Fact | None:
    """What a department would say next; None where it is the applicant's turn."""
    match followed.case.state:
        case State.RECEIVED:
            return CaseAccepted(occurred_at=now, by=BY)
        case State.ACCEPTED if not followed.steps:
            return CaseStep(occurred_at=now, by=BY, step_name="审查（演示）", unit="演示部门", opinion="材料齐全。")
        case State.ACCEPTED:
            return CaseApproved(occurred_at=now, by=BY, document_number=f"演示〔{now.year}〕{followed.case.serial}")
        case State.DECIDED:
            return CaseConcluded(occurred_at=now, by=BY, outcome="准予（演示）", result_documents=("演示结果文书",))
        case _:
            return None


def _message(case: Case, fact: Fact, now: datetime) -> Incoming:
    envelope = Envelope(
        # The same name for the same event: said twice, after a restart, it is on the log once.
        id=f"sample-{case.serial}-{case.version + 1}",
        source=source_of(case.organ),
        type=fact.TYPE,
        version=fact.VERSION,
        subject=case.serial,
        time=now,
        data=dump_fact(fact),
    )
    return Incoming(
        body=dump_envelope(envelope),
        properties={"user_id": case.organ, "content_type": CONTENT_TYPE, "headers": {}},
        routing_key=f"{case.organ}.{fact.TYPE}",
        redelivered=False,
    )
