"""Shared pages through the gateway's front: kept, asked for again, in three languages, and never a version in them."""

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
import orjson
import pytest
from werkzeug.http import parse_options_header

from gateway.samples import ANSWERS
from gateway.shared import disposition
from gateway.testing import Hall
from kernel.clock import to_micros
from kernel.contracts.catalog import RetiredItem
from kernel.contracts.catalog_facts import CatalogChanged, dump_changed
from kernel.errors import ServiceDown
from kernel.eventlog.events import NewEvent, Recorded, body_of

GUIDE = "/api/v1/items/1"
FILE = "/api/v1/items/1/files/%E8%A1%A8.html"
_NOW = datetime(2026, 2, 9, 1, tzinfo=UTC)


@pytest.fixture
def hall() -> Hall:
    """With a cache that hears."""
    made = Hall()
    made.services.answers = dict(ANSWERS)
    made.edge.hear(None, True)
    return made


def changed(version: int) -> Recorded:
    fact = CatalogChanged(
        occurred_at=_NOW, by="operator", version=version, source="t.json", added=0, changed=1, retired=0, halls=0
    )
    new = NewEvent(
        id=f"v{version}",
        source="/catalog",
        type=fact.TYPE,
        version=fact.VERSION,
        time=_NOW,
        data=dump_changed(fact),
        organ="hall",
    )
    return Recorded(
        position=version,
        stream="catalogue",
        stream_version=version,
        source=new.source,
        id=new.id,
        type=new.type,
        version=1,
        recorded=to_micros(_NOW),
        body=body_of(new, "catalogue", version, _NOW),
        chain=bytes(32),
    )


def asked(hall: Hall) -> int:
    return len(hall.services.asked_of("catalog", "item"))


def fields(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name != "X-Request-Id"}


def test_a_page_is_asked_for_once(hall: Hall) -> None:
    first, second = hall.ask("GET", GUIDE), hall.ask("GET", GUIDE)
    assert asked(hall) == 1
    assert first.data == second.data
    assert fields(first) == fields(second)
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_a_page_has_all_header_fields_that_it_should(hall: Hall) -> None:
    for response in (hall.ask("GET", GUIDE), hall.ask("GET", GUIDE)):
        assert response.headers["Cache-Control"] == "public, max-age=30"
        assert response.headers["Vary"] == "Accept-Language"
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Content-Language"] == "zh-Hans"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert response.headers["Content-Length"] == str(len(response.data))
        assert response.headers["ETag"].startswith('"')


def test_the_version_of_the_catalogue_is_not_shown(hall: Hall) -> None:
    assert "as_of" not in hall.ask("GET", GUIDE).json
    assert "as_of" not in hall.ask("GET", "/api/v1/items").json


def test_a_change_is_seen_at_once(hall: Hall) -> None:
    before = hall.ask("GET", GUIDE)
    hall.edge.hear(changed(4), True)
    hall.answer("catalog", "item", {**ANSWERS["catalog", "item"], "name": "新名称", "as_of": 4})
    after = hall.ask("GET", GUIDE)
    assert (before.json["name"], after.json["name"]) == ("签注居住证", "新名称")
    assert before.headers["ETag"] != after.headers["ETag"]


def test_while_nothing_is_heard_every_request_is_asked(hall: Hall) -> None:
    hall.edge.hear(None, False)
    for _ in range(3):
        assert hall.ask("GET", GUIDE).headers["ETag"]
    assert asked(hall) == 3


def test_catalog_may_be_down(hall: Hall) -> None:
    hall.ask("GET", GUIDE)
    hall.answer("catalog", "item", ServiceDown(service="catalog"))
    assert hall.ask("GET", GUIDE).status_code == 200
    assert hall.ask("GET", GUIDE, headers={"Accept-Language": "en"}).status_code == 503


def test_a_version_that_nobody_tells_leaves_pages_unkept(hall: Hall) -> None:
    hall.answer("catalog", "status", ServiceDown(service="catalog"))
    assert [hall.ask("GET", GUIDE).status_code for _ in range(2)] == [200, 200]
    assert asked(hall) == 2
    hall.answer("catalog", "status", ANSWERS["catalog", "status"])
    hall.ask("GET", GUIDE)
    hall.ask("GET", GUIDE)
    assert asked(hall) == 3


def test_a_list_from_before_the_version_there_is_is_not_kept(hall: Hall) -> None:
    hall.answer("catalog", "status", {**ANSWERS["catalog", "status"], "version": 9})
    for _ in range(2):
        assert hall.ask("GET", GUIDE).status_code == 200
    assert asked(hall) == 2


def test_a_refusal_is_asked_for_again(hall: Hall) -> None:
    hall.answer("catalog", "item", RetiredItem(item="1", name="旧事项", day="2026-01-01"))
    for _ in range(2):
        response = hall.ask("GET", GUIDE)
        assert (response.status_code, response.json["code"]) == (410, "retired_item")
        assert response.headers["Cache-Control"] == "no-store"
    assert asked(hall) == 2


