"""Every state, type and speaker has a name in both languages."""

import re

from kernel.contracts.case import FACTS
from kernel.contracts.lifecycle import Speaker, State
from kernel.contracts.texts import SPEAKER_TEXT, STATE_TEXT, TYPE_TEXT, listed


def test_whatever_has_a_code_has_a_name() -> None:
    assert set(STATE_TEXT) == set(State)
    assert set(TYPE_TEXT) == set(FACTS)
    assert set(SPEAKER_TEXT) == set(Speaker)


def test_names_are_of_their_language_and_told_apart() -> None:
    for table in (STATE_TEXT, TYPE_TEXT, SPEAKER_TEXT):
        pairs = list(table.values())  # type: ignore[attr-defined]
        assert not [zh for zh, _ in pairs if re.search(r"[A-Za-z_.]", zh)]
        assert not [en for _, en in pairs if not en.isascii()]
        assert len({zh for zh, _ in pairs}) == len({en for _, en in pairs}) == len(pairs)


def test_names_are_listed_as_each_language_does() -> None:
    pairs = [TYPE_TEXT["case.accepted"], TYPE_TEXT["case.rated"]]
    assert (listed(pairs, "zh-Hans"), listed(pairs, "en")) == ("受理、评价", "acceptance, rating")
