"""One request followed: the same trace id in the log of every process that had a hand in it, to the provider of SMS."""

import json
from collections.abc import Iterator

import pytest

from kernel.testing import eventually
from kernel.testing.sms_provider import SmsProvider
from tests.hall import Applicant, Hall, department_event, running_hall
from tests.journeys.conftest import over_amqp, over_http

FILED, DECIDED = "a" * 31 + "1", "b" * 31 + "2"


@pytest.fixture(scope="module")
def provider() -> Iterator[SmsProvider]:
    with SmsProvider("secret") as running:
        yield running


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def hall(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: SmsProvider
) -> Iterator[Hall]:
    settings = {"SMS_URL": provider.url, "SMS_SECRET": provider.secret}
    if request.param == "distributed":
        settings |= {
            "AMQP_URI": request.getfixturevalue("rabbitmq_uri"),
            "DATABASE_URL": request.getfixturevalue("postgres_url"),
        }
    with running_hall(tmp_path_factory.mktemp(request.param) / "var", **settings) as running:
        yield running


def traceparent(trace: str) -> str:
    return f"00-{trace}-{'c' * 16}-01"


def story(hall: Hall, trace: str) -> list[tuple[str, str]]:
    """What `grep TRACE` over all logs finds: who said what."""
    lines = [line for line in (hall.data_dir / "hall.log").read_text().splitlines() if trace in line]
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return [(line["service"], line["event"]) for line in told]


def sms_of(provider: SmsProvider, trace: str) -> list[str]:
    """The messages that the provider was given in this trace."""
    return [id for id, came in provider.traces.items() if came and trace in came]


def holds(hall: Hall, trace: str, *wanted: tuple[str, str]) -> bool:
    """Whether all these lines are there; of an embedded hall, whose process has all services, only what they say."""
    found = story(hall, trace)
    if hall.env.get("AMQP_URI"):
        return set(wanted) <= set(found)
    return {event for _, event in wanted} <= {event for _, event in found}


def test_from_the_post_to_the_sms_there_is_one_trace(hall: Hall, provider: SmsProvider) -> None:
    applicant, item = Applicant(hall), hall.lightest_item()
    draft = applicant.draft(item)
    filed = applicant.call("POST", f"/drafts/{draft}/submission", json={}, headers={"traceparent": traceparent(FILED)})
    assert (filed.status_code, filed.headers["X-Request-Id"]) == (201, FILED)
    eventually(lambda: sms_of(provider, FILED), timeout=60)
    told = (
        ("gateway", "request"),
        ("filing", "submission answered"),
        ("filing-relay", "events published"),
        ("progress", "events taken"),
        ("notify", "events taken"),
        ("notify", "message accepted"),
    )
    eventually(lambda: holds(hall, FILED, *told), timeout=60)


def test_what_a_department_does_is_told_in_its_own_trace(
    hall: Hall, provider: SmsProvider, request: pytest.FixtureRequest
) -> None:
    applicant, item = Applicant(hall), hall.lightest_item()
    serial, organ = applicant.file(item)["serial"], item["department"]["code"]
    if hall.env.get("AMQP_URI"):
        say = over_amqp(request.getfixturevalue("rabbitmq_broker"), request.getfixturevalue("rabbitmq_uri"))
    else:
        say = over_http(hall)
    accepted = {**department_event(organ, "case.accepted", serial), "traceparent": traceparent(DECIDED)}
    ((verdict, _),) = say(organ, [accepted])
    assert verdict == "appended"
    eventually(lambda: sms_of(provider, DECIDED), timeout=60)
    told = (("filing", "department events taken"), ("progress", "events taken"), ("notify", "message accepted"))
    eventually(lambda: holds(hall, DECIDED, *told), timeout=60)
