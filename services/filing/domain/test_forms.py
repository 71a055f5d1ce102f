"""Forms and materials: what fits is taken, what does not is named."""

import base64
import contextlib

import pytest
from hypothesis import given, strategies as st

from kernel.contracts.filing import MATERIAL_FORMATS, MAX_MATERIAL_BYTES
from kernel.errors import InvalidInput
from services.filing.domain import forms, materials, rating
from services.filing.domain.refusals import MaterialFormat, MaterialsMissing, MaterialTooLarge, UnknownMaterial

FIELDS = [
    {"name": "trade_name", "label": "字号", "type": "text", "required": True, "max_length": 5},
    {"name": "capital", "label": "资金", "type": "integer", "required": False, "max_length": 12},
    {"name": "since", "label": "日期", "type": "date", "required": False, "max_length": 10},
    {"name": "agreed", "label": "同意", "type": "boolean", "required": False, "max_length": 5},
]
MATERIALS = [
    {"code": "application", "name": "申请书", "required": True, "waivable": False},
    {"code": "tax", "name": "完税凭证", "required": True, "waivable": True},
    {"code": "photo", "name": "照片", "required": False, "waivable": False},
]
WORD = b"PK\x03\x04..[Content_Types].xml..word/document.xml"
FILES = {
    "png": b"\x89PNG\r\n\x1a\n....",
    "jpeg": b"\xff\xd8\xff\xe0....",
    "heic": b"\x00\x00\x00\x18ftypheic....",
    "pdf": b"%PDF-1.7 ....",
    "doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....",
    "docx": WORD,
    "rar": b"Rar!\x1a\x07\x01\x00....",
    "zip": b"PK\x03\x04....",
}


def wrong_fields(data: dict[str, object]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refusal:
        forms.check(FIELDS, data)
    return {error["field"]: error["message"] for error in refusal.value.errors}


@pytest.mark.parametrize(
    "data",
    [
        {"trade_name": "老王面馆"},
        {"trade_name": "老王面馆", "capital": 3, "since": "2026-02-09", "agreed": False},
        {"trade_name": "老王面馆", "since": ""},
    ],
)
def test_a_form_that_fits_is_taken(data: dict[str, object]) -> None:
    forms.check(FIELDS, data)


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"trade_name": None}, "data.trade_name", "Missing data for required field."),
        ({"trade_name": "  "}, "data.trade_name", "Missing data for required field."),
        ({"trade_name": "老王的大面馆"}, "data.trade_name", "Longer than maximum length 5."),
        ({"trade_name": 7}, "data.trade_name", "Not a valid text."),
        ({"capital": "3"}, "data.capital", "Not a valid integer."),
        ({"capital": True}, "data.capital", "Not a valid integer."),
        ({"since": "2026-02-30"}, "data.since", "Not a valid date."),
        ({"since": "20260209"}, "data.since", "Not a valid date."),
        ({"agreed": "yes"}, "data.agreed", "Not a valid boolean."),
        ({"tradename": "x"}, "data.tradename", "Unknown field."),
    ],
)
def test_a_field_that_does_not_fit_is_named(change: dict[str, object], field: str, message: str) -> None:
    assert wrong_fields({"trade_name": "老王面馆", **change}) == {field: message}


def test_all_wrong_fields_are_told_at_once() -> None:
    assert set(wrong_fields({"capital": "x", "more": 1})) == {"data.trade_name", "data.capital", "data.more"}


def test_merging_adds_replaces_and_takes_out() -> None:
    assert forms.merge({"a": 1, "b": 2}, {"b": None, "c": 3}) == {"a": 1, "c": 3}


@pytest.mark.parametrize("change", [{"a": "x" * 70_000}, {"a": "\ud800"}, {"a": 2**70}])
def test_data_that_cannot_be_kept_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        forms.merge({}, change)


@pytest.mark.parametrize("format_", MATERIAL_FORMATS)
def test_each_format_is_known_by_its_first_bytes(format_: str) -> None:
    assert materials.format_of(FILES[format_]) == format_


@given(st.binary(max_size=40).filter(lambda content: not content.startswith(tuple(FILES.values()))))
def test_no_bytes_crash_the_look_at_a_file(content: bytes) -> None:
    with contextlib.suppress(MaterialFormat):
        assert materials.format_of(content) in MATERIAL_FORMATS


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00", b"<html>", b"GIF89a", b"\x00\x00\x00\x18ftypavif"])
def test_other_formats_are_refused_with_those_that_are_not(content: bytes) -> None:
    with pytest.raises(MaterialFormat, match="png, jpeg, heic, pdf, doc, docx, rar, zip"):
        materials.format_of(content)


def test_a_file_of_ten_mebibytes_is_taken_and_one_byte_more_is_not() -> None:
    assert len(materials.decode(base64.b64encode(bytes(MAX_MATERIAL_BYTES)).decode())) == MAX_MATERIAL_BYTES
    with pytest.raises(MaterialTooLarge):
        materials.decode(base64.b64encode(bytes(MAX_MATERIAL_BYTES + 1)).decode())


@pytest.mark.parametrize("content", ["a", "!!!!", "YQ==YQ==", "文件"])
def test_what_is_no_base64_is_refused(content: str) -> None:
    with pytest.raises(InvalidInput):
        materials.decode(content)


def test_a_case_may_be_filed_without_what_can_be_handed_in_later() -> None:
    materials.check_complete(MATERIALS, {"application"})
    assert materials.to_hand_in_later(MATERIALS, {"application"}) == ["完税凭证"]


def test_a_case_may_not_be_filed_without_the_rest() -> None:
    with pytest.raises(MaterialsMissing) as refusal:
        materials.check_complete(MATERIALS, {"tax", "photo"})
    assert refusal.value.params == {"names": "申请书", "materials": ["application"]}


def test_a_material_that_nobody_asked_for_is_refused() -> None:
    assert materials.asked(MATERIALS, "tax")["name"] == "完税凭证"
    with pytest.raises(UnknownMaterial, match="application, tax, photo"):
        materials.asked(MATERIALS, "diploma")


def test_tags_of_a_rating_are_those_of_the_standard() -> None:
    rating.check_tags(["一窗受理一次办结", "无清单"])
    with pytest.raises(InvalidInput) as refusal:
        rating.check_tags(["一窗受理一次办结", "很好"])
    assert [error["field"] for error in refusal.value.errors] == ["tags.1"]
