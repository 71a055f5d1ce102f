"""The query as it was probably meant: characters that sound or look like others, put right after the best name."""

from services.catalog.domain.search import weighing
from services.catalog.domain.search.concepts import NONE
from services.catalog.domain.search.fit import Text
from services.catalog.domain.search.query import Sense, lookalikes
from services.catalog.domain.search.readings import fold

_LEAST = 4  # characters of which one may be any other, if the rest stands in the name as it is


def respelt(sense: Sense, text: Text, heard_of: frozenset[str]) -> str | None:
    """The query with the characters of the text that fits best; None if it was spelt as names are, or typed by sound.

    heard_of: the pairs of the query that a name or an everyday phrase holds as they were typed; these are no mistakes.
    """
    if NONE in sense.chars:
        return None
    meant = list(sense.chars)
    for concept in sense.concepts:
        if concept.misspelt and len(concept) == len(concept.phrase):
            meant[concept.start : concept.end] = concept.phrase
    for place in _doubtful(sense, heard_of):
        for wrong, right in _righted(sense, place, text):
            meant[wrong] = right
    corrected = "".join(meant)
    if corrected == sense.chars:
        corrected = _one_off(sense.chars, text.chars, heard_of)
    return corrected if corrected != sense.chars else None


def _doubtful(sense: Sense, heard_of: frozenset[str]) -> list[int]:
    """Where a pair stands that no name holds, and that is neither talk nor an everyday phrase."""
    understood = {place for concept in sense.concepts for place in range(concept.start, concept.end)}
    return [
        place
        for place in range(len(sense) - 1)
        if sense.chars[place : place + 2] not in heard_of
        and understood.isdisjoint((place, place + 1))
        and min(sense.weights[place : place + 2]) > weighing.FILLER
    ]


def _heard(chars: str, place: int, heard_of: frozenset[str]) -> bool:
    """Whether a character stands as it does beside one of its neighbours elsewhere too."""
    return chars[place : place + 2] in heard_of or (place > 0 and chars[place - 1 : place + 1] in heard_of)


def _righted(sense: Sense, place: int, text: Text) -> list[tuple[int, str]]:
    """(place, character) if the text holds the pair but for one character, which looks or sounds alike."""
    pair = sense.chars[place : place + 2]
    at = next((text.chars.find(other) for other in lookalikes(pair) if other in text.chars), -1)
    if at < 0:
        at = text.folded.find(fold(sense.sounds[place : place + 2]))
    if at < 0:
        return []
    held = text.chars[at : at + 2]
    wrong = [offset for offset in (0, 1) if pair[offset] != held[offset]]
    return [(place + offset, held[offset]) for offset in wrong if len(wrong) == 1 and pair[offset] not in text.chars]


def _one_off(chars: str, name: str, heard_of: frozenset[str]) -> str:
    """The query with one character exchanged, if only that keeps it from standing in the name."""
    for place in range(len(chars) if len(chars) >= _LEAST else 0):
        if _heard(chars, place, heard_of):
            continue
        at = name.find(chars[place + 1 :]) - place - 1 if place < len(chars) // 2 else name.find(chars[:place])
        found = name[at : at + len(chars)] if at >= 0 else ""
        if found[:place] == chars[:place] and found[place + 1 :] == chars[place + 1 :] and len(found) == len(chars):
            return found
    return chars
