"""What of a name a query speaks of, marked for people to see; and the query as it was probably meant.

Needs no index: the same understanding of the query, held against one name.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape

from services.catalog.domain.search import weighing
from services.catalog.domain.search.analysis import normalise
from services.catalog.domain.search.concepts import NONE
from services.catalog.domain.search.query import Sense, lookalikes, understand
from services.catalog.domain.search.readings import fold, sounding_like, sounds, starting_with


def highlight(name: str, text: str) -> str:
    """The name as HTML, escaped; what the query found in it, also by sound or synonym, stands in <em>."""
    flat, spoken, places = _read(name)
    for sense in understand(text):
        marked = {places[at] for at in _marked(sense, flat, spoken)}
        if marked:
            return _tagged(name, marked)
    return escape(name)


@lru_cache(maxsize=10_000)
def _read(name: str) -> tuple[str, str, tuple[int, ...]]:
    """The name normalised, its sounds, and where in the name each of its characters comes from."""
    units = [_unit(char) for char in name]
    flat = "".join(units)
    return flat, sounds(flat), tuple(place for place, unit in enumerate(units) for _ in unit)


@lru_cache(maxsize=10_000)
def _unit(char: str) -> str:
    return normalise(char)


def _tagged(name: str, marked: set[int]) -> str:
    html, within = [], False
    for place, char in enumerate(name):
        if (place in marked) != within:
            within = not within
            html.append("<em>" if within else "</em>")
        html.append(escape(char))
    return "".join(html) + ("</em>" if within else "")


def _marked(sense: Sense, name: str, spoken: str) -> set[int]:
    found = {at for start, length in _stretches(sense, name, spoken) for at in range(start, start + length)}
    found |= {at for place in _telling(sense) for at in _apart(sense.chars[place : place + 2], name)}
    if found:
        return found
    meant = {char for char, weight in zip(sense.chars, sense.weights, strict=True) if weight > weighing.FILLER}
    return {at for at, char in enumerate(name) if char in meant}


def _telling(sense: Sense) -> list[int]:
    """Where pairs start that are not mere talk."""
    return [place for place in range(len(sense) - 1) if max(sense.weights[place : place + 2]) > weighing.FILLER]


def _stretches(sense: Sense, name: str, spoken: str) -> Iterator[tuple[int, int]]:
    """(start, length) of what was found as it stands, by sound or form, as a synonym, or by first letters."""
    folded, heard = fold(spoken), fold(sense.sounds)
    for place in _telling(sense):
        pair = sense.chars[place : place + 2]
        held = _places(pair, name) or [at for other in lookalikes(pair) for at in _places(other, name)]
        yield from ((at, 2) for at in held or _places(heard[place : place + 2], folded))
    for concept in sense.concepts:
        term = max((t for t in concept.terms if t in name), key=len, default="")
        yield from ((at, len(term)) for at in _places(term, name))
    for start, end in sense.runs:
        found = re.search(run_pattern(sense, start, end), spoken)
        if found:
            yield found.start(), end - start


def _places(part: str, whole: str) -> list[int]:
    return [] if not part or NONE in part else list(places_in(part, whole))


def places_in(part: str, whole: str) -> Iterator[int]:
    """Where `part` begins in `whole`, each place where it does."""
    at = whole.find(part)
    while at >= 0:
        yield at
        at = whole.find(part, at + 1)


def _apart(pair: str, name: str) -> tuple[int, ...]:
    first = name.find(pair[0])
    second = name.find(pair[1], first + 1)
    return (first, second) if 0 <= first < second <= first + weighing.NEAR else ()


def run_units(sense: Sense, start: int, end: int) -> tuple[str, ...]:
    """For each place of a run typed as letters the code points of the syllables that may be meant."""
    return tuple(
        starting_with(sense.letters[place]) if sense.sounds[place] == NONE else sounding_like(sense.sounds[place])
        for place in range(start, end)
    )


def run_pattern(sense: Sense, start: int, end: int) -> str:
    return "".join(f"[{re.escape(fitting)}]" for fitting in run_units(sense, start, end))
