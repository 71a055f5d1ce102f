"""How well one text fits a plan. One function for all rows of all databases: this is where the ranking is made."""

import re
from dataclasses import dataclass

from services.catalog.domain.search.marking import NEAR
from services.catalog.domain.search.plan import SINGLE, Meant, Pair, Plan, Run, Term
from services.catalog.domain.search.vocabulary import vocabulary

ALIKE, SOUND, APART = 0.85, 0.75, 0.4
_PARTLY = 0.7


@dataclass(slots=True)
class Fit:
    """score: comparable between rows of one query.

    asked: share of the query that the text answers, told: share of the text that was asked for, both from 0 to 1.
    """

    score: float
    asked: float
    told: float
    text: str


class Fitting:
    """Fits one plan to texts, one after the other."""

    def __init__(self, plan: Plan, char_weights: dict[str, float]) -> None:
        self.plan = plan
        self._char_weights = char_weights
        self._runs = [(run, re.compile(run.pattern)) for run in plan.runs]
        self._later = vocabulary().later

    def fit(self, text: str, spoken: str, folded: str) -> Fit:
        """text: normalised; spoken, folded: its sounds, as long."""
        covered = [False] * len(text)
        gained = [0.0] * len(self.plan.units)  # by the pair or unit that starts at a place
        for pair in self.plan.pairs:
            gained[pair.place] += pair.weight * self._pair(pair, text, folded, covered)
        for unit in self.plan.units:
            if unit.char and unit.char in text:
                gained[unit.place] += SINGLE * unit.weight
                if unit.weight > 0.5:
                    covered[text.index(unit.char)] = True
            elif unit.sound and not unit.char and unit.sound in folded:
                gained[unit.place] += SINGLE * unit.weight * 0.6
        for run, pattern in self._runs:
            gained[run.start] += self._run(run, pattern, spoken, covered)
        literal = sum(gained)
        score, found = literal, literal
        for meant in self.plan.meant:
            surplus, met = self._meant(meant, text, gained, covered)
            score += surplus
            found += met
        asked = min(found / self.plan.total, 1.0) if self.plan.total else 0.0
        told = self._told(text, covered)
        return Fit(self._final(score, asked, told, text, covered), asked, told, text)

    def _pair(self, pair: Pair, text: str, folded: str, covered: list[bool]) -> float:
        if pair.exact and (at := text.find(pair.exact)) >= 0:
            covered[at] = covered[at + 1] = True
            return 1.0
        for alike in pair.alike:
            if (at := text.find(alike)) >= 0:
                covered[at] = covered[at + 1] = True
                return ALIKE
        if pair.sound and (at := folded.find(pair.sound)) >= 0:
            covered[at] = covered[at + 1] = True
            return 1.0 if pair.typed else SOUND
        if pair.exact:
            first = text.find(pair.exact[0])
            second = text.find(pair.exact[1], first + 1)
            if 0 <= first < second <= first + NEAR:
                covered[first] = covered[second] = True
                return APART
        return 0.0

    def _run(self, run: Run, pattern: re.Pattern[str], spoken: str, covered: list[bool]) -> float:
        found = pattern.search(spoken)
        if not found:
            return 0.0
        covered[found.start() : found.end()] = [True] * (found.end() - found.start())
        return run.weight

    def _meant(self, meant: Meant, text: str, gained: list[float], covered: list[bool]) -> tuple[float, float]:
        """What the concept adds over its own words, and the share of the query's weight that it answers."""
        best, chosen = 0.0, None
        for term in meant.terms:
            worth = _held(term, text)
            if worth > best:
                best, chosen = worth, term
        if chosen is None:
            return 0.0, 0.0
        _cover(chosen, text, covered)
        literal = sum(gained[meant.start : meant.end])
        asked = sum(p.weight for p in self.plan.pairs[meant.start : meant.end]) + SINGLE * sum(
            u.weight for u in self.plan.units[meant.start : meant.end]
        )
        return max(best - literal, 0.0), max(asked * best / chosen.worth - literal, 0.0)

    def _told(self, text: str, covered: list[bool]) -> float:
        weights = [self._char_weights.get(c, 1.0) for c in text]
        whole = sum(weights)
        return sum(w for w, c in zip(weights, covered, strict=True) if c) / whole if whole else 0.0

    def _final(self, score: float, asked: float, told: float, text: str, covered: list[bool]) -> float:
        score *= 0.65 + 0.35 * told
        for word in self._later:
            at = text.find(word)
            if at >= 0 and not (covered[at] and covered[at + 1]):
                return score * 0.85
        return score


def _held(term: Term, text: str) -> float:
    if term.text in text:
        return term.worth
    share = sum(idf for pair, idf in term.pairs if pair in text) / term.mass
    return term.worth * _PARTLY * share * share


def _cover(term: Term, text: str, covered: list[bool]) -> None:
    for pair, _ in term.pairs:
        at = text.find(pair)
        if at >= 0:
            covered[at : at + len(pair)] = [True] * len(pair)
