"""What callers may send: anything. What they get: an answer, or a problem in their language, and never a 500."""

import io
from typing import Any

import pytest

from gateway import limits
from gateway.samples import ANSWERS
from gateway.testing import OFFICER, PERSON, Hall
from gateway.traffic import trace_of
from kernel.errors import NotAllowed, RemoteFault, ServiceDown, ServiceSlow

DRAFT = "/api/v1/drafts/d1"


@pytest.fixture
def hall() -> Hall:
    made = Hall()
    made.services.answers = dict(ANSWERS)
    return made


def patch(hall: Hall, body: bytes, kind: str = "application/json", **options: Any) -> Any:
    return hall.ask("PATCH", DRAFT, token="person", data=body, content_type=kind, **options)


class Chunks(io.BytesIO):
    """A body that comes in chunks, as eventlet hands it out; counts what was taken."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        self.taken += len(piece)
        return piece


def chunked(hall: Hall, body: Chunks) -> Any:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": body, "CONTENT_LENGTH": ""}
    return hall.ask("PATCH", DRAFT, token="person", content_type="application/json", environ_overrides=environ)


def code(response: Any) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    assert response.json["status"] == response.status_code
    assert response.json["type"] == f"urn:yichuang:problem:{response.json['code']}"
    return response.status_code, response.json["code"]


def test_a_problem_says_all_that_it_should(hall: Hall) -> None:
    response = patch(hall, b'{"notices": ["pigeon"], "colour": 1}')
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Content-Language"] == "zh-Hans"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json == {
        "type": "urn:yichuang:problem:invalid_input",
        "title": "内容有误",
        "status": 422,
        "detail": "提交的内容有误，请按提示修改。",
        "instance": f"urn:yichuang:request:{response.headers['X-Request-Id']}",
        "code": "invalid_input",
        "errors": [
            {"field": "notices.0", "message": "应为以下之一：sms, email。"},
            {"field": "colour", "message": "没有此项。"},
        ],
    }
    assert hall.services.asked_of("filing", "change_draft") == []


@pytest.mark.parametrize(
    ("asked", "language", "detail"),
    [
        ("", "zh-Hans", "没有这个地址。"),
        ("de", "zh-Hans", "没有这个地址。"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", "没有这个地址。"),
        ("zh-HK, en", "zh-Hant", "沒有這個地址。"),
        ("zh-Hant-TW", "zh-Hant", "沒有這個地址。"),
        ("en-GB;q=0.8, zh-Hant;q=0.2", "en", "There is nothing at this address."),
        ("en;q=0, zh-TW;q=0.1", "zh-Hant", "沒有這個地址。"),
        (";;q=x,,=", "zh-Hans", "没有这个地址。"),
        ("en;q=nan", "zh-Hans", "没有这个地址。"),
    ],
)
def test_the_callers_language(hall: Hall, asked: str, language: str, detail: str) -> None:
    response = hall.ask("GET", "/api/v1/nothing", headers={"Accept-Language": asked})
    assert (response.headers["Content-Language"], response.json["detail"]) == (language, detail)


def test_without_a_wish_the_accounts_language_is_used(hall: Hall) -> None:
    hall.services.tokens["person"] = {**PERSON, "language": "en"}
    hall.answer("filing", "draft", NotAllowed())
    assert hall.ask("GET", DRAFT, token="person").json["detail"] == "You have no right to do this."
    assert hall.services.asked_of("filing", "draft")[0]["language"] == "en"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/nothing", (404, "unknown_route")),
        ("GET", "/api/v1/items/", (404, "unknown_route")),
        ("GET", "//api/v1/items", (404, "unknown_route")),
        ("GET", "/api/v1/drafts/d1/", (404, "unknown_route")),
        ("GET", "/../etc/passwd", (404, "unknown_route")),
        ("POST", "/api/v1/items", (405, "method_not_allowed")),
        ("BREW", "/api/v1/items", (405, "method_not_allowed")),
        ("OPTIONS", "/api/v1/items", (405, "method_not_allowed")),
        ("GET", "/api/v1/items/%00", (400, "bad_request")),
        ("GET", "/api/v1/items/" + "x" * 3000, (414, "uri_too_long")),
        ("GET", "/api/v1/items?page=%00", (400, "bad_request")),
        ("GET", "/api/v1/items?q=%FF%FE", (400, "bad_request")),
        ("GET", "/api/v1/items?q=%BB%A4%D5%D5", (400, "bad_request")),
        ("GET", "/api/v1/items?q=%E6%8A", (400, "bad_request")),
        ("GET", "/api/v1/items?page=0", (422, "invalid_input")),
        ("GET", "/api/v1/items?page=-1", (422, "invalid_input")),
        ("GET", "/api/v1/items?page=x", (422, "invalid_input")),
        ("GET", "/api/v1/items?page=1e3", (422, "invalid_input")),
        ("GET", "/api/v1/items?page=" + "9" * 400, (422, "invalid_input")),
        ("GET", "/api/v1/items?page_size=101", (422, "invalid_input")),
        ("GET", "/api/v1/items?colour=red", (422, "invalid_input")),
        ("GET", "/api/v1/progress/S1", (422, "invalid_input")),
    ],
)
def test_addresses_that_lead_nowhere(hall: Hall, method: str, path: str, expected: tuple[int, str]) -> None:
    response = hall.ask(method, path)
    assert code(response) == expected
    assert hall.services.asked == []
    if response.status_code == 405:
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


DEEP = b'{"data": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "invalid_json")),
        (b"\x00", (400, "invalid_json")),
        (b'{"data": {"a": "\xff"}}', (400, "invalid_json")),
        (b'{"data": {"a": "\\ud800"}}', (400, "invalid_json")),
        (b'{"data": {"a": "\x00"}}', (400, "invalid_json")),
        (b'{"data": {"a": NaN}}', (400, "invalid_json")),
        (b'{"data": {"a": 1e999}}', (400, "invalid_json")),
        (b"[" * 100_000, (400, "invalid_json")),
        (b"\xef\xbb\xbf{}", (400, "invalid_json")),
        (b"[]", (422, "invalid_input")),
        (b"null", (422, "invalid_input")),
        (b"7", (422, "invalid_input")),
        (b'"text"', (422, "invalid_input")),
        (DEEP, (422, "invalid_input")),
        (b'{"data": {"a": "x\\u0000y"}}', (422, "invalid_input")),
        (b'{"data": {"a": ["\\u0000"]}}', (422, "invalid_input")),
        (b'{"data": {"\\u0000": 1}}', (422, "invalid_input")),
        (b'{"data": "text"}', (422, "invalid_input")),
        (b'{"data": {"' + b"k" * 100 + b'": 1}}', (422, "invalid_input")),
        (b'{"principal": {"account": "a2", "kind": "staff"}}', (422, "invalid_input")),
        (b'{"draft": "another"}', (422, "invalid_input")),
    ],
)
def test_bodies_that_are_refused(hall: Hall, body: bytes, expected: tuple[int, str]) -> None:
    assert code(patch(hall, body)) == expected
    assert hall.services.asked_of("filing", "change_draft") == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"a": 123456789012345678901234567890}}',
        b'{"data": {"a": 1.7976931348623157e308}}',
        b'{"data": {"a": "\\\\u0000 is how JSON writes NUL"}}',
        b'{"data": {"a": [[[[[[[[1]]]]]]]]}}',
        b'{"data": {"a": [' + b"[]," * 200 + b"[]]}}",
        b"",
    ],
)
def test_odd_bodies_that_are_taken(hall: Hall, body: bytes) -> None:
    assert patch(hall, body).status_code == 200
    assert len(hall.services.asked_of("filing", "change_draft")) == 1


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=gbk"]
)
def test_other_content_types(hall: Hall, kind: str) -> None:
    assert code(patch(hall, b"{}", kind)) == (415, "unsupported_content_type")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=UTF-8", "Application/JSON", "application/merge-patch+json"]
)
def test_content_types_that_are_taken(hall: Hall, kind: str) -> None:
    assert patch(hall, b"{}", kind).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("PATCH", DRAFT, limits.JSON),
        ("POST", "/api/v1/accounts", limits.JSON),
        ("POST", "/api/v1/department/events", limits.EVENT),
        ("PUT", f"{DRAFT}/materials/m1", limits.MATERIAL),
    ],
)
def test_a_body_that_is_announced_too_long_is_not_read(hall: Hall, method: str, path: str, limit: int) -> None:
    unread = Chunks()
    environ = {"CONTENT_LENGTH": str(limit + 1), "wsgi.input": unread, "HTTP_EXPECT": "100-continue"}
    response = hall.ask(method, path, token="officer", content_type="application/pdf", environ_overrides=environ)
    assert code(response) == (413, "too_large")
    assert response.json["limit"] == limit
    assert unread.taken == 0


def test_a_body_in_chunks_is_read_up_to_the_limit(hall: Hall) -> None:
    assert chunked(hall, Chunks(b'{"data": {"a": "b"}}')).status_code == 200
    assert code(chunked(hall, Chunks(b'{"data": {"a": "' + b"b" * limits.JSON + b'"}}'))) == (413, "too_large")


def test_a_body_that_breaks_off_is_refused(hall: Hall) -> None:
    environ = {"CONTENT_LENGTH": "100", "wsgi.input": Chunks(b"{}")}
    response = hall.ask("PATCH", DRAFT, token="person", content_type="application/json", environ_overrides=environ)
    assert code(response) == (400, "bad_request")


class Stalled(Chunks):
    def read(self, size: int | None = -1) -> bytes:
        raise TimeoutError


def test_a_body_that_never_comes_is_given_up(hall: Hall) -> None:
    assert code(chunked(hall, Stalled())) == (408, "request_timeout")


class Broken(Chunks):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError("unexpected end of file while parsing chunked data")


def test_chunks_that_are_none_are_refused(hall: Hall) -> None:
    assert code(chunked(hall, Broken())) == (400, "bad_request")


def test_a_file_may_be_the_body_itself(hall: Hall) -> None:
    path = f"{DRAFT}/materials/proof"
    named = {"Content-Disposition": "attachment; filename*=UTF-8''%E6%88%BF%E4%BA%A7%E8%AF%81.pdf"}
    hall.ask("PUT", path, token="person", data=b"%PDF", content_type="application/pdf", headers=named)
    hall.ask("PUT", path + "?filename=b.pdf", token="person", data=b"%PDF")
    hall.ask("PUT", path, token="person", json={"filename": "c.pdf", "content": "JVBERg=="})
    raw = {"Content-Disposition": 'attachment; filename="房.pdf"'.encode().decode("latin-1")}
    hall.ask("PUT", path, token="person", data=b"%PDF", headers=raw)
    asked = hall.services.asked_of("filing", "attach_material")
    assert [one["filename"] for one in asked] == ["房产证.pdf", "b.pdf", "c.pdf", "房.pdf"]
    assert {(one["draft"], one["material"], one["content"]) for one in asked} == {("d1", "proof", "JVBERg==")}


def test_an_empty_file_is_refused(hall: Hall) -> None:
    assert code(hall.ask("PUT", f"{DRAFT}/materials/proof?filename=a.pdf", token="person")) == (422, "invalid_input")


def test_a_file_of_ten_mebibytes_passes_in_either_form(hall: Hall) -> None:
    path = f"{DRAFT}/materials/proof"
    assert hall.ask("PUT", path, token="person", data=b"x" * limits.MATERIAL).status_code == 200
    content = {"filename": "a.bin", "content": "A" * (-(-limits.MATERIAL // 3) * 4)}
    assert hall.ask("PUT", path, token="person", json=content).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/v1/items"), ("GET", "/api/v1/halls/1"), ("PUT", f"{DRAFT}/materials/proof")]
)
def test_a_query_in_bytes_that_are_no_text(hall: Hall, method: str, path: str) -> None:
    raw = {"QUERY_STRING": "filename=\xff"}
    response = hall.ask(method, path, token="person", data=b"x" * (method == "PUT"), environ_overrides=raw)
    assert code(response) == (400, "bad_request")


@pytest.mark.parametrize("key", ["", "k" * 129, "a b", "键".encode().decode("latin-1"), "a\tb"])
def test_idempotency_keys_that_are_refused(hall: Hall, key: str) -> None:
    response = hall.ask("POST", "/api/v1/drafts", token="person", json={"item": "1"}, headers={"Idempotency-Key": key})
    assert code(response) == (400, "bad_request")


def test_an_idempotency_key_is_passed_down(hall: Hall) -> None:
    hall.ask("POST", "/api/v1/drafts", token="person", json={"item": "1"}, headers={"Idempotency-Key": "k-1"})
    assert hall.services.asked_of("filing", "open_draft")[0]["idempotency_key"] == "k-1"


def test_a_language_in_the_body_is_not_the_callers(hall: Hall) -> None:
    hall.ask("PATCH", DRAFT, token="person", json={"data": {}}, headers={"Accept-Language": "en"})
    assert "language" not in hall.services.asked_of("filing", "change_draft")[0]


def test_who_is_calling_is_told_by_the_gateway_alone(hall: Hall) -> None:
    hall.ask("GET", DRAFT, token="officer")
    assert hall.services.asked_of("filing", "draft")[0]["principal"] == OFFICER


@pytest.mark.parametrize(
    ("error", "expected", "retry_after"),
    [
        (ServiceDown(service="filing"), (503, "service_down"), "2"),
        (ServiceSlow(service="filing"), (504, "service_slow"), "1"),
        (RemoteFault(error_id="e-1", service="filing"), (500, "internal_error"), None),
    ],
)
def test_services_that_fail(hall: Hall, error: Exception, expected: tuple[int, str], retry_after: str | None) -> None:
    hall.answer("filing", "draft", error)
    response = hall.ask("GET", DRAFT, token="person")
    assert code(response) == expected
    assert response.headers.get("Retry-After") == retry_after


@pytest.mark.parametrize("error", [ServiceDown(service="filing"), ServiceSlow(service="filing")])
def test_who_fails_is_a_member_and_not_in_the_sentence(hall: Hall, error: Exception) -> None:
    hall.answer("filing", "draft", error)
    for language in ("zh", "en"):
        answered = hall.ask("GET", DRAFT, token="person", headers={"Accept-Language": language}).json
        assert answered["service"] == "filing"
        assert "filing" not in answered["detail"]
        assert "Idempotency-Key" not in answered["detail"]


def test_who_changes_something_hears_how_to_repeat_it_safely(hall: Hall) -> None:
    hall.answer("filing", "open_draft", ServiceSlow(service="filing"))
    response = hall.ask("POST", "/api/v1/drafts", token="person", json={"item": "1"})
    assert code(response) == (504, "service_slow")
    assert "Idempotency-Key" in response.json["detail"]
    assert (response.json["service"], response.headers["Retry-After"]) == ("filing", "1")


def test_a_fault_of_the_gateway_itself_tells_its_number_only(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    hall.answer("filing", "draft", ZeroDivisionError("a secret"))
    response = hall.ask("GET", DRAFT, token="person")
    assert code(response) == (500, "internal_error")
    assert "secret" not in response.text
    assert response.json["error_id"] == response.headers["X-Request-Id"]
    assert response.json["error_id"] in caplog.text


def test_the_request_id_is_the_callers_trace(hall: Hall) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    response = hall.ask("GET", "/health/live", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-00"})
    assert response.headers["X-Request-Id"] == trace


@pytest.mark.parametrize("made_up", ["", "x", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "00-xyz", "\x00"])
def test_a_made_up_trace_is_replaced(hall: Hall, made_up: str) -> None:
    assert trace_of({"HTTP_TRACEPARENT": made_up}) is None
    ids = {hall.ask("GET", "/health/live").headers["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(len(one) == 32 and one.strip("0") for one in ids)


def test_the_log_holds_no_code_and_no_serial(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    hall.ask("GET", "/api/v1/progress/SERIAL7?code=SECRET77")
    assert "/api/v1/progress/{serial}" in caplog.text
    assert "SERIAL7" not in caplog.text
    assert "SECRET77" not in caplog.text
