"""Imports on both databases: one version each, in one piece, with its fact; and what the next makes of it."""

import csv
import io
from typing import Any

import pytest

from kernel.contracts.catalog_facts import STREAM, load_changed
from services.catalog.desk import LABOUR, POLICE, Desk, csv_of, hall, item, json_of, row, rows
from services.catalog.domain.changes import Problem


def reasons(problems: tuple[Problem, ...]) -> dict[int | None, str]:
    return {problem.line: problem.reason for problem in problems}


def test_a_file_is_one_version_and_one_fact(desk: Desk) -> None:
    report = desk.bring(csv_of(*rows(3)))
    assert (report.version, report.added, report.departments, report.problems) == (1, 3, 1, ())
    (fact,) = desk.facts()
    assert (fact.stream, fact.stream_version, fact.type, fact.organ) == (STREAM, 1, "catalog.changed", "")
    said = load_changed(fact.data)
    assert (said.version, said.source, said.by) == (1, "items.csv", "operator")
    assert (said.added, said.changed, said.retired, said.codes) == (3, 0, 0, ("A1", "A2", "A3"))
    assert desk.column("version", "source") == {1: "items.csv"}


@pytest.mark.parametrize("content", [csv_of(*rows(3)), json_of([item("A1")], halls=[hall("h1")])])
def test_the_same_file_again_changes_nothing(desk: Desk, content: str) -> None:
    name = "items.json" if content.startswith("{") else "items.csv"
    first = desk.bring(content, name)
    before = desk.tables()
    again = desk.bring(content, name)
    assert (again.version, again.unchanged, again.added, again.changed) == (None, first.added, 0, 0)
    assert desk.tables() == before


def test_a_change_is_a_new_version_of_the_item_and_the_old_one_stays(desk: Desk) -> None:
    desk.bring(csv_of(row("A1", "旧名"), row("A2")))
    report = desk.bring(csv_of(row("A1", "新名"), row("A2")))
    assert (report.version, report.added, report.changed, report.unchanged) == (2, 0, 1, 1)
    assert desk.column("item", "version") == {"A1": 2, "A2": 1}
    assert desk.column("item", "updated_in") == {"A1": 2, "A2": 1}
    assert (desk.document("A1", 1)["name"], desk.document("A1", 2)["name"]) == ("旧名", "新名")
    assert desk.column("item", "name")["A1"] == "新名"


def test_an_item_that_is_gone_is_retired_and_one_that_comes_back_is_offered_again(desk: Desk) -> None:
    desk.bring(csv_of(*rows(3)))
    gone = desk.bring(csv_of(*rows(2)))
    assert (gone.retired, gone.retired_codes) == (1, ("A3",))
    assert desk.active() == ["A1", "A2"]
    assert desk.document("A3", 1)["name"] == "事项A3"
    assert load_changed(desk.facts()[-1].data).codes == ("A3",)
    back = desk.bring(csv_of(*rows(3)))
    assert (back.added, back.retired, desk.active()) == (1, 0, ["A1", "A2", "A3"])
    assert desk.column("item", "version")["A3"] == 2


def test_a_dry_run_tells_the_same_and_writes_nothing(desk: Desk) -> None:
    desk.bring(csv_of(*rows(3)))
    before = desk.tables()
    changed = csv_of(row("A1", "新名"), row("A4"), row("", "no code"))
    dry = desk.bring(changed, dry_run=True, missing="complete")
    assert desk.tables() == before
    assert (dry.dry_run, dry.version, dry.added, dry.changed) == (True, None, 1, 1)
    wet = desk.bring(changed, missing="complete")
    assert wet.to_json() == {**dry.to_json(), "dry_run": False, "version": 2}


