"""How characters sound: a toneless pinyin syllable for each, written as one code point: sounds are searched like text.

Reads pypinyin's two tables as data: importing the library keeps 55 MB of phrases for good, of which 3,400 matter to us.
"""

import json
import re
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_FIRST = 0xE000  # of the private use area: no text that people write holds these
_HAN = range(0x4E00, 0xA000)
_LEGAL = re.compile(r"(?=.*[aeiouv])[a-z]+")
# What many speakers, and so their input methods, don't tell apart.
_ALIKE = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("l", "n"))
_NASALS = (("ing", "in"), ("eng", "en"))


def _table(name: str) -> Any:
    spec = find_spec("pypinyin")
    if spec is None or spec.origin is None:
        raise ImportError("pypinyin is not installed")
    return json.loads((Path(spec.origin).parent / name).read_text(encoding="utf-8"))


def _toneless(syllable: str) -> str:
    apart = unicodedata.normalize("NFD", syllable.replace("ü", "v"))
    return "".join(c for c in apart.translate({0x308: None}) if not unicodedata.combining(c))


@cache
def _plain(syllable: str) -> str:
    for toned in "ǖǘǚǜ":
        syllable = syllable.replace(toned, "v")
    return _toneless(syllable)


class Readings:
    """Every character's usual syllable, and the phrases in which a character has another."""

    def __init__(self) -> None:
        usual = {int(k): _plain(v.split(",")[0]) for k, v in _table("pinyin_dict.json").items() if int(k) in _HAN}
        usual = {k: v for k, v in usual.items() if _LEGAL.fullmatch(v)}
        self.names = tuple(sorted(set(usual.values())))
        self.codes = {name: chr(_FIRST + i) for i, name in enumerate(self.names)}
        self.usual = {k: self.codes[v] for k, v in usual.items()}
        self.phrases = self._unusual(_table("phrases_dict.json"))
        self.starts = frozenset(phrase[0] for phrase in self.phrases)
        self.longest = max(map(len, self.phrases))

    def _unusual(self, phrases: dict[str, list[list[str]]]) -> dict[str, str]:
        found = {}
        for phrase, syllables in phrases.items():
            plain = [_plain(choice[0]) for choice in syllables]
            if len(plain) != len(phrase) or any(name not in self.codes for name in plain):
                continue
            codes = "".join(self.codes[name] for name in plain)
            if codes != phrase.translate(self.usual):
                found[phrase] = codes
        return found


@cache
def readings() -> Readings:
    return Readings()


def sounds(text: str) -> str:
    """The text with each Chinese character as its syllable's code point; as long as the text, all else as it is."""
    table = readings()
    spoken = text.translate(table.usual)
    if table.starts.isdisjoint(text):
        return spoken
    at = 0
    while at < len(text):
        phrase = _phrase_at(table, text, at) if text[at] in table.starts else ""
        if phrase:
            spoken = spoken[:at] + table.phrases[phrase] + spoken[at + len(phrase) :]
        at += len(phrase) or 1
    return spoken


def _phrase_at(table: Readings, text: str, at: int) -> str:
    for length in range(min(table.longest, len(text) - at), 1, -1):
        if text[at : at + length] in table.phrases:
            return text[at : at + length]
    return ""


def _folded(name: str) -> str:
    for careful, careless in _ALIKE:
        if name.startswith(careful):
            name = careless + name[len(careful) :]
            break
    for careful, careless in _NASALS:
        if name.endswith(careful):
            return name[: -len(careful)] + careless
    return name


@cache
def _folding() -> dict[int, str]:
    """Each syllable's code point → the one that stands for all that sound alike."""
    standing: dict[str, str] = {}
    folding: dict[int, str] = {}
    for name, code in readings().codes.items():
        folding[ord(code)] = standing.setdefault(_folded(name), code)
    return folding


def fold(spoken: str) -> str:
    """sounds() with syllables that are easily taken for each other made one."""
    return spoken.translate(_folding())


@cache
def _first_letters() -> dict[int, str]:
    return {ord(code): name[0] for name, code in readings().codes.items()}


def initials(spoken: str) -> str:
    """sounds() as first letters: 护照 → hz."""
    return spoken.translate(_first_letters())


@cache
def starting_with(letter: str) -> str:
    """The code points of all syllables that start with a letter, and the letter itself."""
    return letter + "".join(code for name, code in readings().codes.items() if name[0] == letter)


@cache
def sounding_like(code: str) -> str:
    """The code points that fold to the same as this one."""
    same = fold(code)
    return "".join(chr(c) for c, folded in _folding().items() if folded == same) or code
