"""How well one text fits a plan. One function for all rows of all databases: this is where the ranking is made."""

import re
from dataclasses import dataclass
from functools import cache

from services.catalog.domain.search import weighing
from services.catalog.domain.search.plan import Meant, Pair, Plan, Run, Term
from services.catalog.domain.search.vocabulary import vocabulary


@dataclass(frozen=True, slots=True)
class Text:
    """A normalised name or everyday name, its sounds, and its sounds folded; all as long; and what it is about."""

    chars: str
    sounds: str
    folded: str
    about: str


@dataclass(frozen=True, slots=True)
class Fit:
    """score: comparable between rows of one query. asked: share of the query that the text answers, from 0 to 1."""

    score: float
    asked: float
    text: Text


_NEGATIONS = re.compile("[未非]")


@cache
def later_words() -> re.Pattern[str]:
    return _any_of(vocabulary().later)


@cache
def usual_words() -> re.Pattern[str]:
    return _any_of(vocabulary().usual)


def _any_of(words: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, words), key=lambda word: (-len(word), word))))


class Fitting:
    """Fits one plan to texts, one after the other."""

    def __init__(self, plan: Plan, char_weights: dict[str, float]) -> None:
        self.plan = plan
        self._char_weights = char_weights
        self._runs = [(run, re.compile(run.pattern)) for run in plan.runs]

    def fit(self, text: Text) -> Fit:
        seen = _Seen(self.plan, text)
        for pair in self.plan.pairs:
            seen.pair(pair)
        for run, pattern in self._runs:
            seen.run(run, pattern)
        seen.units()
        for meant in self.plan.meant:
            seen.concept(meant)
        if text.about:
            seen.about()
        asked = seen.asked()
        return Fit(sum(seen.gained) * self._factor(seen, asked), asked, text)

    def _factor(self, seen: "_Seen", asked: float) -> float:
        told = self._told(seen)
        factor = (1 - weighing.TOLD * (1 - told)) * (1 - weighing.ASKED * (1 - asked))
        if self.plan.sense.chars == seen.text.chars:
            factor *= weighing.EXACT
        if seen.negated():
            factor *= weighing.NEGATED
        return factor * self._action(seen)

    def _action(self, seen: "_Seen") -> float:
        """How well what the text says is done goes with what the query wants done, if with anything."""
        chars = seen.text.chars
        factor = weighing.USUAL if usual_words().search(chars) else 1.0
        if self.plan.actions and not any(action in chars for action in self.plan.actions):
            factor *= weighing.OTHERWISE
        unasked = any(not seen.covered >> later.start() & 1 for later in later_words().finditer(chars))
        return factor * weighing.LATER if unasked else factor

    def _told(self, seen: "_Seen") -> float:
        """The share of the text that was asked for, by what its characters say."""
        whole = told = 0.0
        covered = seen.covered
        for char in seen.text.chars:
            weight = self._char_weights.get(char, 1.0)
            whole += weight
            if covered & 1:
                told += weight
            covered >>= 1
        return told / whole if whole else 0.0


