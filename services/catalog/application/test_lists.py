"""Lists and searches over a catalogue in memory: what fits, in which order, what can be narrowed, and bad questions."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from kernel.clock import FrozenClock
from kernel.contracts import catalog as contract
from kernel.errors import InvalidInput
from services.catalog.application.lists import Lists
from services.catalog.application.searching import Searching
from services.catalog.domain import categories
from services.catalog.domain.snapshot import KINDS, Snapshot
from services.catalog.testing import LABOUR, POLICE, hall, listed, snapshot

RESIDENCE = listed("r", "签注居住证", categories=["individual-certificates", "individual-migrants"])
PASSPORT = listed("p", "普通护照签发", categories=["individual-exit-entry"], bookable=True)
BENEFIT = listed("b", "失业保险金申领", LABOUR, categories=["individual-social-security"])
INSURED = listed(
    "i",
    "单位参保登记",
    LABOUR,
    audience=["enterprise"],
    online=False,
    categories=["enterprise-social-security", "enterprise-activity-opening"],
)
CATALOGUE = snapshot(
    BENEFIT,
    RESIDENCE,
    INSURED,
    PASSPORT,
    halls=[hall("tianhe", "天河区政务服务中心"), hall("panyu", "番禺区政务服务中心")],
)


class Filed:
    """Filings as they were counted."""

    def __init__(self, filed: dict[str, int]) -> None:
        self.filed = filed
        self.asked: date | None = None

    def since(self, day: date) -> dict[str, int]:
        self.asked = day
        return self.filed


def lists(of: Snapshot = CATALOGUE, filed: dict[str, int] | None = None) -> Lists:
    return Lists(lambda: of, Filed(filed or {}), FrozenClock("2026-02-09T00:30+08:00"))


def items(of: Snapshot = CATALOGUE, **request: Any) -> dict[str, Any]:
    found = lists(of).items(contract.ItemsAsked().load(request))
    assert contract.ItemPage().validate(found) == {}
    return found


def codes(**request: Any) -> list[str]:
    return [item["code"] for item in items(**request)["items"]]


def search(q: str, **request: Any) -> dict[str, Any]:
    found = Searching(lambda: CATALOGUE).search(contract.SearchAsked().load({"q": q, **request}))
    assert contract.SearchPage().validate(found) == {}
    return found


def test_items_come_by_department_and_name() -> None:
    assert codes() == ["p", "r", "i", "b"]


def test_pages_hold_each_item_once_and_behind_the_end_there_is_nothing() -> None:
    assert [codes(page=page, page_size=3) for page in (1, 2, 3)] == [["p", "r", "i"], ["b"], []]
    beyond = items(page=1_000_000, page_size=100)
    assert (beyond["items"], beyond["total"], beyond["page"], beyond["page_size"]) == ([], 4, 1_000_000, 100)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"audience": "enterprise"}, ["i"]),
        ({"online": True}, ["p", "r", "b"]),
        ({"online": False}, ["i"]),
        ({"bookable": True}, ["p"]),
        ({"theme": "社会保障"}, ["i", "b"]),
        ({"theme": "社會保障"}, ["i", "b"]),
        ({"theme": "社会保障", "audience": "individual"}, ["b"]),
        ({"theme": "individual-social-security"}, ["b"]),
        ({"theme": "individual-social-security", "audience": "enterprise"}, []),
        ({"group": "流动人口"}, ["r"]),
        ({"activity": "开办"}, ["i"]),
        ({"life_event": "生育"}, []),
        ({"department": POLICE.code}, ["p", "r"]),
        ({"department": "P-2"}, ["p", "r"]),
        ({"department": "人力資源和社會保障局"}, ["i", "b"]),
        ({"department": "公安局", "bookable": True, "theme": "出境入境"}, ["p"]),
    ],
)
def test_filters_hold_together(filters: dict[str, Any], expected: list[str]) -> None:
    assert codes(**filters) == expected


@pytest.mark.parametrize(
    "filters", [{"theme": "没有这个"}, {"department": "x"}, {"group": "社会保障", "activity": "?"}]
)
def test_a_filter_that_names_nothing_is_refused_by_name(filters: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        items(**filters)
    assert [(error["field"], error["message"]) for error in refused.value.errors] == [
        (name, contract.NO_SUCH_VALUE) for name in contract.Facets().fields if name in filters
    ]


def test_a_blank_query_asks_for_all() -> None:
    assert codes(q="  ") == codes()
    assert "highlight" not in items(q=" ")["items"][0]


def test_with_a_query_the_best_comes_first_with_its_highlight() -> None:
    found = items(q="居住证")
    assert found["items"][0]["code"] == "r"
    assert "<em>" in found["items"][0]["highlight"]
    assert codes(q="居住证", bookable=True) == []


@pytest.mark.parametrize("text", ["😀😀", "!!!", "％％"])
def test_what_holds_nothing_to_search_for_finds_nothing(text: str) -> None:
    found = search(text)
    assert (found["items"], found["total"], found["departments"], found["halls"]) == ([], 0, [], [])
    assert items(q=text)["total"] == 0


@pytest.mark.parametrize("text", ["", "   ", "\u3000"])
def test_a_search_for_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        search(text)
    assert refused.value.errors == [{"field": "q", "message": contract.NOTHING_ASKED}]


@pytest.mark.parametrize("text", ["' OR 1=1 --", 'NEAR("a" b)', "a* AND (b", "x" * contract.LONGEST_QUERY, "\x00"])
def test_syntax_of_other_languages_is_text(text: str) -> None:
    assert search(text)["page"] == 1


def test_a_search_shows_departments_and_halls_that_fit() -> None:
    found = search("公安局")
    assert [department["name"] for department in found["departments"]] == ["公安局"]
    assert found["departments"][0]["items"] == 2
    assert search("番禺区政务服务中心")["halls"][0]["id"] == "panyu"


def test_the_name_of_a_department_finds_its_items() -> None:
    of = snapshot(PASSPORT, BENEFIT)
    for q in ("公安局", "公安局 "):
        assert [item["code"] for item in items(of, q=q)["items"]] == ["p"]
    assert items(of, q="公安局", bookable="false")["total"] == 0


def test_english_names_are_found_in_english() -> None:
    of = snapshot(listed("p", "护照签发", POLICE, name_en="Issue of a passport"), BENEFIT)
    assert [item["code"] for item in items(of, q="Passports")["items"]] == ["p"]


def test_the_code_of_an_item_finds_that_item_alone() -> None:
    code = "11440100000001003W4000720012001"
    of = snapshot(BENEFIT, listed(code, "无犯罪记录证明", POLICE, online=False), PASSPORT)
    for q in (code, f" {code} "):
        found = items(of, q=q)
        assert ([item["code"] for item in found["items"]], found["total"]) == ([code], 1)
    assert items(of, q=code, online="true")["total"] == 0


def test_hot_items_are_those_filed_most_and_still_offered() -> None:
    asked = lists(filed={"b": 3, "r": 7, "p": 3, "retired": 99})
    hot = asked.hot_items(contract.HotAsked().load({"page_size": 2}))
    assert contract.HotPage().validate(hot) == {}
    assert [(item["code"], item["filed"]) for item in hot["items"]] == [("r", 7), ("p", 3)]
    assert hot["total"] == 3


def test_a_day_of_hot_items_is_one_of_the_hall() -> None:
    filed = Filed({})
    # Half an hour into the ninth in China, and still the eighth in Greenwich.
    Lists(lambda: CATALOGUE, filed, FrozenClock("2026-02-08T16:30+00:00")).hot_items({"page_size": 1})
    assert filed.asked == date(2026, 2, 9) - timedelta(days=29)


CODES = [category.code for category in categories.CATEGORIES]
generated = st.lists(
    st.fixed_dictionaries(
        {
            "department": st.sampled_from([POLICE, LABOUR]),
            "audience": st.lists(st.sampled_from(["individual", "enterprise"]), unique=True),
            "online": st.booleans(),
            "bookable": st.booleans(),
            "categories": st.lists(st.sampled_from(CODES[:3] + CODES[31:34] + CODES[-9:]), max_size=4, unique=True),
        }
    ),
    max_size=12,
)
asked = st.fixed_dictionaries(
    {},
    optional={
        "audience": st.sampled_from(["individual", "enterprise"]),
        "online": st.booleans(),
        "bookable": st.booleans(),
        "department": st.sampled_from(["公安局", LABOUR.code]),
        "q": st.sampled_from(["登记", "居住证"]),
    },
)


@settings(max_examples=60, deadline=None)
@given(generated, asked)
def test_a_count_is_the_total_of_the_list_narrowed_by_it(made: list[dict[str, Any]], filters: dict[str, Any]) -> None:
    names = ("居住证登记", "婚姻登记", "护照")
    of = snapshot(*(listed(str(at), f"{names[at % 3]}{at}", **members) for at, members in enumerate(made)))
    present = items(of, **filters)
    for name, values in present["facets"].items():
        for value in values:
            assert items(of, **{**filters, name: value["value"]})["total"] == value["count"], (name, value)
    either = items(of, **{name: value for name, value in filters.items() if name != "online"})
    assert sum(value["count"] for value in present["facets"]["online"]) == either["total"]
    assert set(KINDS) <= set(present["facets"])