WRONG_CELLS: list[tuple[dict[str, str], str]] = [
    ({"name": ""}, "name: Length must be between 1 and 300."),
    ({"name": "长" * 10_000}, "name: Length must be between 1 and 300."),
    ({"item_code": "长" * 10_000}, "code: Not 1 to 64 letters, digits and _ - . of ASCII."),
    ({"organ_code": "1" * 10_000}, "organ_code: Length must be between 0 and 64."),
    ({"department": "长" * 10_000}, "department: longer than 200 characters"),
    ({"department": ""}, "department: is needed to know the department"),
    ({"area_code": "4401"}, "area_code: no area code: 6, 9 or 12 digits"),
    ({"item_type": "3"}, "item_type: no type of items: there are 1, 5, 7, 8, 9, 10, 20"),
    ({"name": "a\nb"}, "name: holds a line break"),
    ({"name": "a\x1bb"}, "name: Holds control characters."),
    ({"promised_limit": "soon"}, "promised_limit: no limit: "),
    ({"promised_limit": "9999"}, "promised_limit.amount: Must be greater than or equal to 0 and less"),
    ({"kind": "quick"}, "kind: Must be one of"),
    ({"online": "perhaps"}, "online: neither yes nor no"),
    ({"online": "yes", "kind": "即办件"}, "windows: at least one is needed"),
    ({"statutory_limit": "5", "promised_limit": "6"}, "promised_limit: longer than the law allows"),
    ({"categories": "nothing"}, "categories: no such category: nothing"),
]


def test_rows_that_are_wrong_say_why_and_stop_nobody(desk: Desk) -> None:
    wrong = [row("W", **{"item_code": f"W{at}", **cells}) for at, (cells, _) in enumerate(WRONG_CELLS)]
    report = desk.bring(csv_of(row("A1"), *wrong, row("A3")))
    said = [problem.reason for problem in report.problems]
    assert [one[: len(reason)] for one, (_, reason) in zip(said, WRONG_CELLS, strict=True)] == [
        reason for _, reason in WRONG_CELLS
    ]
    assert [problem.line for problem in report.problems][:3] == [3, 4, 5]
    assert (report.added, desk.active()) == (2, ["A1", "A3"])


def test_two_rows_of_one_code_are_one_if_they_say_the_same(desk: Desk) -> None:
    report = desk.bring(csv_of(row("A1"), row("A1"), row("A1", "another"), row("A2")))
    assert reasons(report.problems) == {4: "line 2 has this code already"}
    assert (report.added, desk.active()) == (2, ["A1", "A2"])


def test_optional_columns_are_elements(desk: Desk) -> None:
    cells = {
        "category": "开办",
        "everyday_names": "开店；办执照、注册",
        "audience": "企业",
        "kind": "承诺件",
        "statutory_limit": "20个工作日",
        "promised_limit": "5",
        "charged": "否",
        "bookable": "yes",
        "conditions": "年满18岁\n有住所",
    }
    assert desk.bring(csv_of(row("A1", **cells))).problems == ()
    document = desk.document("A1", 1)
    assert {name: document[name] for name in ("everyday_names", "audience", "kind", "conditions")} == {
        "everyday_names": ["开店", "办执照", "注册"],
        "audience": ["enterprise"],
        "kind": "promised",
        "conditions": ["年满18岁", "有住所"],
    }
    assert document["statutory_limit"] == {"amount": 20, "unit": "working_days"}
    assert (document["charged"], document["bookable"], document["online"]) == (False, True, False)
    assert [code.partition("-")[0] for code in document["categories"]] == ["enterprise"]


def test_a_csv_file_leaves_alone_what_it_has_no_columns_for(desk: Desk) -> None:
    rich = item("A1", conditions=["年满18岁"], type="01", area="440100", plain_name="开店")
    desk.bring(json_of([rich], [{"code": POLICE, "name": "公安局", "area": "440100"}]), "items.json")
    assert desk.bring(csv_of(row("A1"))).version is None
    assert desk.bring(csv_of(row("A1", plain_name=""))).changed == 1
    assert (desk.document("A1", 2)["conditions"], desk.document("A1", 2)["plain_name"]) == (["年满18岁"], "")


