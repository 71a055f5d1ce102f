"""Everyday phrases in a query: written out, by sound or initials, misspelt, or with small talk between their words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.catalog.domain.search import weighing
from services.catalog.domain.search.readings import fold, sounds
from services.catalog.domain.search.vocabulary import Vocabulary

NONE = "\0"  # stands where a unit has no character (it was typed by sound) or no sound (only its first letter)
_LONGEST = 10
_MOST = 12  # phrases that are understood of one query, the longest
_LEAST_MISSPELT = 3  # characters; shorter phrases sound like too much else
_LEAST_INITIALS = 3  # where nothing else of the phrase was typed
_COUNTED = re.compile(r"[一两几][个家间张本只条辆份台位套次种所块]|个")


@dataclass(frozen=True)
class Concept:
    """A stretch of the query, and the official terms it stands for, the most typical first."""

    start: int
    end: int
    phrase: str
    terms: tuple[str, ...]
    trust: float
    misspelt: bool = False

    def within(self, other: "Concept") -> bool:
        return other.start <= self.start and self.end <= other.end and len(other) > len(self)

    def crosses(self, other: "Concept") -> bool:
        return other.start < self.end and self.start < other.end

    def is_beside(self, other: "Concept") -> bool:
        """Another guess at the very same stretch."""
        return (self.start, self.end, self.trust) == (other.start, other.end, other.trust)

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Units:
    """A query unit by unit: strings as long as each other. runs: stretches typed as first letters, in part at least."""

    chars: str
    sounds: str
    letters: str
    runs: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.chars)

    def __add__(self, other: "Units") -> "Units":
        runs = [*self.runs, *((start + len(self), end + len(self)) for start, end in other.runs)]
        for place in range(len(runs) - 1, 0, -1):
            if runs[place - 1][1] == runs[place][0]:
                runs[place - 1 : place + 1] = [(runs[place - 1][0], runs[place][1])]
        return Units(self.chars + other.chars, self.sounds + other.sounds, self.letters + other.letters, tuple(runs))

    def cut(self, length: int) -> "Units":
        """The first so many."""
        runs = tuple((start, min(end, length)) for start, end in self.runs if start < length)
        return Units(self.chars[:length], self.sounds[:length], self.letters[:length], runs)

    def at(self, places: list[int]) -> "Units":
        """Only some; without runs."""
        chars, sounds, letters = ("".join(s[p] for p in places) for s in (self.chars, self.sounds, self.letters))
        return Units(chars, sounds, letters)


def places_of(chars: str, phrases: frozenset[str]) -> Iterator[int]:
    """Where any of the phrases stand, the longest first at each place, without overlaps."""
    at = 0
    while at < len(chars):
        length = next((n for n in range(_LONGEST, 0, -1) if chars[at : at + n] in phrases), 0)
        yield from range(at, min(at + length, len(chars)))
        at += length or 1


def concepts(units: Units, words: Vocabulary) -> tuple[Concept, ...]:
    """The longest first. Nothing is understood twice: of two that say the same and overlap one is left."""
    whole = list(range(len(units)))
    talk = {
        *places_of(units.chars, words.fillers),
        *(p for m in _COUNTED.finditer(units.chars) for p in range(*m.span())),
    }
    found = list(_spotted(units, whole, words))
    if talk:
        found += _spotted(units, [place for place in whole if place not in talk], words)
    return _disentangled(sorted(dict.fromkeys(found), key=lambda c: (-len(c.phrase), c.start, c.end, c.phrase)))


def _spotted(units: Units, places: list[int], words: Vocabulary) -> Iterator[Concept]:
    """Phrases in the units at some places of the query, taken as neighbours."""
    taken = units.at(places)
    for length in range(min(_LONGEST, len(places)), 0, -1):
        for start in range(len(places) - length + 1):
            for phrase, trust, misspelt in _phrases(taken, start, start + length, words):
                first, last = places[start], places[start + length - 1]
                yield Concept(first, last + 1, phrase, words.synonyms[phrase], trust, misspelt)


def _phrases(units: Units, start: int, end: int, words: Vocabulary) -> list[tuple[str, float, bool]]:
    """(phrase, trust, misspelt) of the everyday phrases that a stretch of the query may be."""
    chars, spoken = units.chars[start:end], units.sounds[start:end]
    if chars in words.synonyms:
        return [(chars, 1.0, False)]
    if NONE in spoken:
        trust = weighing.BY_INITIALS * _alone(units.sounds, start, end)
        return [(phrase, trust, False) for phrase in _abbreviated(units.letters[start:end], spoken, words) if trust]
    if NONE in chars:
        return [(phrase, 1.0, False) for phrase in words.by_sound.get(fold(spoken), ()) if end - start > 1]
    if end - start < _LEAST_MISSPELT:
        return []
    same = tuple(phrase for phrase in words.by_sound.get(fold(spoken), ()) if sounds(phrase) == spoken)
    heard = same or words.by_form.get(words.formed(chars), ())
    return [(phrase, weighing.MISSPELT, True) for phrase in heard if len(phrase) == end - start]


def _abbreviated(letters: str, spoken: str, words: Vocabulary) -> tuple[str, ...]:
    """Phrases by their first letters, if there are enough to mean one."""
    least = _LEAST_INITIALS if spoken.count(NONE) == len(spoken) else 2
    return words.by_initials.get(letters, ()) if len(letters) >= least else ()


def _alone(spoken: str, start: int, end: int) -> float:
    """How far three letters may be a phrase: by chance they are one at many places of a longer run of letters."""
    if spoken[start:end] != NONE * _LEAST_INITIALS:
        return 1.0
    beside = [NONE in spoken[:start][-1:], NONE in spoken[end : end + 1]]
    return 0.0 if all(beside) else weighing.IN_A_RUN if any(beside) else 1.0


def _disentangled(found: list[Concept]) -> tuple[Concept, ...]:
    """A phrase within a longer one counts for less; one that was only guessed must not cross a longer one.

    Of several that the same letters may be, each stays: yyzz is 营业执照 and 医院执照.
    """
    kept: list[Concept] = []
    for concept in found:
        crossed = [other for other in kept if concept.crosses(other)]
        guessed = concept.trust < 1.0 and not all(concept.is_beside(other) for other in crossed)
        if guessed or any(other.terms == concept.terms for other in crossed):
            continue
        if any(concept.within(other) for other in crossed):
            concept = replace(concept, trust=concept.trust * weighing.NESTED)
        kept.append(concept)
        if len(kept) == _MOST:
            break
    return tuple(kept)
