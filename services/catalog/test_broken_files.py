"""Files that can't be imported: each is refused with its reason, and the catalogue is what it was, to the last row."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from services.catalog.application import sources
from services.catalog.application.importing import Source
from services.catalog.desk import Desk, csv_of, item, json_of, row, rows
from services.catalog.domain import reading_csv, unfit
from services.catalog.domain.reading_json import JsonFile

WHOLE = csv_of(*rows(5)).encode()
WHOLE_JSON = json_of([item(f"A{number}") for number in range(1, 6)]).encode()
HEADER = WHOLE.partition(b"\n")[0] + b"\n"
CHANGED = csv_of(*(row(f"A{number}", f"新名{number}") for number in range(1, 6))).encode()
LAST = CHANGED.rindex("公安局".encode())  # where the last row begins
CHARACTER = CHANGED.rindex("新".encode()) + 1  # within a character of it

CSV_FILES: dict[str, tuple[bytes, type[unfit.UnfitFile], str]] = {
    "empty": (b"", unfit.EmptyFile, "no records"),
    "blank": (b"\xef\xbb\xbf \r\n\r\n", unfit.EmptyFile, "no records"),
    "header alone": (HEADER, unfit.EmptyFile, "no records"),
    "GBK": (CHANGED.decode().encode("gbk"), unfit.NotThisEncoding, r"Line 2 is not UTF-8 .*--encoding gb18030"),
    "UTF-16": (CHANGED.decode().encode("utf-16"), unfit.NotThisEncoding, "looks like UTF-16"),
    "one wrong byte": (CHANGED.replace("新".encode(), b"\xe6\x96\xff", 1), unfit.NotThisEncoding, "Save it as UTF-8"),
    "cut within a character": (CHANGED[:CHARACTER], unfit.NotThisEncoding, "ends within a character"),
    "cut within the code": (CHANGED[: LAST + 35], unfit.CutOff, r"last record \(line 6\) is not whole"),
    "cut behind the department": (CHANGED[: LAST + 9], unfit.CutOff, "1 cells, the header has 7"),
    "cut within the area code": (CHANGED[:-3], unfit.CutOff, "area_code"),
    "cut within the header": (HEADER[:20], unfit.WrongHeader, "columns name, .* missing"),
    "quotation mark not closed": (
        CHANGED.replace("新名3".encode(), b'"open'),
        unfit.NeverClosed,
        "line 4 is not closed",
    ),
    "quotation mark closed later": (
        CHANGED.replace("公安局".encode(), '"公安局'.encode(), 3).replace("新名4".encode(), b'x"'),
        unfit.NeverClosed,
        "line 2",
    ),
    "huge line": (CHANGED + b"x" * (2 << 20) + b"\n", unfit.TooLarge, "1048576 bytes in a line"),
    "huge record": (HEADER + (b'"' + b"x\n" * 60_000 + b'",') * 9, unfit.TooLarge, "1048576 characters in a record"),
    "huge cell": (HEADER + b'"' + b"x\n" * 600_000 + b'"\n', unfit.NeverClosed, "line 2"),
    "NUL": (CHANGED.replace(b"A3", b"A\x003"), unfit.HoldsNul, "Line 4 holds a NUL"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", unfit.HoldsNul, "NUL"),
    "web page": (b"<html>\n<body>no</body></html>\n", unfit.WrongHeader, "columns department, .* missing"),
    "semicolons": (CHANGED.replace(b",", b";"), unfit.WrongHeader, "missing"),
    "a column twice": (CHANGED.replace(b"area_code\n", b"area_code,name\n"), unfit.WrongHeader, "twice"),
    "an unknown column": (
        CHANGED.replace(b"area_code\n", b"area_code,colour\n"),
        unfit.WrongHeader,
        "colour not known",
    ),
    "old line ends": (CHANGED.replace(b"\n", b"\r"), unfit.WrongHeader, "not CSV"),
}

JSON_FILES: dict[str, tuple[bytes, type[unfit.UnfitFile], str]] = {
    "cut within the first item": (WHOLE_JSON[:200], unfit.NotJson, "line 7, column"),
    "cut behind an item": (WHOLE_JSON[: WHOLE_JSON.index(b'"A2"') - 10], unfit.NotJson, "line 7"),
    "cut before the end": (WHOLE_JSON[:-3], unfit.NotJson, "line 12"),
    "something behind": (WHOLE_JSON + b"}", unfit.NotJson, "something follows"),
    "a comma too many": (WHOLE_JSON.replace(b"\n],", b",\n],", 1), unfit.NotJson, "line 5"),
    "not a number": (WHOLE_JSON.replace(b'"A2"', b"NaN"), unfit.NotJson, "NaN is no number"),
    "endless number": (WHOLE_JSON.replace(b'"A2"', b"9" * 5000), unfit.NotJson, "line 8"),
    "nested too deeply": (WHOLE_JSON.replace(b'"A2"', b"[" * 100_000), unfit.NotJson, "nested too deeply"),
    "a list": (b"[1, 2]", unfit.NotJson, "an object is needed"),
    "no format": (b'{"items": []}', unfit.NotACatalogue, "format is not said"),
    "another format": (
        WHOLE_JSON.replace(b"catalogue/1", b"catalogue/2"),
        unfit.NotACatalogue,
        "'yichuang-catalogue/1'",
    ),
    "an unknown member": (WHOLE_JSON.replace(b'"departments"', b'"organs"'), unfit.NotACatalogue, "organs not known"),
    "a member twice": (
        WHOLE_JSON.replace(b'"departments"', b'"items"'),
        unfit.NotACatalogue,
        "items stands in it twice",
    ),
    "items are no list": (b'{"format": "yichuang-catalogue/1", "items": {}}', unfit.NotACatalogue, "items is no list"),
    "nothing in it": (json_of([], []).encode(), unfit.EmptyFile, "no records"),
    "empty": (b"", unfit.EmptyFile, "no records"),
    "GBK": (WHOLE_JSON + "公安局在此".encode("gbk"), unfit.NotThisEncoding, "--encoding gb18030"),
    "NUL": (WHOLE_JSON.replace(b"A3", b"A\x003"), unfit.HoldsNul, "Line 9"),
}


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """With the five items that the broken files would change or retire."""
    desk.bring(WHOLE)
    return desk


def test_each_broken_file_says_why_and_changes_nothing(filled: Desk) -> None:
    before = filled.tables()
    for name, files in (("items.csv", CSV_FILES), ("items.json", JSON_FILES)):
        for case, (content, refusal, reason) in files.items():
            with pytest.raises(refusal, match=reason):
                filled.bring(content, name, missing="complete")
            assert filled.tables() == before, case


def test_a_file_cut_anywhere_changes_nothing_or_only_whole_rows(filled: Desk) -> None:
    """Whatever is left of the last row: it is refused, or it is whole."""
    for cut in range(LAST + 1, len(CHANGED) - 1):
        with pytest.raises((unfit.CutOff, unfit.NotThisEncoding)):
            filled.bring(CHANGED[:cut])
    report = filled.bring(CHANGED[:-1])
    assert (report.changed, report.problems) == (5, ())
    assert [warning.reason for warning in report.warnings] == ["no line break behind it: is the file whole?"]


def test_json_cut_anywhere_is_refused() -> None:
    for cut in range(1, len(WHOLE_JSON.rstrip())):
        with pytest.raises(unfit.NotJson):
            JsonFile(WHOLE_JSON[:cut])


def test_every_reason_can_be_read_in_both_languages(desk: Desk) -> None:
    for name, files in (("items.csv", CSV_FILES), ("items.json", JSON_FILES)):
        for content, refusal, _ in files.values():
            with pytest.raises(refusal) as caught:
                desk.bring(content, name, dry_run=True)
            assert "{" not in caught.value.sentence("en") + caught.value.sentence("zh")


@pytest.mark.parametrize("encoding", ["gb18030", "GBK"])
def test_another_encoding_is_read_if_it_is_named(desk: Desk, encoding: str) -> None:
    assert desk.bring(CHANGED.decode().encode("gb18030"), encoding=encoding).added == 5
    assert desk.bring(CHANGED).version is None


def test_utf_8_is_not_misread_as_another_encoding(desk: Desk) -> None:
    with pytest.raises(unfit.NotThisEncoding, match="It is UTF-8: leave --encoding out"):
        desk.bring(CHANGED, encoding="gb18030")


def test_a_byte_order_mark_and_other_line_ends_are_no_harm(desk: Desk) -> None:
    assert desk.bring(b"\xef\xbb\xbf" + CHANGED.replace(b"\n", b"\r\n")).added == 5


def _directory(desk: Desk) -> Any:
    return desk.folder


def _missing(desk: Desk) -> Any:
    return desk.folder / "nothing.csv"


def _pipe(desk: Desk) -> Any:
    os.mkfifo(desk.folder / "pipe.csv")
    return desk.folder / "pipe.csv"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_directory, ("it is a directory", "这是一个目录")),
        (_missing, ("No such file", "没有这个文件")),
        (_pipe, ("it is no regular file", "不是普通文件")),
    ],
)
def test_what_is_no_file_is_refused(desk: Desk, make: Callable[[Desk], Any], reason: tuple[str, str]) -> None:
    with pytest.raises(unfit.NoSuchFile) as refused:
        desk.importing.run(Source.of(make(desk)))
    assert reason[0] in refused.value.sentence("en")
    assert reason[1] in refused.value.sentence("zh-Hans")


def test_a_file_that_is_too_large_is_not_even_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LARGEST_CSV", 100)
    monkeypatch.setattr(sources, "LARGEST_JSON", 50)
    with pytest.raises(unfit.TooLarge, match="at most 100 bytes"):
        desk.bring(CHANGED)
    with pytest.raises(unfit.TooLarge, match="at most 50 bytes of JSON"):
        desk.bring(b'{"format": "yichuang-catalogue/1", "items": [        ]}')


def test_a_file_with_too_many_rows_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_csv, "MOST_ROWS", 4)
    with pytest.raises(unfit.TooLarge, match="at most 4 rows"):
        desk.bring(CHANGED)


def test_rows_of_another_shape_are_wrong_and_nothing_is_retired_for_them(filled: Desk) -> None:
    strange = HEADER + b'a,b\n"x"y,1\n' + b"x" * 200_000 + b"\n" + csv_of(row("A1")).encode().partition(b"\n")[2]
    report = filled.bring(strange, missing="complete")
    assert [(problem.line, problem.reason) for problem in report.problems] == [
        (2, "2 cells, the header has 7"),
        (3, "not CSV: ',' expected after '\"'"),
        (4, "a cell is longer than 131,072 characters"),
    ]
    assert (report.version, report.unchanged, report.retired) == (None, 1, 0)
    assert report.warnings[0].reason.endswith("because a record tells neither its code nor its department")
