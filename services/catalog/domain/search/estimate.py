"""What every row of an index promises at first sight, by its postings alone: which rows are worth a close look."""

import numpy as np
from numpy.typing import NDArray

from services.catalog.domain.search import weighing
from services.catalog.domain.search.plan import Meant, Pair, Plan
from services.catalog.domain.search.postings import Postings, SoundRuns

Scores = NDArray[np.float32]


def estimate(plan: Plan, postings: Postings, runs: SoundRuns) -> Scores:
    """A score per row. Everyday words and the official terms that they stand for count once, whichever says more."""
    scores = _zeros(postings)
    outer = [meant for meant in plan.meant if not any(_within(meant, other) for other in plan.meant)]
    buffers = [(meant, _zeros(postings)) for meant in outer]
    for start, end, gram, worth in _literal(plan):
        rows, strength = postings.of(gram)
        into = next((buffer for meant, buffer in buffers if meant.start <= start and end <= meant.end), scores)
        into[rows] += strength * np.float32(worth)
    scratch = _zeros(postings)
    for meant, buffer in buffers:
        for concept in plan.meant:
            if concept is meant or _within(concept, meant):
                _raise(buffer, concept, postings, scratch)
        scores += buffer
    for run in plan.runs:
        scores[runs.rows(run.fitting)] += np.float32(run.weight)
    return scores


def _zeros(postings: Postings) -> Scores:
    return np.zeros(postings.rows, dtype=np.float32)


def _within(meant: Meant, other: Meant) -> bool:
    return other.start <= meant.start and meant.end <= other.end and other.end - other.start > meant.end - meant.start


def _literal(plan: Plan) -> list[tuple[int, int, str, float]]:
    """(start, end, gram, worth) of what the query says itself, or by sound or form."""
    grams = [(u.place, u.place + 1, u.char or u.sound, weighing.SINGLE * u.weight) for u in plan.units]
    for pair in plan.pairs:
        grams += [(pair.place, pair.place + 2, gram, pair.weight * share) for gram, share in _shares(pair)]
    return [gram for gram in grams if gram[2]]


def _shares(pair: Pair) -> list[tuple[str, float]]:
    """What holds the pair as it is holds its sound too."""
    if pair.typed:
        return [(pair.sound, 1.0)]
    alike = [(other, weighing.ALIKE) for other in pair.alike]
    return [(pair.exact, 1.0 - weighing.SOUND), (pair.sound, weighing.SOUND), *alike]


def _raise(buffer: Scores, meant: Meant, postings: Postings, scratch: Scores) -> None:
    """The best of the terms, where it says more than what the buffer has. scratch: zeros, before and after.

    Rows that hold only what is generic in a term are left as they are: they are many, and it says hardly anything.
    """
    for term in meant.terms:
        held = [(*postings.of(gram), np.float32(idf / term.mass)) for gram, idf in term.pairs]
        for rows, strength, share in held:
            scratch[rows] += strength * share
        telling = [rows for (gram, _), (rows, _, _) in zip(term.pairs, held, strict=True) if gram in term.telling]
        for rows in telling or [rows for rows, _, _ in held]:
            shares = scratch[rows]
            buffer[rows] = np.maximum(buffer[rows], shares * shares * np.float32(term.worth))
        for rows, _, _ in held:
            scratch[rows] = 0.0
