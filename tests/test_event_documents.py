"""docs/events.md and docs/departments.md say what the code does: every type, member, code, queue and command."""

import json
import re
from pathlib import Path
from typing import Any

import marshmallow as ma
import pytest

from kernel.contracts import department
from kernel.contracts.case import FACTS, SCHEMAS, Fact, UnknownType, UnknownVersion, load_fact
from kernel.contracts.catalog_facts import NAMED, STREAM, CatalogChanged, CatalogChangedSchema
from kernel.contracts.envelope import MAX_BYTES, EnvelopeSchema, parse_envelope
from kernel.contracts.lifecycle import SPEAKERS, TRANSITIONS, State, allowed
from kernel.contracts.ticket_facts import TICKET_FACTS, TicketFact
from kernel.contracts.visit import VISIT_SCHEMAS, TicketFactSchema, VisitFactSchema
from kernel.contracts.visit_facts import VISIT_FACTS, VisitFact
from kernel.errors import InvalidInput, Refusal
from kernel.eventlog import EventIdReused
from kernel.messaging.topology import EXCHANGES, NOTIFY_VISITS, REJECTED
from operations.department_rights import rabbitmqctl_commands, shell_line
from services.appointment.domain import booking, tickets
from services.filing.domain import refusals

DOCS = Path(__file__).parent.parent / "docs"
EVENTS = (DOCS / "events.md").read_text()
DEPARTMENTS = (DOCS / "departments.md").read_text()
ORGAN = "11440100000003009X"

# What departments never meet: these are for applicants.
FOR_APPLICANTS = {
    refusals.UnknownDraft,
    refusals.DraftSubmitted,
    refusals.UnknownMaterial,
    refusals.MaterialFormat,
    refusals.MaterialTooLarge,
    refusals.MaterialsMissing,
    refusals.RatedAlready,
}
FOR_DEPARTMENTS = {InvalidInput, UnknownType, UnknownVersion, EventIdReused} | {
    refusal
    for refusal in vars(refusals).values()
    if isinstance(refusal, type) and issubclass(refusal, Refusal) and refusal not in {Refusal, *FOR_APPLICANTS}
}


def section(type_: str) -> str:
    return EVENTS.split(f"\n### {type_}\n")[1].split("\n#")[0]


def first_column(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


def test_every_type_is_described_and_no_other() -> None:
    assert re.findall(r"^### (\S+)$", EVENTS, re.MULTILINE) == list(FACTS)


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.TYPE)
def test_a_type_is_described_as_it_is(fact: type[Fact]) -> None:
    before = [str(state) for state in State if fact in TRANSITIONS[state]]
    (after,) = {str(following[fact]) for following in TRANSITIONS.values() if fact in following}
    says = ", ".join(sorted(SPEAKERS[fact]))
    assert f"\n{', '.join(before)} → {after} · said by {says} · version {fact.VERSION}\n" in section(fact.TYPE)


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.TYPE)
def test_members_are_described_as_they_are(fact: type[Fact]) -> None:
    fields = SCHEMAS[fact.TYPE, fact.VERSION].fields
    described = dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", section(fact.TYPE), re.MULTILINE))
    shared = {name: fields[name].required for name in ("occurred_at", "by")}
    assert shared == {"occurred_at": True, "by": True}
    assert described == {
        name: "yes" if field.required else "no" for name, field in fields.items() if name not in shared
    }


def test_the_fact_of_the_catalogue_is_described_as_it_is() -> None:
    described = EVENTS.split("## The catalogue's fact\n")[1].split("\n## ")[0]
    assert f"`{CatalogChanged.TYPE}`, version {CatalogChanged.VERSION}:" in described
    assert f"the stream `{STREAM}`" in described
    members = {name: "yes" if field.required else "no" for name, field in CatalogChangedSchema().fields.items()}
    assert dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", described, re.MULTILINE)) == members
    assert f"{NAMED:,} at most" in described


VISITS_TOLD = EVENTS.split("## The facts of a visit\n")[1].split("\n## ")[0]


def test_every_fact_of_a_visit_is_described_and_no_other() -> None:
    assert re.findall(r"^#### (\S+)$", VISITS_TOLD, re.MULTILINE) == list(VISIT_FACTS)
    said = VISITS_TOLD.split("Every `data` has")[1].split("\n#### ")[0]
    assert set(re.findall(r"`(\w+)`", said)) >= set(VisitFactSchema().fields)
    assert f"`{NOTIFY_VISITS}`" in VISITS_TOLD