WRONG_MEMBERS: list[tuple[str, Any, str]] = [
    ("colour", "red", "colour: Unknown field."),
    ("name", 5, "name: Not a valid string."),
    ("name", None, "name: Field may not be null."),
    ("online", "maybe", "online: Not a valid boolean."),
    ("materials", [{"code": "a"}], "materials.0.name: Missing data for required field."),
    ("materials", "none", "materials: Not a valid list."),
    ("categories", ["individual/没有"], "categories: no such category: individual/没有"),
    ("department", LABOUR, "department: no such department, here or in the catalogue"),
    ("results", [{"name": "证", "sample_form": "a.pdf"}], "results.0.sample_form: the item has no file a.pdf"),
    ("name", "\ud800", "a text in it holds half a character"),
    (
        "files",
        [{"name": "a.pdf", "media_type": "application/pdf", "path": "../a.pdf"}],
        "files: ../a.pdf is not beside",
    ),
    (
        "files",
        [{"name": "a.pdf", "media_type": "application/pdf", "path": "a.pdf"}],
        "files: The file a.pdf can't be",
    ),
    (
        "files",
        [{"name": "a.pdf", "media_type": "text/html", "content": "YQ=="}],
        "files.0.media_type: Must be one of",
    ),
    ("files", [{"name": "a.pdf", "media_type": "text/plain", "content": "?"}], "files: the content of a.pdf is no"),
    ("files", [{"name": "a.pdf", "media_type": "text/plain"}], "files.0: Needs content or path"),
    ("files", 5, "files: Invalid input type."),
]


def test_records_that_are_wrong_name_line_and_member_and_stop_nobody(desk: Desk) -> None:
    wrong = [{**item(f"W{at}"), member: value} for at, (member, value, _) in enumerate(WRONG_MEMBERS)]
    report = desk.bring(json_of([item("A1"), *wrong, item("A3")]), "items.json")
    said = [problem.reason for problem in report.problems]
    assert [one[: len(reason)] for one, (_, _, reason) in zip(said, WRONG_MEMBERS, strict=True)] == [
        reason for _, _, reason in WRONG_MEMBERS
    ]
    assert [(problem.line, problem.code) for problem in report.problems] == [
        (8 + at, f"W{at}") for at in range(len(wrong))
    ]
    assert desk.active() == ["A1", "A3"]


def test_records_without_a_code_are_wrong(desk: Desk) -> None:
    strange = [5, None, [], "text", {"name": "x"}, {"code": 5, "name": "x", "department": POLICE}]
    report = desk.bring(json_of([item("A1"), *strange]), "items.json")
    assert [(problem.line, problem.code) for problem in report.problems] == [(8 + at, "") for at in range(6)]
    assert desk.active() == ["A1"]


def test_members_that_stand_twice_are_wrong(desk: Desk) -> None:
    twice = json_of([item("A1")]).replace('"code": "A1"', '"code": "A1", "code": "A2"')
    assert reasons(desk.bring(twice, "items.json").problems) == {7: "code stands in it twice"}


def test_files_come_inside_or_beside_and_stay_if_nothing_is_said_of_them(desk: Desk) -> None:
    (desk.folder / "forms").mkdir()
    (desk.folder / "forms" / "b.pdf").write_bytes(b"beside")
    files = [
        {"name": "a.pdf", "media_type": "application/pdf", "content": "aW5zaWRl"},
        {"name": "b.pdf", "media_type": "application/pdf", "path": "forms/b.pdf", "title": "样表"},
    ]
    results = [{"name": "证", "sample_form": "b.pdf"}]
    desk.bring(json_of([item("A1", files=files, results=results)]), "items.json")
    kept = [(row[1], row[2], bytes(row[6])) for row in desk.tables()["item_file"]]
    assert kept == [("a.pdf", "a.pdf", b"inside"), ("b.pdf", "样表", b"beside")]
    assert desk.bring(json_of([item("A1", results=results)]), "items.json").version is None
    (desk.folder / "forms" / "b.pdf").write_bytes(b"another")
    assert desk.bring(json_of([item("A1", files=files, results=results)]), "items.json").changed == 1
    assert desk.bring(json_of([item("A1", files=[])]), "items.json").changed == 1
    assert desk.tables()["item_file"] == []


