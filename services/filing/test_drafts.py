"""Drafts: opened, filled in, given files, shown to nobody else."""

import base64
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.contracts.catalog import RetiredItem
from kernel.contracts.filing import Draft
from kernel.errors import InvalidInput, Refusal
from kernel.idempotency import KeyReused
from services.filing.application import drafts
from services.filing.service import FilingService
from services.filing.testing import PDF, SHOP, Desk

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n pixels").decode()


def opened(desk: Desk, key: str | None = None, item: dict[str, Any] = SHOP) -> dict[str, Any]:
    return desk.filing.drafts.open("anna", item, "en", key)


def test_a_draft_is_opened_with_what_its_item_asks_for(desk: Desk) -> None:
    draft = opened(desk)
    assert Draft().validate(draft) == {}
    assert draft["item"]["fields"] == SHOP["fields"]
    assert (draft["status"], draft["data"], draft["notices"], draft["language"]) == ("open", {}, ["sms"], "en")
    assert desk.filing.drafts.show("anna", draft["id"]) == draft


def test_changes_are_merged_and_null_takes_a_member_out(desk: Desk) -> None:
    draft = opened(desk)["id"]
    desk.filing.drafts.change("anna", draft, {"data": {"trade_name": "老王", "capital": 3}})
    desk.advance(seconds=5)
    wishes = {"data": {"capital": None}, "notices": ["sms", "email"], "language": "zh-Hant"}
    changed = desk.filing.drafts.change("anna", draft, wishes)
    assert changed["data"] == {"trade_name": "老王"}
    assert (changed["notices"], changed["language"]) == (["sms", "email"], "zh-Hant")
    assert changed["updated_at"] > changed["created_at"]
    assert desk.filing.drafts.show("anna", draft) == changed


def test_a_file_replaces_the_one_before(desk: Desk) -> None:
    draft = opened(desk)["id"]
    desk.filing.drafts.attach("anna", draft, "premises", "first.pdf", PDF)
    held = desk.filing.drafts.attach("anna", draft, "premises", "second.png", PNG)["materials"]
    assert [(file["material"], file["filename"], file["format"]) for file in held] == [
        ("premises", "second.png", "png")
    ]
    assert held[0]["size"] == len(base64.b64decode(PNG))


def test_anothers_draft_is_answered_like_one_that_does_not_exist(desk: Desk) -> None:
    draft = desk.draft()
    touches: list[Callable[[str, str], Any]] = [
        desk.filing.drafts.show,
        lambda account, named: desk.filing.drafts.change(account, named, {"data": {}}),
        lambda account, named: desk.filing.drafts.attach(account, named, "premises", "x.pdf", PDF),
        lambda account, named: desk.filing.submissions.submit(account, named, None),
    ]
    answers = [
        refused(touch, account, named)
        for account, named in (("bert", draft), ("anna", "no-such-draft"))
        for touch in touches
    ]
    assert answers == [answers[0]] * 8
    assert answers[0]["code"] == "unknown_draft"


def refused(touch: Callable[[str, str], Any], account: str, draft: str) -> dict[str, Any]:
    with pytest.raises(Refusal) as refusal:
        touch(account, draft)
    return refusal.value.to_wire()


def test_a_submitted_draft_is_changed_no_more(desk: Desk) -> None:
    draft = desk.draft()
    serial = desk.filing.submissions.submit("anna", draft, None)["serial"]
    before = desk.filing.drafts.show("anna", draft)
    for touch in (
        lambda: desk.filing.drafts.change("anna", draft, {"data": {"trade_name": "别的"}}),
        lambda: desk.filing.drafts.attach("anna", draft, "premises", "x.pdf", PDF),
    ):
        with pytest.raises(Refusal) as refusal:
            touch()
        assert (refusal.value.code, refusal.value.params) == ("draft_submitted", {"serial": serial})
    assert desk.filing.drafts.show("anna", draft) == before
    assert (before["status"], before["serial"]) == ("submitted", serial)


def test_data_over_the_limit_change_nothing(desk: Desk) -> None:
    draft = desk.draft()
    before = desk.filing.drafts.show("anna", draft)
    with pytest.raises(InvalidInput):
        desk.filing.drafts.change("anna", draft, {"data": {"trade_name": "长" * 30_000}})
    assert desk.filing.drafts.show("anna", draft) == before


@pytest.mark.parametrize(
    ("material", "content", "code"),
    [
        ("premises", base64.b64encode(b"MZ program").decode(), "material_format"),
        ("diploma", PDF, "unknown_material"),
        ("premises", "no base64!", "invalid_input"),
        ("premises", base64.b64encode(b"%PDF-" + bytes(10 * 1024 * 1024)).decode(), "material_too_large"),
    ],
)
def test_a_file_that_is_not_taken_changes_nothing(desk: Desk, material: str, content: str, code: str) -> None:
    draft = desk.draft()
    before = desk.filing.drafts.show("anna", draft)
    with pytest.raises(Refusal) as refusal:
        desk.filing.drafts.attach("anna", draft, material, "x", content)
    assert refusal.value.code == code
    assert desk.filing.drafts.show("anna", draft) == before