@pytest.mark.parametrize("times", [1, 2])
def test_who_has_the_page_is_told_so(hall: Hall, times: int) -> None:
    for _ in range(times):
        etag = hall.ask("GET", GUIDE).headers["ETag"]
    hall.edge.hear(None, times == 2)  # kept, and not kept
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        response = hall.ask("GET", GUIDE, headers={"If-None-Match": known})
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == etag
        assert response.headers["Vary"] == "Accept-Language"
        assert response.headers["Cache-Control"] == "public, max-age=30"
        assert response.headers["X-Request-Id"]
        assert "Content-Type" not in response.headers
    assert hall.ask("GET", GUIDE, headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_is_get_without_the_body(hall: Hall) -> None:
    asked_for, kept = hall.ask("HEAD", GUIDE), hall.ask("HEAD", GUIDE)
    got = hall.ask("GET", GUIDE)
    assert fields(asked_for) == fields(kept) == fields(got)
    assert (asked_for.data, kept.data) == (b"", b"")
    assert asked(hall) == 1


def test_other_methods_are_refused_as_ever(hall: Hall) -> None:
    hall.ask("GET", GUIDE)
    assert hall.ask("DELETE", GUIDE).status_code == 405
    assert hall.ask("POST", GUIDE, json={}).status_code == 405


def test_a_request_with_a_body_is_left_to_its_route(hall: Hall) -> None:
    hall.ask("GET", GUIDE)
    assert hall.ask("GET", GUIDE, environ_overrides={"CONTENT_LENGTH": "99999999999"}).status_code == 413


def test_parameters_in_another_order_are_the_same_page(hall: Hall) -> None:
    for query in ("q=%E8%AF%81&page=2", "page=2&q=%E8%AF%81"):
        assert hall.ask("GET", f"/api/v1/items?{query}").status_code == 200
    assert len(hall.services.asked_of("catalog", "items")) == 1


def test_a_parameter_that_there_is_not_finds_no_page(hall: Hall) -> None:
    hall.ask("GET", GUIDE)
    assert hall.ask("GET", f"{GUIDE}?colour=red").status_code == 422


def test_traditional_characters(hall: Hall) -> None:
    for _ in range(2):
        response = hall.ask("GET", GUIDE, headers={"Accept-Language": "zh-HK"})
        assert response.json["name"] == "簽註居住證"
        assert response.headers["Content-Language"] == "zh-Hant"
    simplified = hall.ask("GET", GUIDE)
    assert simplified.json["name"] == "签注居住证"
    assert simplified.headers["ETag"] != response.headers["ETag"]
    assert asked(hall) == 2


def test_an_address_leads_to_the_same_place_in_traditional_characters(hall: Hall) -> None:
    file = {**ANSWERS["catalog", "item"]["files"][0], "href": "/api/v1/items/1/files/申请表(1).html"}
    hall.answer("catalog", "item", {**ANSWERS["catalog", "item"], "files": [file]})
    for language in ("zh-Hans", "zh-Hant"):
        (found,) = hall.ask("GET", GUIDE, headers={"Accept-Language": language}).json["files"]
        assert found["href"].isascii()
        assert hall.ask("GET", found["href"]).status_code == 200
        assert hall.services.asked_of("catalog", "file")[-1]["file"] == "申请表(1).html"


def test_pages_are_counted_as_any_request(hall: Hall) -> None:
    def counted(line: str) -> float:
        lines = [one for one in hall.ask("GET", "/metrics").text.splitlines() if one.startswith(line + " ")]
        return float(lines[0].split()[1]) if lines else 0

    requests = 'yichuang_http_requests_total{method="GET",route="/api/v1/items/{code}",status="200"}'
    kept, asked_for = (f'yichuang_cache_answers_total{{how="{how}"}}' for how in ("kept", "asked"))
    before = [counted(line) for line in (requests, kept, asked_for)]
    for _ in range(3):
        hall.ask("GET", GUIDE)
    after = [counted(line) for line in (requests, kept, asked_for)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [3, 2, 1]
    assert counted("yichuang_cache_listening") == 1
    assert counted("yichuang_cache_bytes") > len(hall.ask("GET", GUIDE).data)


def test_a_form_is_shown_where_it_can_do_nothing(hall: Hall) -> None:
    for _ in range(2):
        response = hall.ask("GET", FILE, headers={"Accept-Language": "zh-TW"})
        assert response.data == b"<h1>"
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'; style-src 'unsafe-inline'" in policy
        assert "sandbox" in policy
        assert response.headers["Content-Disposition"].startswith("inline; ")


def test_another_file_is_to_be_saved(hall: Hall) -> None:
    said = {**ANSWERS["catalog", "file"], "name": '申请"表.pdf', "media_type": "application/pdf"}
    hall.answer("catalog", "file", said)
    response = hall.ask("GET", FILE)
    kind, options = parse_options_header(response.headers["Content-Disposition"])
    assert (kind, options["filename"]) == ("attachment", '申请"表.pdf')
    assert response.headers["Content-Type"] == "application/pdf"
    assert "ETag" in response.headers


def test_names_that_would_break_a_header_field() -> None:
    assert disposition("a\r\nb.pdf", "attachment") == "attachment; filename=\"a__b.pdf\"; filename*=UTF-8''a%0D%0Ab.pdf"


def test_a_change_that_cannot_be_read_is_no_silent_one(hall: Hall) -> None:
    event = changed(4)
    broken = Recorded(**{**vars(event), "body": orjson.dumps({"data": {"version": "x"}}).decode()})
    with pytest.raises(ma.ValidationError):
        hall.edge.hear(broken, True)
