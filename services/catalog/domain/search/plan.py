"""One sense of a query, weighed against one catalogue: what to look for in a text, and how much finding it says."""

from collections.abc import Container
from dataclasses import dataclass, replace
from math import log1p

from services.catalog.domain.search import weighing
from services.catalog.domain.search.concepts import NONE, Concept
from services.catalog.domain.search.marking import run_pattern, run_units
from services.catalog.domain.search.postings import Postings
from services.catalog.domain.search.query import Sense, lookalikes
from services.catalog.domain.search.readings import fold
from services.catalog.domain.search.vocabulary import vocabulary


@dataclass(frozen=True, slots=True)
class Unit:
    place: int
    char: str  # empty if typed by sound
    sound: str  # folded; empty if only the first letter is known
    weight: float
    known: bool  # held by some row
    telling: bool  # no mere talk: where a text holds it, it was asked for


@dataclass(frozen=True, slots=True)
class Pair:
    """Two neighbouring units and all the ways in which a text may hold them."""

    place: int
    exact: str
    alike: tuple[str, ...]
    sound: str
    typed: bool  # by sound, so that its sound is all there is
    weight: float
    known: bool  # held by some row


@dataclass(frozen=True, slots=True)
class Term:
    text: str
    pairs: tuple[tuple[str, float], ...]
    mass: float
    worth: float
    telling: tuple[str, ...]  # its pairs that are not generic


@dataclass(frozen=True, slots=True)
class Meant:
    """A concept: the stretch of the query, and what may stand for it."""

    start: int
    end: int
    terms: tuple[Term, ...]
    trust: float


@dataclass(frozen=True, slots=True)
class Run:
    """Units typed as first letters: found only as a whole stretch."""

    start: int
    end: int
    fitting: tuple[str, ...]
    pattern: str
    weight: float


@dataclass(frozen=True)
class Plan:
    sense: Sense
    units: tuple[Unit, ...]
    pairs: tuple[Pair, ...]
    meant: tuple[Meant, ...]
    runs: tuple[Run, ...]
    actions: tuple[str, ...]  # words for what the query wants done with what one has already; empty if it says nothing


def plan(sense: Sense, postings: Postings, names: Container[str]) -> Plan:
    """names: of all rows, normalised."""
    folded = fold(sense.sounds)
    units = tuple(_unit(sense, folded, place, postings) for place in range(len(sense)))
    neighbours = (_pair(sense, folded, place, postings, units) for place in range(len(sense) - 1))
    pairs = tuple(pair for pair in neighbours if pair is not None)
    runs = tuple(_run(sense, start, end) for start, end in sense.runs)
    meant = tuple(_meant(concept, units, pairs, postings) for concept in sense.concepts)
    actions = _actions(sense)
    meant = tuple(_acting(m, actions, names) for m in meant if m.terms)
    return Plan(sense, units, pairs, meant, runs, actions)


def _actions(sense: Sense) -> tuple[str, ...]:
    later = vocabulary().later
    asked = [word for word in later if word in sense.chars]
    return (*asked, *(term for concept in sense.concepts if concept.terms[0] in later for term in concept.terms))


def _acting(meant: Meant, actions: tuple[str, ...], names: Container[str]) -> Meant:
    """A whole name stands for the usual matter of a thing: less, where the query wants something else done with it."""
    if not actions:
        return meant
    terms = tuple(
        replace(term, worth=term.worth * weighing.DEFAULT)
        if term.text in names and not any(action in term.text for action in actions)
        else term
        for term in meant.terms
    )
    return replace(meant, terms=terms)


def _in_run(sense: Sense, place: int) -> bool:
    return any(start <= place < end for start, end in sense.runs)


def _unit(sense: Sense, folded: str, place: int, postings: Postings) -> Unit:
    char = sense.chars[place].replace(NONE, "")
    sound = folded[place].replace(NONE, "")
    if _in_run(sense, place) and not sound:
        return Unit(place, "", "", _unseen(postings), False, False)
    idf = (postings.idf(char) if char else 0.0) or (postings.idf(sound) if sound else 0.0)
    weight = sense.weights[place]
    return Unit(place, char, sound, (idf or _unseen(postings)) * weight, idf > 0, weight >= weighing.GENERIC)


def _unseen(postings: Postings) -> float:
    """What a character weighs that no text holds: something was asked for that is not there."""
    return weighing.UNSEEN * log1p((postings.rows + 0.5) / 1.5)


def _pair(sense: Sense, folded: str, place: int, postings: Postings, units: tuple[Unit, ...]) -> Pair | None:
    """None if no text can hold the two, or if they are mere talk."""
    chars, sound = sense.chars[place : place + 2], folded[place : place + 2]
    exact = "" if NONE in chars else chars
    spoken = "" if NONE in sound else sound
    alike = tuple(other for other in lookalikes(exact) if postings.count(other)) if exact else ()
    idf = next((idf for gram in (exact, *alike, spoken) if gram and (idf := postings.idf(gram))), 0.0)
    first, second = units[place], units[place + 1]
    if (
        not (idf or (exact and first.known and second.known))
        or max(sense.weights[place : place + 2]) <= weighing.FILLER
    ):
        return None
    weight = idf * min(sense.weights[place : place + 2]) or 0.5 * min(first.weight, second.weight)
    return Pair(place, exact, alike, spoken, not exact, weight, idf > 0)


def _run(sense: Sense, start: int, end: int) -> Run:
    letters = sense.sounds[start:end].count(NONE)
    return Run(start, end, run_units(sense, start, end), run_pattern(sense, start, end), weighing.RUN * letters)


def _meant(concept: Concept, units: tuple[Unit, ...], pairs: tuple[Pair, ...], postings: Postings) -> Meant:
    said = weighing.SINGLE * sum(u.weight for u in units[concept.start : concept.end] if u.known)
    said += sum(p.weight for p in pairs if p.known and concept.start <= p.place < concept.end - 1)
    terms = [_term(text, rank, said, postings) for rank, text in enumerate(concept.terms)]
    weighed = (replace(term, worth=term.worth * concept.trust) for term in terms if term.mass)
    return Meant(concept.start, concept.end, tuple(weighed), concept.trust)


def _term(text: str, rank: int, said: float, postings: Postings) -> Term:
    pairs, absent = postings.weighed(text)
    held = sum(idf for _, idf in pairs)
    grams = max(len(text) - 1, 1)
    worth = max(weighing.SAID * said, held / grams * (1 + weighing.LENGTH * min(grams - 1, weighing.LONGEST)))
    worth *= max(1.0 - weighing.RANK * rank, weighing.LEAST_RANK)
    generic = vocabulary().generic
    telling = tuple(pair for pair, _ in pairs if pair not in generic)
    return Term(text, pairs, held and held + weighing.ABSENT * absent, worth, telling)
