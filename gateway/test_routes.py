"""The table of routes: all of it served, documented, guarded, and in agreement with the contracts."""

import re

import orjson
import pytest
from nameko.containers import ServiceContainer
from openapi_spec_validator import validate

from gateway import pages
from gateway.auth import Access
from gateway.openapi import description
from gateway.route import PRIVATE, Route
from gateway.routes import BY_NAME, ROUTES
from gateway.samples import ANSWERS
from gateway.server import HttpEndpoint, serves_the_rest
from gateway.service import GatewayService
from gateway.testing import Hall

PINNED = """
GET /api/v1/items, GET /api/v1/items/{}, GET /api/v1/departments, POST /api/v1/accounts, POST /api/v1/sessions,
DELETE /api/v1/sessions/current, GET /api/v1/accounts/me, POST /api/v1/drafts, GET /api/v1/drafts/{},
PATCH /api/v1/drafts/{}, PUT /api/v1/drafts/{}/materials/{}, POST /api/v1/drafts/{}/submission, GET /api/v1/cases,
GET /api/v1/cases/{}, GET /api/v1/halls/{}/slots, POST /api/v1/appointments, GET /api/v1/appointments/{},
POST /api/v1/appointments/{}/cancellation, POST /api/v1/appointments/{}/check-in,
POST /api/v1/cases/{}/corrections, POST /api/v1/cases/{}/withdrawal,
POST /api/v1/cases/{}/rating, GET /api/v1/progress/{}, POST /api/v1/department/events,
POST /api/v1/notify/receipts/{}, GET /openapi.json, GET /docs, GET /health/live, GET /health/ready, GET /metrics
"""
_VISITOR = {"name": "李小明", "identity_number": "440105199003070015", "mobile": "13800138000"}
_WISH = {"hall": "guangzhou", "items": ["1"], "date": "2026-02-11", "time": "09:30"}
BODIES = {
    "register": {
        "name": "李小明",
        "identity_number": "440105199003070015",
        "mobile": "13800138000",
        "password": "a fine password",
        "terms_accepted": True,
    },
    "sign_in": {"login": "13800138000", "password": "a fine password"},
    "open_draft": {"item": "1"},
    "change_draft": {"data": {"reason": "搬家"}, "notices": ["sms"], "language": "zh-Hant"},
    "attach_material": {"filename": "a.pdf", "content": "JVBERg=="},
    "correct_case": {"data": {"reason": "搬家"}},
    "rate_case": {"stars": 5, "tags": [], "comment": None},
    "take_department_event": {
        "specversion": "1.0",
        "id": "e1",
        "source": "/departments/11440105007512345X",
        "type": "case.accepted",
        "subject": "S1",
        "dataschema": "urn:yichuang:case.accepted:1",
        "time": "2026-11-22T12:00:00+08:00",
        "data": {"occurred_at": "2026-11-22T12:00:00+08:00", "by": "officer"},
    },
    "open_verification": {"mobile": "13800138000"},
    "open_guest_session": {"verification": "v1", "code": "123456"},
    "book": _WISH,
    "hold": {**_WISH, "items": ["1", "2"], "people": 2, "visitor": _VISITOR},
    "move_appointment": {"date": "2026-02-12", "time": "10:00"},
    "join_waiting": {"hall": "X1", "item": "1", "first_day": "2026-02-11", "last_day": "2026-02-12"},
    "file_appeal": {"reason": "住院"},
    "decide_appeal": {"granted": False, "sentence": "无证明。"},
    "set_schedule": {
        "weekly": {"1": [{"since": "09:00", "until": "12:00"}]},
        "slot_minutes": 30,
        "capacity": 4,
        "item_minutes": {"1": 45},
    },
    "set_hall_rule": {"per_week": 3},
    "close_hall": {"first_day": "2026-02-11", "last_day": "2026-02-11", "reason": "检修"},
    "cancel_for_visitor": {"reason": "应来电要求取消"},
    "check_in": {"identity_number": "440105199003070015"},
    "hall_check_in": {"code": "ABCD2345EFGH", "identity_number": "440105199003070015", "priority": "disabled"},
    "take_ticket": {"group": "guangzhou.1a2b3c4d", "people": 2},
    "set_window": {"name": "3号窗口", "groups": ["guangzhou.1a2b3c4d"], "open": True},
    "park_ticket": {"minutes": 15},
    "transfer_ticket": {"group": "guangzhou.1a2b3c4d"},
    "take_receipt": {"id": "m1", "status": "delivered"},
}
QUERIES = {
    "items": "?q=居住证&audience=individual&online=true&department=11440105007512345X&page=1&page_size=5",
    "item": "?version=1",
    "search": "?q=hzqf",
    "halls": "?level=city&area=4401",
    "progress": "?code=ABCD2345",
    "slots": "?item=1&date=2026-02-11&days=5&people=2",
    "own_appointments": "?page=2&page_size=50",
    "own_waiting": "?page=2&page_size=50",
    "hall_statistics": "?first_day=2026-02-01&last_day=2026-02-11",
    "hall_bookings": "?date=2026-02-11&page=1",
    "cases": "?state=accepted&filed_from=2026-01-01&page=2&page_size=100",
}
FILES = {"docs_file": "start.js", "asset": "hall.css"}
TOKENS = {Access.SIGNED_IN: "person", Access.DEPARTMENT: "officer", Access.HALL: "clerk"}
ALWAYS = {"Accept": "application/json"}  # a feed has no end
SIGNED = {**ALWAYS, "X-Yichuang-Timestamp": "1795000000", "X-Yichuang-Signature": "ab" * 32}

