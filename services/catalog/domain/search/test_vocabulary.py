"""The tables of words: how they are read, what is refused, and that those we ship are sound."""

import pytest

from services.catalog.domain.search.vocabulary import TableError, read_groups, read_phrases, read_synonyms, vocabulary


def test_synonyms_are_read_for_each_everyday_phrase() -> None:
    table = "# talk\n\n上戶口, 落户 = 户口登记, 出生登记  # both\n"
    assert read_synonyms(("t", table)) == {
        "上户口": ("户口登记", "出生登记"),
        "落户": ("户口登记", "出生登记"),
    }


@pytest.mark.parametrize(
    "line",
    ["上户口", "上户口 =", "= 户口登记", "上户口 = 户口, ,", "a = b = c", "上户口, 上户口 = 户口登记", "！ = 户口"],
)
def test_a_line_of_synonyms_that_says_nothing_or_twice_is_refused(line: str) -> None:
    with pytest.raises(TableError, match="t, line 2"):
        read_synonyms(("t", f"# first\n{line}\n"))


def test_a_phrase_is_explained_in_one_table_only() -> None:
    with pytest.raises(TableError, match="t2, line 1"):
        read_synonyms(("t1", "落户 = 户口登记"), ("t2", "落户 = 出生登记"))


def test_phrases_are_one_per_line() -> None:
    assert read_phrases("t", "怎么办\n# talk\n請問\n") == {"怎么办", "请问"}


@pytest.mark.parametrize("line", ["怎么办", "怎么, 请问", "！！"])
def test_a_phrase_twice_or_two_in_a_line_are_refused(line: str) -> None:
    with pytest.raises(TableError, match="t, line 2"):
        read_phrases("t", f"怎么办\n{line}")


def test_characters_that_look_alike_stand_for_each_other() -> None:
    assert read_groups("t", "己已巳\n巳 色\n") == {"己": "已巳", "已": "己巳", "巳": "己已色", "色": "巳"}


def test_a_group_of_one_is_refused() -> None:
    with pytest.raises(TableError, match="t, line 1"):
        read_groups("t", "己己")


def test_our_own_tables_can_be_read() -> None:
    words = vocabulary()
    assert len(words.synonyms) > 1000
    assert words.fillers
    assert words.generic
    assert words.later
    assert "已" in words.lookalikes["己"]
