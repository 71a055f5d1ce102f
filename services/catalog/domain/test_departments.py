"""Which code a department has: one for each name and area, whatever its items were published with."""

from collections import Counter

import pytest

from services.catalog.domain.departments import Department, Departments, is_organ_code

GOOD, OTHER = "11440100000001003W", "11440100000002006D"
PLACE = ("区人社局", "511602000000")


def settled(*codes: str, known: tuple[Department, ...] = (), place: tuple[str, str] = PLACE) -> Department | None:
    departments = Departments(known)
    departments.settle({place: Counter(codes)})
    return departments.find(departments.of(place) or "")


@pytest.mark.parametrize(
    ("codes", "code", "others"),
    [
        (["bad", GOOD], GOOD, ("bad",)),
        ([OTHER, GOOD, GOOD], OTHER, (GOOD,)),
        (["x_1", "y", "y"], "y", ("x_1",)),
        (["1151130108778239R_6391"], "1151130108778239R", ("1151130108778239R_6391",)),
    ],
)
def test_the_first_code_that_can_be_one_else_the_most_frequent(codes: list[str], code: str, others: tuple[str]) -> None:
    assert settled(*codes) == Department(code, *PLACE[:1], area=PLACE[1], organ_codes=others)


def test_a_code_once_given_stays() -> None:
    known = Department("bad", PLACE[0], area=PLACE[1])
    assert settled(GOOD, known=(known,)) == Department("bad", PLACE[0], area=PLACE[1], organ_codes=(GOOD,))


def test_a_department_is_found_by_name_and_code_in_another_area() -> None:
    known = Department(GOOD, PLACE[0], area="440100")
    assert settled(GOOD, known=(known,)) == known
    assert settled(OTHER, known=(known,)) == Department(OTHER, PLACE[0], area=PLACE[1])


def test_two_departments_under_one_code_are_told_apart() -> None:
    known = Department(GOOD, "区委办")
    assert settled(GOOD, known=(known,)) == Department(f"{GOOD}-2", PLACE[0], area=PLACE[1], organ_codes=(GOOD,))


def test_what_json_says_changes_a_department_and_not_its_code() -> None:
    departments = Departments([Department("bad", "公安局", area="440100", organ_codes=("worse",))])
    departments.take(Department(GOOD, "公安局", "Police", "440100"))
    (changed,) = departments.changed()
    assert changed == Department("bad", "公安局", "Police", "440100", ("worse", GOOD))
    assert departments.find(GOOD) == changed
    assert departments.renamed() == set()


def test_a_name_that_is_another_department_s_is_refused() -> None:
    departments = Departments([Department(GOOD, "公安局"), Department(OTHER, "民政局")])
    with pytest.raises(ValueError, match=f"民政局 is department {OTHER} already"):
        departments.take(Department(GOOD, "民政局"))
    assert departments.changed() == []


@pytest.mark.parametrize(
    ("code", "right"),
    [(GOOD, True), ("TE440106001", True), ("00877868-5", False), ("11736", False), (f"{GOOD}_1", False), ("", False)],
)
def test_which_codes_organs_can_have(code: str, right: bool) -> None:
    assert is_organ_code(code) is right
