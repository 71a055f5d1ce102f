"""What an import retires, as a table: the catalogue, what the file holds of it, and what is gone then."""

from typing import NamedTuple

import pytest

from services.catalog.domain.retiring import Missing, Spoken, retiring, retiring_halls


class Item(NamedTuple):
    department: str
    sample: bool = False


def offered(**departments: int) -> dict[str, Item]:
    """So many items of each department: p1, p2, …; those of `demo` are samples."""
    return {
        f"{name}{number}": Item(name, sample=name == "demo")
        for name, count in departments.items()
        for number in range(1, count + 1)
    }


def samples(*codes: str) -> Spoken:
    """A file that holds these samples, of the department `demo`, and nothing else."""
    return Spoken(set(codes), {"demo"}, {True})


def spoken(*codes: str, departments: str = "", unreadable: str = "") -> Spoken:
    return Spoken(set(codes), set(departments.split()), {False}, set(unreadable.split()))


def some(name: str, first: int, last: int) -> list[str]:
    return [f"{name}{number}" for number in range(first, last + 1)]


@pytest.mark.parametrize(
    ("case", "catalogue", "file", "missing", "gone"),
    [
        ("all there", offered(p=3), spoken(*some("p", 1, 3), departments="p"), "auto", []),
        ("one is missing", offered(p=3), spoken(*some("p", 1, 2), departments="p"), "auto", ["p3"]),
        ("twenty of forty", offered(p=40), spoken(*some("p", 21, 40), departments="p"), "auto", some("p", 1, 20)),
        ("21 of 42: cut?", offered(p=42), spoken(*some("p", 22, 42), departments="p"), "auto", []),
        ("one of two", offered(p=2), spoken("p1", departments="p"), "auto", ["p2"]),
        ("two of three: a part?", offered(p=3), spoken("p1", departments="p"), "auto", []),
        ("all are others now", offered(p=2), spoken("x", departments="p"), "auto", []),
        ("a quarter of 100", offered(p=100), spoken(*some("p", 26, 100), departments="p"), "auto", some("p", 1, 25)),
        ("more than a quarter", offered(p=100), spoken(*some("p", 27, 100), departments="p"), "auto", []),
        ("it lost its only item", offered(p=3, q=1), spoken(*some("p", 1, 3), departments="p"), "auto", ["q1"]),
        ("a part: not q's", offered(p=3, q=3), spoken(*some("p", 1, 3), departments="p"), "auto", []),
        ("a part, and one is gone", offered(p=3, q=3), spoken("p1", "p2", departments="p"), "auto", ["p3"]),
        ("samples stay", offered(p=3, demo=1), spoken(*some("p", 1, 3), departments="p"), "auto", []),
        ("even in its department", offered(demo=2), spoken("x", departments="demo"), "auto", []),
        ("samples say nothing of others", offered(p=1, demo=2), samples("demo1"), "auto", ["demo2"]),
        ("complete", offered(p=30, q=9), spoken("p1", departments="p"), "complete", some("p", 2, 30) + some("q", 1, 9)),
        ("complete, but samples", offered(p=2, demo=2), spoken("p1", departments="p"), "complete", ["p2"]),
        ("complete with samples", offered(p=1, demo=2), samples("demo1"), "complete", ["demo2", "p1"]),
        ("nothing in it is right", offered(p=3), Spoken({"x"}, {"p"}), "complete", []),
        ("keep", offered(p=3), spoken("p1", departments="p"), "keep", []),
        ("unreadable", offered(p=3, q=2), spoken("p1", "q1", departments="p q", unreadable="p"), "auto", ["q2"]),
        ("and complete", offered(p=3, q=2), spoken("p1", "q1", departments="p q", unreadable="p"), "complete", ["q2"]),
    ],
)  # fmt: skip
def test_what_is_retired(
    case: str, catalogue: dict[str, Item], file: Spoken, missing: Missing, gone: list[str]
) -> None:
    assert retiring(catalogue, file, missing).codes == tuple(sorted(gone)), case


def test_what_was_left_alone_is_said() -> None:
    part = retiring(offered(p=3, q=30, r=1), spoken(*some("p", 1, 3), departments="p"))
    assert part.warnings == (
        "31 items of 2 departments are not in this file; nothing of them was retired; --complete retires them",
    )
    unreadable = retiring(offered(p=2), spoken("p1", departments="p", unreadable="p"))
    assert unreadable.warnings == (
        "1 item of 1 department is not in this file; nothing of them was retired,"
        " because records of these departments can't be read",
    )


def test_a_record_of_which_nothing_can_be_read_retires_nothing_at_all() -> None:
    file = spoken("p1", departments="p")
    file.unreadable_anywhere = True
    for missing in ("auto", "complete"):
        found = retiring(offered(p=2, q=1), file, missing)  # type: ignore[arg-type]
        assert (found.codes, len(found.warnings)) == ((), 1)


REAL, SAMPLE = (False, "440100"), (True, "440100")


@pytest.mark.parametrize(
    ("catalogue", "file", "missing", "gone"),
    [
        ({"a": REAL, "b": REAL}, {"a": REAL}, "auto", ("b",)),
        ({"a": REAL, "b": (False, "440104")}, {"a": REAL}, "auto", ("b",)),
        ({"a": REAL, "b": (False, "510100")}, {"a": REAL}, "auto", ()),
        ({"a": REAL, "b": SAMPLE}, {"a": REAL}, "auto", ()),
        ({"a": REAL, "b": SAMPLE}, {"a": REAL}, "complete", ()),
        ({"a": SAMPLE, "b": SAMPLE}, {"a": SAMPLE}, "auto", ("b",)),
        ({"a": REAL, "b": (False, "510100")}, {"a": REAL}, "complete", ("b",)),
        ({"a": REAL}, {}, "complete", ()),
        ({"a": REAL, "b": REAL}, {"a": REAL}, "keep", ()),
    ],
)
def test_halls_are_retired_with_their_city(
    catalogue: dict[str, tuple[bool, str]], file: dict[str, tuple[bool, str]], missing: Missing, gone: tuple[str, ...]
) -> None:
    assert retiring_halls(catalogue, file, missing) == gone
