"""The guide and what is made from it: whole by the contract, true to its version, and harmless to print."""

from dataclasses import replace
from typing import Any

import pytest

from kernel.contracts.catalog import ItemAnswer
from kernel.contracts.items import ItemForm
from services.catalog.domain import elements, guide
from services.catalog.domain.rows import DepartmentRow, FileRow, ItemRow

WINDOW = {"name": "综合窗口", "address": "一号路1号", "hours": "9-17（样例）", "phone": None, "sample": True}
FIELD = {"name": "name", "label": "姓名", "type": "text", "required": True, "max_length": 50, "example": "张三"}


def row(**members: Any) -> ItemRow:
    said = {
        "code": "i-1",
        "name": "签注居住证",
        "department": "D",
        "kind": "promised",
        "promised_limit": {"amount": 5, "unit": "working_days"},
        "online": True,
        "windows": [WINDOW],
        "fields": [FIELD],
        "categories": ["individual-certificates"],
        **members,
    }
    document = elements.load(said)
    return ItemRow(
        as_of=7,
        code="i-1",
        name=document["name"],
        version=2,
        newest=2,
        made_at=1_770_000_000_000_000,
        retired_at=None,
        document=document,
        department=DepartmentRow("D", "公安局", "Police"),
        files=(),
    )


def printed(file: str, **members: Any) -> str:
    made = guide.rendered(row(**members), file)
    assert made is not None
    return made.decode()


def test_a_form_is_printed_in_the_characters_that_its_reader_chose() -> None:
    made = (guide.rendered(row(), "blank-form.html", "zh-Hant") or b"").decode()
    assert 'lang="zh-Hant"' in made
    assert made != (guide.rendered(row(), "blank-form.html") or b"").decode()


def test_the_guide_is_what_the_contract_says() -> None:
    shown = {**guide.guide(row()), "as_of": 7}
    assert ItemAnswer().validate(shown) == {}
    assert set(shown) == {field.data_key or name for name, field in ItemAnswer().fields.items()}
    assert (shown["version"], shown["current"], shown["updated_at"]) == (2, True, "2026-02-02T10:40:00+08:00")
    assert shown["categories"][0]["name"] == "证件办理"
    assert shown["window"]["name"] == "综合窗口"


def test_the_form_is_what_the_contract_says() -> None:
    form = guide.form(row())
    assert ItemForm().validate(form) == {}
    assert set(form) == {field.data_key or name for name, field in ItemForm().fields.items()}


@pytest.mark.parametrize(
    ("changes", "current"),
    [({}, True), ({"newest": 3}, False), ({"retired_at": 1}, False)],
)
def test_only_what_is_offered_can_be_filed(changes: dict[str, Any], current: bool) -> None:
    shown = guide.guide(replace(row(), **changes))
    assert shown["current"] == current
    assert shown["links"]["file_online"] == ("/api/v1/drafts" if current else None)


def test_an_item_for_the_window_links_to_no_draft() -> None:
    assert guide.guide(row(online=False))["links"]["file_online"] is None


def test_a_guide_leads_to_the_halls_where_the_item_can_be_booked() -> None:
    bookable = row(bookable=True)
    assert guide.guide(bookable)["links"]["book"] == f"/api/v1/halls?item={bookable.code}"
    assert guide.guide(row(bookable=False))["links"]["book"] is None
    assert guide.guide(replace(bookable, newest=bookable.version + 1))["links"]["book"] is None


def test_an_item_without_a_window_says_so() -> None:
    assert guide.guide(row(online=False, windows=[]))["window"] is None


def test_forms_to_print_stand_beside_the_stored_files() -> None:
    stored = FileRow("proof.pdf", "证明样本", "application/pdf", 100)
    files = guide.guide(replace(row(), files=(stored,)))["files"]
    assert [file["name"] for file in files] == ["proof.pdf", "blank-form.html", "sample-form.html"]
    assert files[1]["href"] == "/api/v1/items/i-1/files/blank-form.html"
    assert files[1]["size"] == len(guide.rendered(row(), "blank-form.html") or b"")


def test_a_stored_file_stands_for_the_form_of_its_name() -> None:
    stored = FileRow("blank-form.html", "空表", "text/html", 100)
    assert guide.rendered(replace(row(), files=(stored,)), "blank-form.html") is None


def test_without_fields_there_is_no_form() -> None:
    bare = row(online=False, fields=[])
    assert guide.guide(bare)["files"] == []
    assert guide.rendered(bare, "blank-form.html") is None
    assert guide.rendered(row(), "other.html") is None


def test_what_the_catalogue_says_is_text_and_never_markup() -> None:
    bad = '<script>alert("1")</script>'
    field = {**FIELD, "label": bad, "hint": bad, "example": bad}
    for file in guide.RENDERED:
        made = printed(file, name=bad, fields=[field])
        assert "<script" not in made
        assert "&lt;script&gt;alert(&quot;1&quot;)" in made


def test_a_form_has_a_row_for_each_field_on_its_page() -> None:
    fields = [
        {**FIELD, "name": "b", "label": "第二页", "page": 2},
        {**FIELD, "name": "a", "label": "第一页"},
        {**FIELD, "name": "c", "label": "是否同住", "type": "boolean", "required": False, "example": "true"},
    ]
    blank, sample = (printed(name, fields=fields) for name in guide.RENDERED)
    assert blank.count("<section>") == 2
    assert blank.index("第一页 *") < blank.index("是否同住<") < blank.index("第二页 *")
    assert "□ 是　□ 否" in blank
    assert "张三" not in blank
    assert "☑ 是　□ 否" in sample
    assert "张三" in sample


def test_a_sample_says_so_on_paper() -> None:
    assert "样例：" in printed("blank-form.html", sample=True)
    assert "样例：" not in printed("blank-form.html", sample=False)
    assert "本表为填写样表" in printed("sample-form.html", sample=False)
