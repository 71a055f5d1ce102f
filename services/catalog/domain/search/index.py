"""The search over a catalogue in memory: candidates by postings, one shared ranking, a cut where it stops fitting.

Pure and immutable: the same rows in the same order for the same entries, whatever database they were read from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sys import intern

import numpy as np
from numpy.typing import NDArray

from services.catalog.domain.search import weighing
from services.catalog.domain.search.analysis import ANALYSIS, normalise
from services.catalog.domain.search.estimate import estimate
from services.catalog.domain.search.fit import Fit, Fitting, Text, later_words
from services.catalog.domain.search.marking import places_in
from services.catalog.domain.search.plan import Plan, plan
from services.catalog.domain.search.postings import TEXT, Postings, SoundRuns
from services.catalog.domain.search.query import Sense, understand
from services.catalog.domain.search.readings import fold
from services.catalog.domain.search.spelling import respelt
from services.catalog.domain.search.vocabulary import vocabulary

_NAME, _EVERYDAY = 1.0, 1.0
_LONGEST_LITERAL = 40  # characters


@dataclass(frozen=True)
class Found:
    """rows: best first, only those that fit. did_you_mean: the query as it was probably meant, if it was misspelt."""

    rows: NDArray[np.int32]
    did_you_mean: str | None


class SearchIndex:
    """Row i is the i-th of `terms` (from `analyse`) and of `names`. Raises ValueError for terms of another analysis."""

    def __init__(self, terms: Iterable[str], names: Sequence[str]) -> None:
        self._names = names
        entries = [_parsed(stored) for stored in terms]
        rows = len(entries)
        self._entries = entries
        self._postings = Postings(
            words=[
                ([e[0] for e in entries], _NAME),
                ([e[2] for e in entries], _EVERYDAY),
                ([e[4] for e in entries], weighing.ABOUT),
            ],
            sounds=[([fold(e[1]) for e in entries], _NAME), ([fold(e[3]) for e in entries], _EVERYDAY)],
            rows=rows,
        )
        self._flat = TEXT.join(e[0] for e in entries)
        self._starts = np.cumsum([0, *(len(e[0]) + len(TEXT) for e in entries)])[:-1]
        self._whole = frozenset(e[0] for e in entries)
        self._runs = SoundRuns(f"{e[1]}/{e[3]}" for e in entries)
        self._char_weights = {char: self._postings.idf(char) for char in set().union(*(e[0] for e in entries))}
        self._prior = _prior([entry[0] for entry in entries])
        self._alphabetical = np.empty(rows, dtype=np.int32)
        self._alphabetical[sorted(range(rows), key=lambda row: (len(names[row]), names[row], row))] = np.arange(rows)

    def search(self, text: str, allowed: NDArray[np.bool_] | None = None) -> Found:
        """allowed: which rows may be found; bool, one per row."""
        best: dict[int, tuple[Fit, Sense]] = {}
        tail: list[int] = []
        for sense in understand(text):
            planned = plan(sense, self._postings, self._whole)
            close, rest = self._candidates(planned, allowed)
            tail += rest
            fitting = Fitting(planned, self._char_weights)
            for row in close:
                fit = self._fit(fitting, row)
                if row not in best or fit.score > best[row][0].score:
                    best[row] = fit, sense
        ranked = self._cut({row: fit for row, (fit, _) in best.items()}, tail)
        rows = np.array(list(dict.fromkeys([*ranked, *self._literal(text, allowed)])), dtype=np.int32)
        return Found(rows, self._meant(*best[ranked[0]]) if ranked else None)

    def _literal(self, text: str, allowed: NDArray[np.bool_] | None) -> list[int]:
        """The rows whose name holds the whole query as it stands: whatever fits better, they are found, too."""
        asked = normalise(text)
        if not 2 <= len(asked) <= _LONGEST_LITERAL or TEXT in asked:
            return []
        places = list(places_in(asked, self._flat))
        rows = np.unique(np.searchsorted(self._starts, places, side="right") - 1)
        if allowed is not None:
            rows = rows[allowed[rows]]
        return rows[np.argsort(self._alphabetical[rows])].tolist()  # type: ignore[no-any-return]

    def _meant(self, fit: Fit, sense: Sense) -> str | None:
        said = {sense.chars[place : place + 2] for place in range(len(sense) - 1)}
        known = said & vocabulary().pairs | {pair for pair in said if self._postings.count(pair)}
        return respelt(sense, fit.text, frozenset(known))

    def _fit(self, fitting: Fitting, row: int) -> Fit:
        """Of the name and the everyday names, the one that fits best."""
        name, spoken, everyday, everyday_spoken, about = self._entries[row]
        best = fitting.fit(Text(name, spoken, fold(spoken), about))
        if everyday:
            for text, said in zip(everyday.split(TEXT), everyday_spoken.split(TEXT), strict=True):
                best = max(best, fitting.fit(Text(text, said, fold(said), about)), key=lambda fit: fit.score)
        return best

    def _candidates(self, planned: Plan, allowed: NDArray[np.bool_] | None) -> tuple[list[int], list[int]]:
        """(rows to be looked at closely, others that are nearly as promising), the most promising first."""
        scores = estimate(planned, self._postings, self._runs) * self._prior
        if allowed is not None:
            scores[~allowed] = 0.0
        top = scores.max(initial=0.0)
        ranked = weighing.RANKED if len(planned.units) <= weighing.LONG else weighing.RANKED_IF_LONG
        rows = np.flatnonzero(scores > 0).astype(np.int32)
        if len(rows) > ranked:
            least = min(np.partition(scores[rows], -ranked)[-ranked], weighing.TAIL * top)
            rows = rows[scores[rows] >= least]
        rows = rows[np.lexsort((self._alphabetical[rows], -scores[rows]))]
        rows = rows[scores[rows] >= weighing.PROMISING * top]
        close, rest = rows[:ranked], rows[ranked:]
        return close.tolist(), rest[scores[rest] >= weighing.TAIL * top].tolist()

    def _cut(self, best: dict[int, Fit], tail: list[int]) -> list[int]:
        if not best:
            return []
        top = max(fit.score for fit in best.values())
        kept = [
            row
            for row, fit in best.items()
            if fit.asked >= weighing.LEAST_ASKED and fit.score >= weighing.LEAST_OF_BEST * top and top > 0
        ]
        kept.sort(key=lambda row: (-round(best[row].score, 4), self._alphabetical[row]))
        rest = [row for row in dict.fromkeys(tail) if row not in best] if kept else []
        return kept + rest


def _parsed(stored: str) -> tuple[str, str, str, str, str]:
    version, name, spoken, everyday, everyday_spoken, about = stored.split("|")
    if version != str(ANALYSIS):
        raise ValueError(f"terms of analysis {version}; this is {ANALYSIS}")
    return name, spoken, everyday, everyday_spoken, intern(about)  # many rows are about the same


def _prior(names: Sequence[str]) -> NDArray[np.float32]:
    """How likely a name is meant before anything is known of it but how long it is, and whether it is done later."""
    lengths = np.array([len(name) for name in names], dtype=np.float32)
    later = np.array([later_words().search(name) is not None for name in names], dtype=bool)
    return (
        np.where(later, 0.93, 1.0) / (1 + 0.25 * lengths / max(float(lengths.mean()), 1.0) if len(names) else 1)
    ).astype(np.float32)
