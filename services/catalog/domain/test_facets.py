"""Facets against the plain way to count: however items lie, a count is what one would be left with."""

import numpy as np
from hypothesis import given, strategies as st

from services.catalog.domain.facets import Facets, Value

VALUES = {"colour": ["red", "green", "blue"], "size": ["s", "m"]}
LISTED = {name: [Value(one, one, one) for one in values] for name, values in VALUES.items()}
PAIRS = [(name, value) for name, values in VALUES.items() for value in values]

items = st.lists(st.sets(st.sampled_from([*PAIRS, ("colour", "no colour")])), max_size=60)


@given(items, st.data())
def test_counts_are_those_of_the_rows_chosen(had: list[set[tuple[str, str]]], data: st.DataObject) -> None:
    facets = Facets(LISTED, had)
    rows = data.draw(st.lists(st.sampled_from(range(len(had))), unique=True)) if had else []
    counted = facets.counts(np.array(rows, dtype=np.int32))
    expected = {pair: sum(pair in had[row] for row in rows) for pair in PAIRS}
    assert {(name, value.value): count for name, values in counted.items() for value, count in values} == {
        pair: count for pair, count in expected.items() if count
    }
    assert list(counted) == list(VALUES)


@given(items, st.sampled_from(list(VALUES)), st.data())
def test_a_mask_holds_who_has_one_of_the_values(
    had: list[set[tuple[str, str]]], name: str, data: st.DataObject
) -> None:
    wanted = data.draw(st.sets(st.sampled_from(VALUES[name])))
    mask = Facets(LISTED, had).mask(name, wanted)
    assert mask.tolist() == [any((name, value) in each for value in wanted) for each in had]


@given(items)
def test_a_total_is_a_count_of_all(had: list[set[tuple[str, str]]]) -> None:
    facets = Facets(LISTED, had)
    assert {pair: facets.total(*pair) for pair in PAIRS} == {pair: sum(pair in each for each in had) for pair in PAIRS}


def test_values_are_shown_in_their_order() -> None:
    counted = Facets(LISTED, [{("colour", "blue")}, {("colour", "red")}]).counts(np.arange(2, dtype=np.int32))
    assert [value.value for value, _ in counted["colour"]] == ["red", "blue"]