class _Seen:
    """What has been found of a plan in a text.

    gained, found: per place of the query, the score and the share of the place; covered: bits of the text's places.
    """

    def __init__(self, plan: Plan, text: Text) -> None:
        self.plan = plan
        self.text = text
        self.gained = [0.0] * len(plan.units)
        self.found = [0.0] * len(plan.units)
        self.covered = 0
        self._claimed = 0  # by official terms

    def pair(self, pair: Pair) -> None:
        at, apart, share = self._pair(pair)
        if share:
            self.gained[pair.place] += pair.weight * share
            self._raise(pair.place, pair.place + 2, share)
            self.covered |= 1 << at | 1 << at + apart

    def _pair(self, pair: Pair) -> tuple[int, int, float]:
        """(where, how far from each other, share) a text holds the two of a pair."""
        chars = self.text.chars
        if pair.exact and (at := chars.find(pair.exact)) >= 0:
            return at, 1, 1.0
        for other in pair.alike:
            if (at := chars.find(other)) >= 0:
                return at, 1, weighing.ALIKE
        if pair.sound and (at := self.text.folded.find(pair.sound)) >= 0:
            return at, 1, 1.0 if pair.typed else weighing.SOUND
        if pair.exact and (at := chars.find(pair.exact[0])) >= 0:
            second = chars.find(pair.exact[1], at + 1)
            if at < second <= at + weighing.NEAR:
                return at, second - at, weighing.APART
        return 0, 0, 0.0

    def units(self) -> None:
        """Single characters; those typed by sound only by their sound."""
        for unit in self.plan.units:
            if not unit.known:
                continue
            if unit.char:
                at = self.text.chars.find(unit.char)
            else:
                at = self.text.folded.find(unit.sound) if unit.sound else -1
            if at >= 0:
                self.gained[unit.place] += weighing.SINGLE * unit.weight
                self._raise(unit.place, unit.place + 1, weighing.SINGLE)
                if unit.telling:
                    self.covered |= 1 << at

    def run(self, run: Run, pattern: re.Pattern[str]) -> None:
        found = pattern.search(self.text.sounds)
        if found:
            self.gained[run.start] += run.weight
            self._raise(run.start, run.end, 1.0)
            self.covered |= ((1 << run.end - run.start) - 1) << found.start()

    def concept(self, meant: Meant) -> None:
        """What an official term adds over the everyday words that it stands for."""
        worth, share, term = 0.0, 0.0, meant.terms[0]
        for candidate in meant.terms:
            if candidate.worth > worth:
                held, part = _held(candidate, self.text.chars)
                if held > worth:
                    worth, share, term = held, part, candidate
        if not worth:
            return
        bits = self._bits(term)
        new = (bits & ~self._claimed).bit_count() / bits.bit_count()
        self._claimed |= bits
        self.covered |= bits
        self._raise(meant.start, meant.end, share * meant.trust)
        places = range(meant.start, meant.end)
        surplus = worth * (weighing.AGAIN + (1 - weighing.AGAIN) * new) - sum(self.gained[place] for place in places)
        if surplus > 0:
            for place in places:
                self.gained[place] += surplus / len(places)

    def _bits(self, term: Term) -> int:
        """The places of the text that hold the term, or parts of it."""
        bits = 0
        for pair, _ in term.pairs:
            if (at := self.text.chars.find(pair)) >= 0:
                bits |= ((1 << len(pair)) - 1) << at
        return bits

    def about(self) -> None:
        """What the name says nothing of, but its department or its categories do."""
        for pair in self.plan.pairs:
            if pair.exact and not self.found[pair.place] and pair.exact in self.text.about:
                self.gained[pair.place] += weighing.ABOUT * pair.weight
                self._raise(pair.place, pair.place + 2, weighing.ASKED_ABOUT)

    def negated(self) -> bool:
        """Whether the text denies what was asked for: three or more after 未 or 非 were found, the negation was not."""
        return any(self.covered >> match.start() & 0b1111 == 0b1110 for match in _NEGATIONS.finditer(self.text.chars))

    def asked(self) -> float:
        whole = sum(unit.weight for unit in self.plan.units)
        found = sum(unit.weight * share for unit, share in zip(self.plan.units, self.found, strict=True))
        return found / whole if whole else 0.0

    def _raise(self, start: int, end: int, share: float) -> None:
        found = self.found
        for place in range(start, end):
            if found[place] < share:
                found[place] = share


def _held(term: Term, chars: str) -> tuple[float, float]:
    """(worth, share) of a term in a text; what is there in part counts for less than its share."""
    if term.text in chars:
        return term.worth, 1.0
    share = 0.0
    for pair, idf in term.pairs:
        if pair in chars:
            share += idf
    if not share:
        return 0.0, 0.0
    if len(term.telling) < len(term.pairs) and not any(pair in chars for pair in term.telling):
        share *= weighing.GENERAL
    share = weighing.PARTLY * (share / term.mass) ** weighing.POWER
    return term.worth * share, share
