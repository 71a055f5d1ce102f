"""The search over a catalogue in memory: candidates by postings, one shared ranking, a cut where it stops fitting.

Pure and immutable: the same rows in the same order for the same entries, whatever database they were read from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.catalog.domain.search.analysis import ANALYSIS
from services.catalog.domain.search.fit import Fit, Fitting
from services.catalog.domain.search.marking import respelt
from services.catalog.domain.search.plan import SINGLE, Plan, plan
from services.catalog.domain.search.postings import Postings, SoundRuns
from services.catalog.domain.search.query import Sense, understand
from services.catalog.domain.search.readings import fold, sounds

_RANKED = 120  # candidates that are looked at closely
_NAME, _EVERYDAY, _ABOUT = 1.0, 1.0, 0.25
_LEAST_ASKED, _LEAST_OF_BEST = 0.2, 0.45
_TAIL = 0.6  # of the best candidate, for rows that were not looked at closely


@dataclass(frozen=True)
class Found:
    """rows: best first, only those that fit. did_you_mean: the query as it was probably meant, if it was misspelt."""

    rows: NDArray[np.int32]
    did_you_mean: str | None


class SearchIndex:
    """Row i is the i-th of `terms` (from `analyse`) and of `names`. Raises ValueError for terms of another analysis."""

    def __init__(self, terms: Iterable[str], names: Sequence[str]) -> None:
        self._names = names
        self._entries = [_parsed(stored) for stored in terms]
        entries = self._entries
        rows = len(entries)
        self._postings = Postings(
            [
                ([e[0] for e in entries], _NAME),
                ([fold(e[1]) for e in entries], _NAME),
                ([e[2] for e in entries], _EVERYDAY),
                ([fold(e[3]) for e in entries], _EVERYDAY),
                ([e[4] for e in entries], _ABOUT),
            ],
            rows,
        )
        self._runs = SoundRuns(f"{e[1]}/{e[3]}" for e in entries)
        self._char_weights = self._weigh()

    def _weigh(self) -> dict[str, float]:
        chars = set().union(*(e[0] for e in self._entries)) if self._entries else set()
        weights = {char: self._postings.idf(char) for char in chars}
        return weights

    def search(self, text: str, allowed: NDArray[np.bool_] | None = None) -> Found:
        """allowed: which rows may be found; bool, one per row."""
        best: dict[int, tuple[Fit, Sense]] = {}
        tail: list[int] = []
        for sense in understand(text):
            planned = plan(sense, self._postings)
            close, rest = self._candidates(planned, allowed)
            tail += rest
            fitting = Fitting(planned, self._char_weights)
            for row in close:
                fit = self._fit(fitting, row)
                if row not in best or fit.score > best[row][0].score:
                    best[row] = fit, sense
        rows = self._cut({row: fit for row, (fit, _) in best.items()}, tail)
        return Found(rows, self._meant(*best[int(rows[0])]) if len(rows) else None)

    def _meant(self, fit: Fit, sense: Sense) -> str | None:
        pairs = (sense.chars[place : place + 2] for place in range(len(sense) - 1))
        return respelt(
            sense, fit.text, sounds(fit.text), frozenset(pair for pair in pairs if self._postings.count(pair))
        )

    def _fit(self, fitting: Fitting, row: int) -> Fit:
        name, spoken, everyday, everyday_spoken, _ = self._entries[row]
        best = fitting.fit(name, spoken, fold(spoken))
        if everyday:
            for text, said in zip(everyday.split("/"), everyday_spoken.split("/"), strict=True):
                fit = fitting.fit(text, said, fold(said))
                if fit.score > best.score:
                    best = fit
        return best

    def _candidates(self, planned: Plan, allowed: NDArray[np.bool_] | None) -> tuple[list[int], list[int]]:
        scores = np.zeros(self._postings.rows, dtype=np.float32)
        for gram, weight in _grams(planned).items():
            rows, strength = self._postings.of(gram)
            scores[rows] += strength * np.float32(weight)
        for run in planned.runs:
            scores[self._runs.rows(run.fitting)] += np.float32(run.weight)
        if allowed is not None:
            scores[~allowed] = 0.0
        rows = np.flatnonzero(scores > 0).astype(np.int32)
        if len(rows) <= _RANKED:
            return rows.tolist(), []
        least = np.partition(scores[rows], -_RANKED)[-_RANKED]
        top = scores.max()
        close = rows[scores[rows] >= least][: 2 * _RANKED]
        rest = rows[(scores[rows] < least) & (scores[rows] >= _TAIL * top)]
        return close.tolist(), rest[np.argsort(-scores[rest], kind="stable")].tolist()

    def _cut(self, best: dict[int, Fit], tail: list[int]) -> NDArray[np.int32]:
        if not best:
            return np.empty(0, dtype=np.int32)
        top = max(fit.score for fit in best.values())
        kept = [
            row
            for row, fit in best.items()
            if fit.asked >= _LEAST_ASKED and fit.score >= _LEAST_OF_BEST * top and top > 0
        ]
        kept.sort(key=lambda row: (-round(best[row].score, 4), len(self._names[row]), self._names[row], row))
        rest = [row for row in dict.fromkeys(tail) if row not in best] if kept else []
        return np.array(kept + rest, dtype=np.int32)


def _parsed(stored: str) -> tuple[str, str, str, str, str]:
    version, name, spoken, everyday, everyday_spoken, about = stored.split("|")
    if version != str(ANALYSIS):
        raise ValueError(f"terms of analysis {version}; this is {ANALYSIS}")
    return name, spoken, everyday, everyday_spoken, about


def _grams(planned: Plan) -> dict[str, float]:
    """What to look up for candidates, with what each says at most."""
    grams: dict[str, float] = {}
    for unit in planned.units:
        gram = unit.char or unit.sound
        grams[gram] = max(grams.get(gram, 0.0), SINGLE * unit.weight)
    for pair in planned.pairs:
        sound = 1.0 if pair.typed else 0.5
        for gram, trust in ((pair.exact, 0.5), (pair.sound, sound), *((other, 0.7) for other in pair.alike)):
            grams[gram] = max(grams.get(gram, 0.0), trust * pair.weight)
    for meant in planned.meant:
        for term in meant.terms:
            for gram, idf in term.pairs:
                grams[gram] = max(grams.get(gram, 0.0), 0.8 * term.worth * idf / term.mass)
    grams.pop("", None)
    return grams