def test_halls_have_an_order_and_are_retired_with_their_city(desk: Desk) -> None:
    desk.bring(json_of(halls=[hall("b"), hall("a"), hall("far", area="510100")]), "halls.json")
    assert desk.column("hall", "place") == {"b": 1, "a": 2, "far": 3}
    report = desk.bring(json_of(halls=[hall("c"), hall("b", hours="10-18")]), "halls.json")
    assert (report.halls, report.retired) == (3, 0)
    assert sorted(name for name, at in desk.column("hall", "retired_at").items() if at) == ["a"]
    assert desk.column("hall", "place") == {"b": 1, "a": 2, "far": 3, "c": 4}


def test_a_hall_that_is_wrong_is_not_taken_for_gone(desk: Desk) -> None:
    desk.bring(json_of(halls=[hall("a"), hall("b")]), "halls.json")
    wrong = {**hall("b"), "area": "x"}
    report = desk.bring(json_of(halls=[hall("a"), wrong, hall("a", hours="1-2")]), "halls.json")
    assert reasons(report.problems) == {
        11: "area: Not 6, 9 or 12 digits.",
        12: "this id stands in the file already",
    }
    assert report.version is None


def test_what_a_hall_names_and_the_catalogue_does_not_have_is_a_warning(desk: Desk) -> None:
    units = [{"name": "公安", "department": LABOUR, "items": ["A1", "A9"]}]
    report = desk.bring(json_of([item("A1")], halls=[hall("a", units=units)]), "halls.json")
    assert [problem.reason for problem in report.warnings] == [
        "1 items of its units are not in the catalogue: A9",
        f"1 departments of its units are not in the catalogue: {LABOUR}",
    ]
    assert (report.problems, report.halls) == ((), 1)


def test_a_department_that_is_renamed_keeps_its_code_and_its_items_are_found_by_the_new_name(desk: Desk) -> None:
    desk.bring(json_of([item("A1")]), "items.json")
    before = desk.column("item", "terms")["A1"]
    report = desk.bring(json_of([], [{"code": POLICE, "name": "公安厅"}]), "organs.json")
    assert (report.version, report.departments, report.retired) == (2, 1, 0)
    assert desk.column("department", "name") == {POLICE: "公安厅"}
    assert desk.column("item", "terms")["A1"] != before
    assert desk.column("item", "version") == {"A1": 1}


def test_another_name_under_the_same_code_is_another_department_and_is_said_once(desk: Desk) -> None:
    desk.bring(csv_of(*rows(2)))
    renamed = csv_of(*rows(2, department="市公安局"))
    report = desk.bring(renamed)
    assert [warning.reason for warning in report.warnings] == [
        f"市公安局 is published under the code of another department; it is one of its own: {POLICE}-2"
    ]
    assert desk.column("department", "name") == {POLICE: "公安局", f"{POLICE}-2": "市公安局"}
    assert set(desk.column("item", "department").values()) == {f"{POLICE}-2"}
    assert desk.bring(renamed).warnings == ()


def test_a_department_that_was_renamed_by_json_first_stays_one(desk: Desk) -> None:
    desk.bring(csv_of(*rows(2)))
    desk.bring(json_of([], [{"code": POLICE, "name": "市公安局", "area": "440100"}]), "organs.json")
    report = desk.bring(csv_of(*rows(2, department="市公安局")))
    assert (report.version, report.warnings) == (None, ())


def test_progress_is_told_up_to_the_end(desk: Desk) -> None:
    told: list[tuple[int, int]] = []
    desk.bring(csv_of(*rows(4), row("", "wrong"), row("A1")), progress=lambda *step: told.append(step))
    assert told[-1] == (12, 12)
    assert told == sorted(told)


def test_columns_may_stand_in_any_order_and_blank_rows_are_nothing(desk: Desk) -> None:
    cells = list(csv.reader(io.StringIO(csv_of(*rows(2)))))
    turned = "\n".join(",".join(reversed(line)) for line in cells) + "\n,,,,,,\n\n"
    assert desk.bring(turned).added == 2