every_route = pytest.mark.parametrize("route", ROUTES, ids=[route.name for route in ROUTES])


@pytest.fixture
def hall() -> Hall:
    made = Hall()
    made.services.answers = dict(ANSWERS)
    return made


def ask(hall: Hall, route: Route, token: str | None) -> object:
    path = re.sub(r"{(\w+)}", lambda found: FILES.get(route.name, "X1"), route.path)
    body = {"json": BODIES[route.name]} if route.name in BODIES else {}
    return hall.ask(route.method, path + QUERIES.get(route.name, ""), token=token, headers=SIGNED, **body)


def test_the_routes_that_others_rely_on_are_there() -> None:
    served = {f"{route.method} {re.sub(r'{.*?}', '{}', route.path)}" for route in ROUTES}
    assert set(re.split(r",\s+", PINNED.strip())) - served == set()


def test_names_and_paths_are_used_once() -> None:
    assert len({route.name for route in ROUTES}) == len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_route_is_served_exactly_once_under_its_name_and_nothing_else_is() -> None:
    entrypoints = ServiceContainer(GatewayService, {}).entrypoints  # as nameko finds them
    served = [(one.method_name, one.route) for one in entrypoints if isinstance(one, HttpEndpoint)]
    assert sorted(served, key=lambda each: each[0]) == sorted(BY_NAME.items())
    heard = {one.method_name for one in entrypoints if not isinstance(one, HttpEndpoint)}
    assert heard == {"hear_of_the_catalogue", "hear_of_queues"}  # from the broker


def test_a_route_without_a_method_asks_its_service_and_one_with_a_method_does_more(hall: Hall) -> None:
    assert ask(hall, BY_NAME["appeal"], "person").headers.get("Location") is None
    assert ask(hall, BY_NAME["file_appeal"], "person").headers["Location"].startswith("/api/v1/appeals/")


def test_a_route_that_neither_a_method_nor_a_service_answers_is_refused_at_the_start() -> None:
    with pytest.raises(TypeError, match="welcome needs a method"):
        serves_the_rest([BY_NAME["welcome"]], lambda gateway, call: None)(type("Empty", (), {}))


@every_route
def test_every_route_answers_what_it_promises(hall: Hall, route: Route) -> None:
    response = ask(hall, route, TOKENS.get(route.access))
    assert response.status_code == route.status, response.text
    if route.answer is not None:
        assert route.answer.validate(response.json) == {}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert ("no-store" in response.headers["Cache-Control"]) == (route.cache == PRIVATE)


@every_route
def test_the_services_are_asked_what_their_contract_says(hall: Hall, route: Route) -> None:
    ask(hall, route, TOKENS.get(route.access))
    if route.service:
        asked = hall.services.asked_of(route.service, route.rpc)
        assert len(asked) == 1
        assert route.request().validate(asked[0]) == {}


@every_route
def test_a_route_that_is_not_public_refuses_a_stranger_before_anything_is_asked(hall: Hall, route: Route) -> None:
    response = ask(hall, route, None)
    if route.access in (Access.PUBLIC, Access.PROVIDER):
        assert response.status_code == route.status
    else:
        assert response.status_code == 401
        for_key = 'Basic realm="yichuang", ' if route.access is Access.DEPARTMENT else ""
        assert response.headers["WWW-Authenticate"] == f'{for_key}Bearer realm="yichuang"'
        assert hall.services.asked == []


@every_route
def test_every_route_is_in_the_description_with_its_access_rule(route: Route) -> None:
    operation = orjson.loads(description())["paths"][route.path][route.method.lower()]
    assert operation["x-access"] == route.access.value
    assert bool(operation["security"]) == (route.access is not Access.PUBLIC)
    assert operation["summary"]
    assert str(route.status) in operation["responses"]
    assert ("requestBody" in operation) == (route.body is not None)


