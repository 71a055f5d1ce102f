"""What is exported can be imported again: here it changes nothing, elsewhere it makes the same catalogue."""

import csv
import io
import json
from pathlib import Path

import pytest

from kernel.contracts.halls import HallElements
from kernel.contracts.items import ItemElements
from kernel.database import open_url
from services.catalog.application.importing import demo
from services.catalog.desk import Desk, csv_of, hall, item, json_of, row
from services.catalog.domain.columns import ALL

FILE = {"name": "a.pdf", "title": "样表", "media_type": "application/pdf", "content": "aW5zaWRl"}
RICH = item(
    "A1",
    everyday_names=["开店", "办执照"],
    conditions=["年满18岁", "有“住所”, 且"],
    kind="promised",
    promised_limit={"amount": 60, "unit": "natural_days"},
    audience=["individual", "enterprise"],
    charged=True,
    categories=["individual/就业创业", "enterprise/开办"],
    files=[FILE],
    results=[{"name": "证", "sample_form": "a.pdf"}],
)


@pytest.fixture
def filled(desk: Desk) -> Desk:
    desk.bring(json_of([RICH, item("A2"), item("A3")], halls=[hall("b"), hall("a")]), "items.json")
    desk.bring(csv_of(row("B1", department="税务局", organ="bad_1"), row("B2", department="税务局", organ="bad_2")))
    desk.bring(json_of([RICH, item("A2")]), "items.json")
    assert desk.active() == ["A1", "A2", "B1", "B2"]
    return desk


@pytest.mark.parametrize("form", ["json", "csv"])
def test_importing_what_was_exported_changes_nothing(filled: Desk, form: str) -> None:
    before = filled.tables()
    report = filled.bring(filled.export("csv" if form == "csv" else "json"), f"out.{form}")
    assert (report.version, report.problems, report.unchanged, report.retired) == (None, (), 4, 0)
    assert filled.tables() == before


def test_elsewhere_it_makes_the_same_catalogue(filled: Desk, tmp_path: Path) -> None:
    whole = filled.export()
    other = Desk(open_url(f"sqlite:///{tmp_path}/other.sqlite3", "other"), tmp_path)
    assert other.bring(whole, "whole.json").added == 4
    assert other.export() == whole
    other.database.close()


def test_json_is_all_that_is_offered_in_the_form_of_an_import(filled: Desk) -> None:
    whole = json.loads(filled.export())
    assert list(whole) == ["format", "departments", "items", "halls"]
    assert [one["code"] for one in whole["items"]] == ["A1", "A2", "B1", "B2"]
    assert [one["id"] for one in whole["halls"]] == ["b", "a"]
    assert whole["items"][0].pop("files") == [FILE]
    assert ItemElements().validate(whole["items"][0]) == {}
    assert HallElements().validate(whole["halls"][0]) == {}
    assert [one["organ_codes"] for one in whole["departments"]] == [[], ["bad_1", "bad_2"]]


def test_csv_has_the_columns_of_an_import(filled: Desk) -> None:
    names, *lines = csv.reader(io.StringIO(filled.export("csv").decode()))
    assert tuple(names) == ALL
    first = dict(zip(names, lines[0], strict=True))
    assert (first["department"], first["category"], first["promised_limit"]) == (
        "公安局",
        "就业创业",
        "60 natural_days",
    )
    assert [line[names.index("organ_code")] for line in lines[2:]] == ["bad_1", "bad_2"]


def test_an_empty_catalogue_is_a_file_without_records(desk: Desk) -> None:
    assert json.loads(desk.export()) == {"format": "yichuang-catalogue/1", "departments": [], "items": [], "halls": []}
    assert desk.export("csv").decode() == ",".join(ALL) + "\n"


def test_the_demo_goes_out_and_in_again(desk: Desk) -> None:
    report = desk.importing.run(demo())
    assert (report.problems, report.version) == ((), 1)
    assert desk.bring(desk.export(), "out.json").version is None
    assert desk.bring(desk.export("csv"), "out.csv").version is None