def test_the_same_idempotency_key_opens_one_draft(desk: Desk) -> None:
    assert opened(desk, "k1")["id"] == opened(desk, "k1")["id"] != opened(desk, "k2")["id"]
    with pytest.raises(KeyReused):
        opened(desk, "k1", {**SHOP, "code": "another"})


class Catalog:
    """Who is asked for an item's form: answers once, then the item is retired."""

    def __init__(self) -> None:
        self.asked = 0

    def call(self, service: str, method: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        if self.asked > 1:
            raise RetiredItem(item=payload["code"], name="旧事项", day="2026-02-10")
        return SHOP


def test_a_repeat_gets_its_draft_whatever_has_become_of_the_item(desk: Desk) -> None:
    service: Any = FilingService()
    service.app, service.services = desk.filing, Catalog()
    asked = {"principal": {"kind": "individual", "account": "anna"}, "item": SHOP["code"], "language": "en"}
    first = service.open_draft({**asked, "idempotency_key": "k1"})
    assert service.open_draft({**asked, "idempotency_key": "k1"}) == first
    with pytest.raises(KeyReused):
        service.open_draft({**asked, "item": "another", "idempotency_key": "k1"})
    for key in ("k2", None):
        with pytest.raises(RetiredItem):
            service.open_draft({**asked, "idempotency_key": key})


def test_what_people_write_does_not_show_in_the_database(desk: Desk) -> None:
    desk.draft()
    with desk.database.read() as tx:
        rows = [row for table in ("draft", "material_file") for row in tx.execute(sa.text(f"SELECT * FROM {table}"))]
    kept = b" ".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    assert "个体工商户".encode() in kept or b"\\u4e2a\\u4f53" in kept
    for secret in ("老王面馆".encode(), b"scan.pdf", b"%PDF-1.7 one page"):
        assert secret not in kept


def test_a_draft_keeps_the_version_that_it_was_opened_with(desk: Desk) -> None:
    draft = desk.draft(item=SHOP)
    opened(desk, item={**SHOP, "version": 5, "fields": []})
    assert desk.filing.drafts.show("anna", draft)["item"]["version"] == 4


def test_idempotency_keys_are_kept_for_a_week(desk: Desk) -> None:
    first = desk.filing.drafts.open("anna", SHOP, "zh-Hans", "key-1")["id"]
    desk.advance(days=6)
    desk.filing.clean()
    assert desk.filing.drafts.open("anna", SHOP, "zh-Hans", "key-1")["id"] == first
    desk.advance(days=2)
    desk.filing.clean()
    assert desk.filing.drafts.open("anna", SHOP, "zh-Hans", "key-1")["id"] != first


def kept(desk: Desk) -> dict[str, set[str]]:
    """Which drafts there are, and of which there are files."""
    with desk.database.read() as tx:
        return {
            "drafts": set(tx.execute(sa.text("SELECT id FROM draft")).scalars()),
            "files": set(tx.execute(sa.text("SELECT draft FROM material_file")).scalars()),
        }


def test_a_draft_that_nobody_changed_for_ninety_days_is_dropped_with_its_files(desk: Desk) -> None:
    left, changed, submitted = desk.draft(), desk.draft(), desk.draft()
    desk.filing.submissions.submit("anna", submitted, None)
    desk.advance(days=80)
    desk.filing.drafts.change("anna", changed, {"data": {"trade_name": "新名"}})
    desk.advance(days=10)
    desk.filing.clean()
    assert kept(desk) == {name: {left, changed, submitted} for name in ("drafts", "files")}
    desk.advance(seconds=1)
    desk.filing.clean()
    assert kept(desk) == {name: {changed, submitted} for name in ("drafts", "files")}


def test_more_drafts_than_are_dropped_at_once_are_all_dropped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "_DROPPED_AT_ONCE", 2)
    for _ in range(5):
        desk.draft()
    desk.advance(days=91)
    desk.filing.clean()
    assert kept(desk) == {"drafts": set(), "files": set()}


def test_a_draft_that_is_being_submitted_keeps_its_files(desk: Desk) -> None:
    draft = desk.draft()
    desk.advance(days=91)
    cleaning = threading.Thread(target=desk.another_process().filing.clean)
    with desk.database.write() as tx:
        row = desk.tools.store.lock_draft(tx, draft)
        assert row is not None
        cleaning.start()
        # On PostgreSQL it passes over the draft and ends; on SQLite it waits for this transaction.
        cleaning.join(0.5)
        desk.tools.store.change_draft(tx, replace(row, serial="S-1"))
    cleaning.join(10)
    assert kept(desk) == {"drafts": {draft}, "files": {draft}}
