"""What a query may mean: its characters, their sounds, which words are mere talk, what official terms others stand for.

Knows the language, not the catalogue: the same for every index, and for highlighting.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from services.catalog.domain.search import weighing
from services.catalog.domain.search.analysis import normalise
from services.catalog.domain.search.concepts import NONE, Concept, Units, concepts, places_of
from services.catalog.domain.search.letters import ways
from services.catalog.domain.search.readings import initials, sounds
from services.catalog.domain.search.vocabulary import Vocabulary, vocabulary

_MOST_SENSES = 4
_LONGEST = 30  # units; who says more than that has said it by then
_PIECES = re.compile(r"[a-z]+|[^a-z ]+")


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


def _written(piece: str) -> Units:
    spoken = sounds(piece)
    return Units(piece, spoken, initials(spoken))


def _typed(pieces: tuple[str, ...]) -> Units:
    chars = "".join(piece if piece.isascii() else NONE for piece in pieces)
    spoken = "".join(NONE if piece.isascii() else piece for piece in pieces)
    runs = ((0, len(pieces)),) if any(piece.isascii() for piece in pieces) else ()
    return Units(chars, spoken, initials("".join(pieces)), runs)


def _readings(piece: str) -> list[Units]:
    """The ways to read one piece: Chinese as it is; letters as sounds, and as themselves if that may be meant."""
    if not piece[0].isascii() or not piece.isalpha():
        return [_written(piece)]
    typed = [_typed(way) for way in ways(piece)]
    if not typed or (len(piece) <= 4 and typed[0].runs):
        typed.append(_written(piece))
    return typed


@lru_cache(maxsize=256)
def understand(text: str) -> tuple[Sense, ...]:
    """The ways to read a query, at most four, the likeliest first; none if it says nothing, or nothing but talk."""
    pieces = _PIECES.findall(normalise(text))[:_LONGEST]
    senses = []
    for combination in product(*(_readings(piece)[: _MOST_SENSES if len(pieces) < 3 else 1] for piece in pieces)):
        units = Units("", "", "")
        for part in combination:
            units = units + part
        senses.append(_sense(units.cut(_LONGEST)))
        if len(senses) == _MOST_SENSES:
            break
    return tuple(sense for sense in senses if max(sense.weights, default=0.0) > weighing.FILLER)


def _sense(units: Units) -> Sense:
    words = vocabulary()
    understood = concepts(units, words)
    weights = _weights(units, words, understood)
    return Sense(units.chars, units.sounds, units.letters, weights, understood, units.runs)


def _weights(units: Units, words: Vocabulary, understood: tuple[Concept, ...]) -> tuple[float, ...]:
    """1 for what carries the meaning, less for generic terms, next to nothing for mere talk."""
    weights = [1.0] * len(units)
    for place in places_of(units.chars, words.generic):
        weights[place] = weighing.GENERIC
    talk = set(places_of(units.chars, words.fillers))
    for concept in understood:
        if len(concept.phrase) == len(concept):
            talk -= set(range(concept.start, concept.end))
    for place in talk:
        weights[place] = weighing.FILLER
    return tuple(weights)


def lookalikes(pair: str) -> tuple[str, ...]:
    """The pairs in which one of the two characters is another that looks like it."""
    others = vocabulary().lookalikes
    first, second = pair[0], pair[1]
    return (*(other + second for other in others.get(first, "")), *(first + other for other in others.get(second, "")))
