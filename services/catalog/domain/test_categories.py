"""Categories are named once, found by code and by name, and never by half of either."""

from collections import Counter

from services.catalog.domain.categories import BY_CODE, CATEGORIES, find


def test_all_categories_of_the_domain_are_there() -> None:
    counted = Counter((category.audience, category.kind) for category in CATEGORIES)
    assert counted == {
        ("individual", "theme"): 31,
        ("individual", "life_event"): 6,
        ("individual", "group"): 11,
        ("enterprise", "theme"): 31,
        ("enterprise", "activity"): 3,
        ("enterprise", "group"): 5,
    }


def test_a_code_is_ascii_and_used_once() -> None:
    assert len(BY_CODE) == len(CATEGORIES)
    assert all(code.isascii() and code == code.lower() for code in BY_CODE)


def test_a_name_is_used_once_by_an_audience() -> None:
    assert len({(category.audience, category.name) for category in CATEGORIES}) == len(CATEGORIES)
    assert all(category.name_en.isascii() for category in CATEGORIES)


def test_a_category_is_found_by_its_code() -> None:
    assert find("individual-household-registration") == [BY_CODE["individual-household-registration"]]


def test_a_name_that_both_audiences_use_is_found_twice_or_for_one_of_them() -> None:
    assert [category.audience for category in find("设立变更")] == ["individual", "enterprise"]
    assert [category.code for category in find("设立变更", audience="enterprise")] == [
        "enterprise-establishment-change"
    ]
    assert find("enterprise/设立变更") == find("设立变更", audience="enterprise")
    assert find("enterprise/设立变更", audience="individual") == []


def test_a_kind_narrows_the_search() -> None:
    assert [category.code for category in find("生育", kind="life_event")] == ["individual-event-childbirth"]
    assert find("生育", kind="theme") == []


def test_what_is_no_category_is_not_found() -> None:
    assert find("") == find("/") == find("户籍") == find("constructor") == find("个人/户籍办理") == []