@every_route
def test_what_everybody_gets_alike_is_described_with_its_etag(route: Route) -> None:
    operation = orjson.loads(description())["paths"][route.path][route.method.lower()]
    alike = route.service == "catalog"
    assert ("304" in operation["responses"]) == alike
    assert ("ETag" in operation["responses"][str(route.status)].get("headers", {})) == alike
    assert ("If-None-Match" in {each["name"] for each in operation["parameters"]}) == alike


def test_the_version_that_an_answer_was_taken_from_is_not_described() -> None:
    assert b"as_of" not in description()


def test_the_description_is_valid_openapi_and_has_nothing_more() -> None:
    described = orjson.loads(description())
    validate(described)
    operations = {(method.upper(), path) for path, item in described["paths"].items() for method in item}
    assert operations == {(route.method, route.path) for route in ROUTES}


def test_a_problem_is_described_with_what_it_may_carry_and_may_carry_more() -> None:
    problem = orjson.loads(description())["components"]["schemas"]["problems.Problem"]
    assert problem["additionalProperties"] is True
    assert problem["required"] == ["code", "detail", "instance", "status", "title", "type"]
    named = "state allowed allowed_text item what limit service member key skew retry_after error_id errors"
    assert set(named.split()) - set(problem["properties"]) == set()
    assert all(problem["properties"][name]["description"] for name in named.split())


@every_route
def test_an_idempotency_key_is_described_where_it_counts(route: Route) -> None:
    operation = orjson.loads(description())["paths"][route.path][route.method.lower()]
    described = {each["name"]: each for each in operation["parameters"]}
    counts = route.request is not None and "idempotency_key" in route.request().fields
    assert ("Idempotency-Key" in described) == counts
    if counts:
        assert "sent again with every repeat" in described["Idempotency-Key"]["description"]


@every_route
def test_an_idempotency_key_may_come_with_every_request(hall: Hall, route: Route) -> None:
    token = TOKENS.get(route.access)
    path = re.sub(r"{(\w+)}", lambda found: FILES.get(route.name, "X1"), route.path)
    headers = {**SIGNED, "Idempotency-Key": "k-1"}
    body = {"json": BODIES[route.name]} if route.name in BODIES else {}
    answered = hall.ask(route.method, path + QUERIES.get(route.name, ""), token=token, headers=headers, **body)
    assert answered.status_code == route.status


def test_a_form_is_described_as_a_file_of_any_type() -> None:
    operation = orjson.loads(description())["paths"]["/api/v1/items/{code}/files/{file}"]["get"]
    assert operation["responses"]["200"]["content"] == {"*/*": {"schema": {"type": "string", "format": "binary"}}}


def test_a_material_is_described_as_the_file_that_it_is() -> None:
    operation = orjson.loads(description())["paths"]["/api/v1/drafts/{draft}/materials/{material}"]["put"]
    files = {media for media, each in operation["requestBody"]["content"].items() if "format" in each["schema"]}
    assert {"image/png", "image/jpeg", "application/pdf", "application/octet-stream"} - files == set()
    described = {(each["in"], each["name"]): each for each in operation["parameters"]}
    assert described["header", "Content-Disposition"]["description"]
    assert described["query", "filename"]["description"]


def test_times_are_described_as_times() -> None:
    schemas = orjson.loads(description())["components"]["schemas"]
    assert schemas["accounts.Session"]["properties"]["expires_at"]["format"] == "date-time"


def test_the_pages_load_nothing_from_elsewhere(hall: Hall) -> None:
    for path in ("/", "/guide/1", "/hall/h1", "/sitemap", "/docs"):
        page = hall.ask("GET", path)
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        links = re.findall(r'(?:href|src|action)="([^"#]+)"', page.text)
        assert links
        for link in links:
            assert link.startswith("/")
            assert hall.ask("GET", link).status_code == 200


def test_only_the_files_of_the_page_are_given_out(hall: Hall) -> None:
    for name in ("index.html", "..", "%2e%2e", "swagger-ui.js.map", "start.js/../x"):
        assert hall.ask("GET", f"/docs/{name}").status_code == 404
    assert all(hall.ask("GET", f"/docs/{name}").status_code == 200 for name in pages.FILES)


def test_positions_of_the_log_are_not_shown_to_applicants(hall: Hall) -> None:
    for name in ("submit_draft", "receipt", "correct_case", "withdraw_case", "rate_case"):
        route = next(route for route in ROUTES if route.name == name)
        assert "position" not in ask(hall, route, "person").json
