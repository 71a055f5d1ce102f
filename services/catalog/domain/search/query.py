"""What a query may mean: its characters, their sounds, which words are mere talk, what official terms others stand for.

Knows the language, not the catalogue: the same for every index, and for highlighting.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from services.catalog.domain.search import weighing
from services.catalog.domain.search.analysis import normalise
from services.catalog.domain.search.letters import ways
from services.catalog.domain.search.readings import fold, initials, sounds
from services.catalog.domain.search.vocabulary import Vocabulary, vocabulary

NONE = "\0"  # stands where a unit has no character (it was typed by sound) or no sound (only its first letter)
_LEAST_MISSPELT = 3  # characters; shorter phrases sound like too much else
_LONGEST_PHRASE = 10
_MOST_SENSES = 4
_LONGEST = 40  # units; who says more than that has said it by then
_PIECES = re.compile(r"[a-z]+|[^a-z ]+")


@dataclass(frozen=True)
class Concept:
    """A stretch of the query, and the official terms it stands for, the most typical first."""

    start: int
    end: int
    phrase: str
    terms: tuple[str, ...]
    trust: float
    misspelt: bool = False


@dataclass(frozen=True)
class Sense:
    """One way to read a query. The strings are as long as each other: a unit of the query at each place."""

    chars: str
    sounds: str
    letters: str
    weights: tuple[float, ...]
    concepts: tuple[Concept, ...]
    runs: tuple[tuple[int, int], ...]  # stretches that were typed as first letters, in part at least

    def __len__(self) -> int:
        return len(self.chars)


@dataclass(frozen=True)
class _Units:
    chars: str
    sounds: str
    letters: str
    runs: tuple[tuple[int, int], ...] = ()

    def __add__(self, other: "_Units") -> "_Units":
        moved = tuple((start + len(self.chars), end + len(self.chars)) for start, end in other.runs)
        runs = self.runs + moved
        if self.runs and moved and self.runs[-1][1] == moved[0][0]:
            runs = (*self.runs[:-1], (self.runs[-1][0], moved[0][1]), *moved[1:])
        return _Units(self.chars + other.chars, self.sounds + other.sounds, self.letters + other.letters, runs)

    def cut(self, length: int) -> "_Units":
        """The first so many."""
        runs = tuple((start, min(end, length)) for start, end in self.runs if start < length)
        return _Units(self.chars[:length], self.sounds[:length], self.letters[:length], runs)


def _written(piece: str) -> _Units:
    spoken = sounds(piece)
    return _Units(piece, spoken, initials(spoken))


def _typed(pieces: tuple[str, ...]) -> _Units:
    chars = "".join(piece if piece.isascii() else NONE for piece in pieces)
    spoken = "".join(NONE if piece.isascii() else piece for piece in pieces)
    runs = ((0, len(pieces)),) if any(piece.isascii() for piece in pieces) else ()
    return _Units(chars, spoken, initials("".join(pieces)), runs)


def _readings(piece: str) -> list[_Units]:
    """The ways to read one piece: Chinese as it is; letters as sounds, and as themselves if that may be meant."""
    if not piece[0].isascii() or not piece.isalpha():
        return [_written(piece)]
    typed = [_typed(way) for way in ways(piece)]
    if not typed or (len(piece) <= 4 and typed[0].runs):
        typed.append(_written(piece))
    return typed


@lru_cache(maxsize=256)
def understand(text: str) -> tuple[Sense, ...]:
    """The ways to read a query, at most four, the likeliest first; none if it says nothing."""
    pieces = _PIECES.findall(normalise(text))[:_LONGEST]
    senses = []
    for combination in product(*(_readings(piece)[: _MOST_SENSES if len(pieces) < 3 else 1] for piece in pieces)):
        units = _Units("", "", "")
        for part in combination:
            units = units + part
        senses.append(_sense(units.cut(_LONGEST)))
        if len(senses) == _MOST_SENSES:
            break
    return tuple(sense for sense in senses if len(sense))


def _sense(units: _Units) -> Sense:
    words = vocabulary()
    concepts = _concepts(units, words)
    weights = _weights(units, words, concepts)
    return Sense(units.chars, units.sounds, units.letters, weights, concepts, units.runs)


def _weights(units: _Units, words: Vocabulary, concepts: tuple[Concept, ...]) -> tuple[float, ...]:
    """1 for what carries the meaning, less for generic terms, next to nothing for mere talk."""
    weights = [1.0] * len(units.chars)
    for start, end in _found(units.chars, words.generic):
        weights[start:end] = [weighing.GENERIC] * (end - start)
    meant = {place for concept in concepts for place in range(concept.start, concept.end)}
    for start, end in _found(units.chars, words.fillers):
        for place in range(start, end):
            if place not in meant:
                weights[place] = weighing.FILLER
    return tuple(weights)


def _found(chars: str, phrases: frozenset[str]) -> list[tuple[int, int]]:
    """Where the phrases stand, the longest first at each place, without overlaps."""
    found, at = [], 0
    while at < len(chars):
        length = next((n for n in range(_LONGEST_PHRASE, 0, -1) if chars[at : at + n] in phrases), 0)
        if length:
            found.append((at, min(at + length, len(chars))))
        at += length or 1
    return found


def _concepts(units: _Units, words: Vocabulary) -> tuple[Concept, ...]:
    found: list[Concept] = []
    for length in range(min(_LONGEST_PHRASE, len(units.chars)), 0, -1):
        for start in range(len(units.chars) - length + 1):
            for phrase, trust, misspelt in _phrases(units, start, start + length, words):
                found.append(Concept(start, start + length, phrase, words.synonyms[phrase], trust, misspelt))
    return _disentangled(found)


def _phrases(units: _Units, start: int, end: int, words: Vocabulary) -> list[tuple[str, float, bool]]:
    """(phrase, trust, misspelt) of the everyday phrases that a stretch of the query may be."""
    chars, spoken = units.chars[start:end], units.sounds[start:end]
    if chars in words.synonyms:
        return [(chars, 1.0, False)]
    if NONE in spoken:
        least = 3 if spoken.count(NONE) == len(spoken) else 2
        heard = words.by_initials.get(units.letters[start:end], ()) if end - start >= least else ()
        return [(phrase, weighing.BY_INITIALS, False) for phrase in heard]
    if NONE in chars:
        return [(phrase, 1.0, False) for phrase in words.by_sound.get(fold(spoken), ()) if end - start > 1]
    if end - start < _LEAST_MISSPELT:
        return []
    heard = words.by_sound.get(fold(spoken), ()) or words.by_form.get(words.formed(chars), ())
    return [(phrase, weighing.MISSPELT, True) for phrase in heard if len(phrase) == end - start]


def _disentangled(found: list[Concept]) -> tuple[Concept, ...]:
    """The longest first: a phrase within a longer one counts for less; one that was only guessed must not cross it."""
    kept: list[Concept] = []
    for concept in found:
        longer = [c for c in kept if c.end - c.start > concept.end - concept.start]
        if concept.trust < 1.0 and any(c.start < concept.end and concept.start < c.end for c in longer):
            continue
        if any(c.start <= concept.start and concept.end <= c.end for c in longer):
            concept = replace(concept, trust=concept.trust * weighing.NESTED)
        kept.append(concept)
    return tuple(kept)


def lookalikes(pair: str) -> tuple[str, ...]:
    """The pairs in which one of the two characters is another that looks like it."""
    others = vocabulary().lookalikes
    first, second = pair[0], pair[1]
    return (*(other + second for other in others.get(first, "")), *(first + other for other in others.get(second, "")))
