"""Which of several names that fit is meant, by example: each rule of the ranking over a few names that differ by it."""

from dataclasses import replace

import pytest

from services.catalog.domain.search import Entry, SearchIndex, analyse
from services.catalog.domain.search.concepts import NONE, Concept, Units, concepts
from services.catalog.domain.search.plan import Plan, plan
from services.catalog.domain.search.postings import Postings
from services.catalog.domain.search.query import Sense
from services.catalog.domain.search.vocabulary import vocabulary

THING = "设立歌舞娱乐场所《娱乐经营许可证》核发"
CHANGED = "歌舞娱乐场所变更登记"
CLOSED = "歌舞娱乐场所注销登记"
OTHER = "公司变更登记"
NAMES = [THING, CHANGED, CLOSED, OTHER, "公司注销登记", "户口登记", "护照签发"]


def _index(names: list[str]) -> SearchIndex:
    return SearchIndex([analyse(Entry(name)) for name in names], names)


def _found(names: list[str], query: str) -> list[str]:
    return [names[row] for row in _index(names).search(query).rows]


def _planned(names: list[str], chars: str, *concepts: Concept) -> Plan:
    words = ([analyse(Entry(name)).split("|")[1] for name in names], 1.0)
    spoken = ([analyse(Entry(name)).split("|")[2] for name in names], 1.0)
    sense = Sense(chars, chars, chars, (1.0,) * len(chars), concepts, ())
    return plan(sense, Postings([words], [spoken], len(names)), frozenset(words[0]))


def test_a_name_with_thing_and_action_comes_before_names_with_either() -> None:
    assert _found(NAMES, "歌舞娱乐场所注销")[0] == CLOSED
    assert _found(NAMES, "歌舞娱乐场所变更")[0] == CHANGED


def test_a_thing_alone_is_the_usual_matter() -> None:
    names = ["养蜂证补办", "养蜂证注销", "养蜂证查验", "养蜂证申领"]
    assert _found(names, "养蜂证")[0] == "养蜂证申领"


def test_a_whole_name_stands_for_less_where_something_else_is_to_be_done() -> None:
    whole = "歌舞厅设立"
    names = [whole, "歌舞厅变更"]
    concept = Concept(0, 2, "歌厅", (whole,), 1.0)
    alone, changing = _planned(names, "歌厅", concept), _planned(names, "歌厅变更", concept)
    assert changing.actions == ("变更",)
    assert changing.meant[0].terms[0].worth < alone.meant[0].terms[0].worth


def test_a_whole_name_that_holds_the_action_stands_for_all_of_it() -> None:
    whole = "歌舞厅变更"
    concept = Concept(0, 2, "歌厅", (whole,), 1.0)
    alone, changing = (_planned([whole], chars, concept) for chars in ("歌厅", "歌厅变更"))
    assert changing.meant[0].terms[0].worth == alone.meant[0].terms[0].worth


def test_everyday_words_for_an_action_are_an_action() -> None:
    concept = Concept(2, 4, "改名", ("变更", "更名"), 1.0)
    assert _planned(NAMES, "歌厅改名", concept).actions == ("变更", "更名")
    assert _planned(NAMES, "歌厅").actions == ()


def test_a_term_of_which_only_what_is_generic_was_found_hardly_counts() -> None:
    concept = Concept(0, 2, "化肥", ("肥料登记",), 1.0)
    (term,) = _planned(["失业登记", "就业登记"], "化肥", concept).meant[0].terms
    assert [pair for pair, _ in term.pairs] == ["登记"]
    assert term.telling == ()
    assert term.mass > sum(idf for _, idf in term.pairs)


def test_what_is_denied_is_not_what_was_asked_for() -> None:
    names = ["民族变更（未满十八岁）", "民族变更（满十八岁公民）"]
    assert _found(names, "满十八岁")[0] == names[1]
    assert _found(names, "未满十八岁")[0] == names[0]


@pytest.mark.parametrize(("letters", "trusted"), [("sfz", [0.75]), ("sfzbl", [0.45]), ("blsfz", [0.45]), ("bsfzl", [])])
def test_three_letters_are_less_of_a_phrase_within_more_letters(letters: str, trusted: list[float]) -> None:
    words = replace(vocabulary(), synonyms={"身份证": ("居民身份证",)}, by_initials={"sfz": ("身份证",)})
    run = Units(letters, NONE * len(letters), letters)
    assert [concept.trust for concept in concepts(run, words)] == pytest.approx(trusted)


def test_letters_that_may_be_several_phrases_find_what_each_stands_for() -> None:
    names = ["公司设立登记", "医疗机构执业审批", "护照签发"]
    assert set(_found(names, "yyzz")) == set(names[:2])  # 营业执照, 医院执照
    assert _found(names, "hzqf") == ["护照签发"]


def test_to_register_is_to_set_up() -> None:
    names = [*NAMES, "农民专业合作社注销登记", "农民专业合作社设立登记"]
    assert _found(names, "合作社注册")[0] == "农民专业合作社设立登记"
