"""Any sequence of what applicants, departments, time and crashes can do: the log alone rebuilds the case."""

import base64
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kernel.contracts.case import Fact
from kernel.contracts.lifecycle import TRANSITIONS, State, allowed
from kernel.database import open_url
from kernel.errors import Refusal
from kernel.eventlog import Sound, verify
from services.filing.application.loading import Cases
from services.filing.domain.case import Case, rebuild
from services.filing.testing import Desk

SAYS: dict[str, dict[str, Any]] = {
    "case.incomplete": {"corrections": [{"what": "x", "material": "premises"}]},
    "case.accepted": {},
    "case.declined": {"reason": "x"},
    "case.step": {"step_name": "审查"},
    "case.suspended": {"kind": "听证"},
    "case.resumed": {},
    "case.extended": {"working_days": 5, "reason": "x"},
    "case.approved": {"document_number": "1"},
    "case.refused": {"reason": "x", "remedies": ["复议"]},
    "case.concluded": {"outcome": "准予"},
}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


class Life(RuleBasedStateMachine):
    """One case, and what should be known of it: a model that knows the published table and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.database = open_url(f"sqlite:///{Path(self.directory.name)}/filing.sqlite3", "filing")
        self.desk = Desk.new(self.database)
        self.serial = self.desk.file()
        self.state = State.RECEIVED
        self.taken: list[str] = ["case.received"]
        self.sent: list[dict[str, Any]] = []
        self.delivered: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    def teardown(self) -> None:
        self.database.close()
        self.directory.cleanup()

    def moved(self, type_: str) -> None:
        self.taken.append(type_)
        self.state = next(state for fact, state in TRANSITIONS[self.state].items() if type_ == fact.TYPE)

    def hear(self, replies: list[Any]) -> None:
        """What is appended moves the model, in the log's order. Nothing is answered more often than it came."""
        new = sorted((reply for reply in replies if reply.appended and not reply.duplicate), key=lambda r: r.position)
        by_id = {event["id"]: event["type"] for event in self.sent}
        for reply in new:
            self.moved(by_id[reply.about.id])
        self.answered.update(reply.about.id for reply in replies)
        assert self.answered <= self.delivered

    def deliver(self, *events: dict[str, Any]) -> None:
        self.delivered.update(event["id"] for event in events)
        self.hear(self.desk.send(*events))

    @rule(types=st.lists(st.sampled_from(sorted(SAYS)), min_size=1, max_size=4))
    def department_says(self, types: list[str]) -> None:
        events = [self.desk.event(self.serial, type_, **SAYS[type_]) for type_ in types]
        self.sent += events
        self.deliver(*events)

    @rule(data=st.data())
    @precondition(lambda self: self.sent)
    def a_message_is_delivered_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.sent))
        before = len(self.desk.types(self.serial))
        on_log = {recorded.id for recorded in self.desk.tools.log.stream(self.serial)}
        self.deliver(event)
        assert event["id"] not in on_log or len(self.desk.types(self.serial)) == before

    def applicant_says(self, type_: str, say: Any) -> None:
        if type_ in allowed(self.state) and not (type_ == "case.rated" and "case.rated" in self.taken):
            say()
            self.moved(type_)
        else:
            before = self.desk.traces()
            with pytest.raises(Refusal, match=r"not_allowed_in_state|rated_already"):
                say()
            assert self.desk.traces() == before

    @rule(files=st.booleans())
    def applicant_corrects(self, files: bool) -> None:
        sent = [{"material": "premises", "filename": "a.png", "content": PNG}] if files else []
        self.applicant_says(
            "case.received", lambda: self.desk.filing.own_cases.correct("anna", self.serial, {"capital": 1}, sent)
        )

    @rule()
    def applicant_withdraws(self) -> None:
        self.applicant_says("case.withdrawn", lambda: self.desk.filing.own_cases.withdraw("anna", self.serial, None))

    @rule()
    def applicant_rates(self) -> None:
        self.applicant_says("case.rated", lambda: self.desk.filing.own_cases.rate("anna", self.serial, 4, [], "谢谢"))

    @rule(seconds=st.sampled_from([1, 4, 11]))
    def time_passes(self, seconds: int) -> None:
        self.desk.advance(seconds=seconds)
        self.hear(self.desk.tick())

    @rule()
    def nobody_speaks_for_weeks(self) -> None:
        self.desk.advance(days=20)
        self.hear(self.desk.tick())
        if self.desk.filing.timekeeping.turn():
            assert self.state is State.RECEIVED
            self.moved("case.accepted")
        assert self.state is not State.RECEIVED or self.desk.clock.now().year > 2026

    @rule()
    def filing_is_killed_and_starts_again(self) -> None:
        self.desk = self.desk.another_process()

    @invariant()
    def the_log_alone_rebuilds_the_case(self) -> None:
        assert self.desk.types(self.serial) == self.taken
        rebuilt: Case = rebuild(self.serial, self.desk.facts(self.serial))
        assert rebuilt.state == self.state
        assert rebuilt == Cases(self.desk.tools).load([self.serial])[self.serial].case
        assert rebuilt.version == len(self.taken)

    @invariant()
    def the_log_is_sound_and_every_event_on_it_once(self) -> None:
        events = self.desk.tools.log.read(0)
        assert isinstance(verify(self.desk.tools.log), Sound)
        assert [event.position for event in events] == list(range(1, len(events) + 1))
        assert len({(event.source, event.id) for event in events}) == len(events)

    @invariant()
    def every_event_is_answered_or_waits(self) -> None:
        waiting, unsent = self.desk.traces()[1:]
        unanswered = set(self.delivered) - set(self.answered)
        assert len(unanswered) <= waiting
        assert unsent == 0


Life.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestLife = Life.TestCase


def test_the_model_knows_every_fact_a_department_may_say() -> None:
    said_by_others = {"case.received", "case.withdrawn", "case.rated", "case.lapsed"}
    facts: set[type[Fact]] = {fact for following in TRANSITIONS.values() for fact in following}
    assert {fact.TYPE for fact in facts} - said_by_others == set(SAYS)
