"""Names and queries in one form, how characters sound, and how letters are taken apart."""

import hashlib

import pytest
from hypothesis import given, strategies as st

from services.catalog.domain.search import ANALYSIS, Entry, SearchIndex, analyse, normalise
from services.catalog.domain.search.letters import ways
from services.catalog.domain.search.readings import fold, initials, readings, sounds


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("護照簽發", "护照签发"),
        ("ＫＴＶ（审批）", "ktv审批"),
        ("  hu  zhao、签发 ", "hu zhao签发"),
        ("《出生医学证明》首次签发", "出生医学证明首次签发"),
        ("😀!?", ""),
        ("\ud800护照", "护照"),
    ],
)
def test_names_and_queries_are_brought_to_one_form(text: str, normal: str) -> None:
    assert normalise(text) == normal


@given(st.text())
def test_what_is_normal_stays_as_it_is(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("text", "spelt"),
    [("护照签发", "hu zhao qian fa"), ("银行行长", "yin hang hang zhang"), ("绿", "lv"), ("A证", "A zheng")],
)
def test_characters_sound_as_their_phrase_has_it(text: str, spelt: str) -> None:
    names = {code: name for name, code in readings().codes.items()}
    assert " ".join(names.get(code, code) for code in sounds(text)) == spelt


def test_sounds_that_are_easily_confused_are_one() -> None:
    assert fold(sounds("证今")) == fold(sounds("赠京"))
    assert fold(sounds("护")) != fold(sounds("照"))


def test_first_letters() -> None:
    assert initials(sounds("护照签发")) == "hzqf"


@given(st.text())
def test_sounds_are_as_long_as_their_text(text: str) -> None:
    assert len(sounds(text)) == len(fold(sounds(text))) == len(initials(sounds(text))) == len(text)


def test_stored_terms_stay_readable_until_the_analysis_is_raised() -> None:
    """Syllables are stored by number. If this fails, raise ANALYSIS, so that stored terms are made again."""
    numbered = hashlib.sha256(" ".join(readings().names).encode()).hexdigest()
    assert (ANALYSIS, numbered[:16]) == (1, "a4f2b017d4c7a084")


def test_terms_of_another_analysis_are_refused() -> None:
    with pytest.raises(ValueError, match="analysis 0"):
        SearchIndex([analyse(Entry("护照签发")).replace(f"{ANALYSIS}|", "0|", 1)], ["护照签发"])


@pytest.mark.parametrize(
    ("run", "spelt"),
    [
        ("huzhaoqianfa", "hu zhao qian fa"),
        ("hzqf", "h z q f"),
        ("huzhaoqf", "hu zhao q f"),
        ("xian", "xian"),
        ("nvxing", "nv xing"),
        ("nuxing", "nu xing"),
    ],
)
def test_letters_are_taken_apart(run: str, spelt: str) -> None:
    names = {code: name for name, code in readings().codes.items()}
    assert spelt in [" ".join(names.get(piece, piece) for piece in way) for way in ways(run)]


def test_letters_that_start_no_syllable_are_left_alone() -> None:
    assert ways("vip") == ()
