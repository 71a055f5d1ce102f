"""What holds for every catalogue and every query."""

from html import escape

import numpy as np
from hypothesis import given, settings, strategies as st

from services.catalog.domain.search import Entry, SearchIndex, analyse, highlight

WORDS = "护照签发失业保险金申领户口登记注销身份证社会保障卡公司设立变更养老"
NAMES = st.lists(st.text(alphabet=WORDS, min_size=1, max_size=12), min_size=1, max_size=8, unique=True)
TYPED = st.text(alphabet=WORDS + "護照簽發今己已小孩上吗怎么办hzqfuaoien '\"*()%_;-😀\0", max_size=30)
QUERIES = TYPED | st.text(max_size=40) | st.text(alphabet=st.characters(), max_size=20)


def _index(names: list[str]) -> SearchIndex:
    return SearchIndex([analyse(Entry(name)) for name in names], names)


def _tagless(html: str) -> str:
    return html.replace("<em>", "").replace("</em>", "")


@settings(deadline=None)
@given(NAMES, QUERIES)
def test_any_query_is_answered_with_rows_of_the_catalogue_each_once(names: list[str], query: str) -> None:
    rows = _index(names).search(query).rows.tolist()
    assert len(set(rows)) == len(rows)
    assert set(rows) <= set(range(len(names)))


@settings(deadline=None)
@given(NAMES, QUERIES, st.randoms(use_true_random=False))
def test_the_order_is_that_of_the_names_not_of_their_rows(names: list[str], query: str, random: "object") -> None:
    shuffled = sorted(names, key=lambda _: random.random())  # type: ignore[attr-defined]
    as_given = [names[row] for row in _index(names).search(query).rows]
    assert [shuffled[row] for row in _index(shuffled).search(query).rows] == as_given


@settings(deadline=None)
@given(NAMES, QUERIES, st.data())
def test_only_allowed_rows_are_found(names: list[str], query: str, data: st.DataObject) -> None:
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names))))
    assert all(allowed[row] for row in _index(names).search(query, allowed).rows)


@settings(deadline=None)
@given(NAMES)
def test_a_name_finds_itself_first(names: list[str]) -> None:
    index = _index(names)
    assert all(names[index.search(name).rows[0]] == name for name in names if len(name) > 3)


@settings(deadline=None)
@given(st.text(max_size=40) | st.text(alphabet=WORDS + "<>&\"'护", max_size=20), QUERIES)
def test_without_its_tags_a_highlighted_name_is_the_name(name: str, query: str) -> None:
    assert _tagless(highlight(name, query)) == _tagless(escape(name))