@pytest.mark.parametrize("fact", VISIT_FACTS.values(), ids=lambda fact: fact.TYPE)
def test_a_fact_of_a_visit_is_described_as_it_is(fact: type[VisitFact]) -> None:
    told = VISITS_TOLD.split(f"#### {fact.TYPE}\n")[1].split("\n####")[0]
    before = sorted(str(state) for state, following in booking.TRANSITIONS.items() if fact in following)
    after = {str(following[fact]) for following in booking.TRANSITIONS.values() if fact in following}
    assert bool(after) is (fact not in booking.ELSEWHERE)
    arrow = f"{', '.join(before)} → {', '.join(after)} · " if after else ""
    assert f"\n\n{arrow}version {fact.VERSION}\n" in told
    assert members_described(told) == members_of(fact, VisitFactSchema())


def members_described(told: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", told, re.MULTILINE))


def members_of(fact: Any, shared: ma.Schema) -> dict[str, str]:
    fields = VISIT_SCHEMAS[fact.TYPE, fact.VERSION].fields
    members = {name: fields[name] for name in fields.keys() - shared.fields.keys()}
    return {name: "yes" if field.required else "no" for name, field in members.items()}


TICKETS = EVENTS.split("## The facts of a ticket\n")[1].split("\n## ")[0]


def test_every_fact_of_a_ticket_is_described_and_no_other() -> None:
    assert re.findall(r"^#### (\S+)$", TICKETS, re.MULTILINE) == list(TICKET_FACTS)
    said = TICKETS.split("Every `data` has")[1].split("\n#### ")[0]
    assert set(re.findall(r"`(\w+)`", said)) >= set(TicketFactSchema().fields)


@pytest.mark.parametrize("fact", TICKET_FACTS.values(), ids=lambda fact: fact.TYPE)
def test_a_fact_of_a_ticket_is_described_as_it_is(fact: type[TicketFact]) -> None:
    told = TICKETS.split(f"#### {fact.TYPE}\n")[1].split("\n####")[0]
    before = [str(state) for state in tickets.State if fact in tickets.TRANSITIONS[state]]
    (after,) = {str(following[fact]) for following in tickets.TRANSITIONS.values() if fact in following}
    assert sorted(told.split(" → ")[0].split("\n")[-1].split(", ")) == sorted(before)
    assert f" → {after} · version {fact.VERSION}\n" in told
    assert members_described(told) == members_of(fact, TicketFactSchema())


def test_the_envelope_and_the_exchanges_are_described() -> None:
    envelope = first_column(EVENTS.split("## The envelope")[1].split("\n## ")[0])
    sample = json.loads((Path(department.__file__).parent / "samples" / "case.step.1.json").read_text())
    assert set(envelope) == {"specversion", "traceparent", *EnvelopeSchema().fields, *sample}
    assert first_column(EVENTS.split("## Where they travel")[1].split("\n## ")[0]) == list(EXCHANGES)
    assert f"{MAX_BYTES // 1024} KB" in EVENTS
    assert {department.APPENDED, department.REFUSED} == set(
        first_column(EVENTS.split("## Replies")[1].split("\n## ")[0])
    )


def test_every_code_that_a_department_can_meet_is_explained_with_its_status() -> None:
    table = DEPARTMENTS.split("The wording may change")[1].split("\n## ")[0]
    described = {code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d+) \|", table, re.MULTILINE)}
    assert described == {refusal.code: refusal.status for refusal in FOR_DEPARTMENTS}
    assert REJECTED in table


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DEPARTMENTS, re.DOTALL)


def test_the_example_is_an_event_that_is_taken() -> None:
    envelope = parse_envelope(blocks("json")[0])
    assert load_fact(envelope.type, envelope.version, envelope.data).TYPE == "case.accepted"
    assert envelope.source == department.source_of(ORGAN)


def test_the_reply_in_the_example_is_one() -> None:
    reply = department.read_reply(blocks("json")[1])
    assert reply.allowed == tuple(allowed(State.ACCEPTED))
    assert (reply.code, reply.state) == (refusals.NotAllowedInState.code, "accepted")


def test_the_commands_for_operators_are_those_that_the_command_line_prints() -> None:
    printed = [shell_line(["rabbitmqctl", *words]) for words in rabbitmqctl_commands(ORGAN)]
    assert blocks("sh")[0].splitlines()[1:] == printed
