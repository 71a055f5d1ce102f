"""docs/catalogue.md says what an import takes: every column, every member, every refusal of a file."""

import re
from pathlib import Path

import marshmallow as ma
import pytest

from kernel.contracts.halls import HallElements
from kernel.contracts.items import ItemElements
from services.catalog.application.attachments import LARGEST_FILE, FileElements
from services.catalog.application.sources import LARGEST_CSV, LARGEST_JSON
from services.catalog.domain import reading_csv, retiring, text_files, unfit
from services.catalog.domain.columns import KNOWN
from services.catalog.domain.departments import DepartmentElements

DOCUMENT = (Path(__file__).parent.parent / "docs" / "catalogue.md").read_text()


def section(title: str) -> str:
    level = title.split()[0]
    return re.split(rf"\n#{{2,{len(level)}}} ", DOCUMENT.split(f"\n{title}\n")[1])[0]


def first_cells(text: str) -> set[str]:
    cells = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}


def nested(schema: ma.Schema, member: str) -> ma.Schema | None:
    field = schema.fields[member]
    inner = field.inner if isinstance(field, ma.fields.List) else field
    return inner.schema if isinstance(inner, ma.fields.Nested) else None


def test_every_column_is_described() -> None:
    assert first_cells(section("## CSV")) == KNOWN


@pytest.mark.parametrize(
    ("title", "schema", "besides"),
    [
        ("### A department", DepartmentElements(), set()),
        ("### An item", ItemElements(), {"files"}),
        ("### A hall", HallElements(), set()),
    ],
)
def test_every_member_is_described(title: str, schema: ma.Schema, besides: set[str]) -> None:
    described = section(title)
    names = {field.data_key or name for name, field in schema.fields.items()}
    named = first_cells(described) | set(re.findall(r"`([a-z_]+)`", described.split("|")[0]))
    assert names | besides <= named
    assert first_cells(described) <= names | besides


@pytest.mark.parametrize(
    "member", ["channels", "steps", "fields_", "materials", "fees", "results", "windows", "remedies"]
)
def test_members_of_members_are_described(member: str) -> None:
    inner = nested(ItemElements(), member)
    assert inner is not None
    said = set(re.findall(r"`([a-z_]+)`", section("### An item")))
    assert set(inner.fields) | set(FileElements().fields) <= said


def test_what_members_of_members_need_is_told() -> None:
    rows = re.findall(r"^\| (`.+) \| (`.+) \|$", section("### An item").split("it needs:")[1], re.MULTILINE)
    told = {name: re.findall(r"`([a-z_]+)`", re.sub(r"\(.+?\)", "", needed)) for names, needed in rows for name in
            re.findall(r"`([a-z_]+)`", names)}  # fmt: skip
    inner = {field.data_key or name: nested(ItemElements(), name) for name, field in ItemElements().fields.items()}
    needed = {name: [key for key, field in schema.fields.items() if field.required] for name, schema in inner.items()
              if schema is not None}  # fmt: skip
    assert told == {name: members for name, members in needed.items() if members}


def test_every_refusal_of_a_file_is_described() -> None:
    codes = {refusal.code for refusal in unfit.UnfitFile.__subclasses__()} - {
        "unknown_encoding"
    }  # the command's choice
    assert codes <= set(re.findall(r"`([a-z_]+)`", section("## An import")))


def test_the_figures_are_those_of_the_code() -> None:
    limits = (
        f"{LARGEST_CSV >> 20} MB of CSV",
        f"{LARGEST_JSON >> 20} MB of JSON",
        f"{reading_csv.MOST_ROWS:,} records",
        f"{text_files.LONGEST_RECORD >> 20} MB in a CSV record",
        f"{LARGEST_FILE >> 20} MB each",
        f"no more than {retiring.FEW} or a quarter of them",
    )
    assert [limit for limit in limits if limit not in DOCUMENT] == []
