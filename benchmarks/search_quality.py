"""How well the search ranks: hit@1, hit@5 and mean reciprocal rank over queries whose expected items are known.

Never part of what serves; names and queries are handed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from services.catalog.domain.search import Entry, SearchIndex, analyse


class Query(TypedDict):
    """What somebody types, of which kind it is, and the names any of which is a right answer."""

    query: str
    kind: str
    expected: list[str]


@dataclass(frozen=True)
class Quality:
    queries: int
    hit_1: float
    hit_5: float
    mrr: float


@dataclass(frozen=True)
class Answer:
    """place: of the first right answer, from 1; 0 if there is none among those found."""

    query: Query
    place: int
    best: tuple[str, ...]


def ask(items: Sequence[Entry], queries: Sequence[Query]) -> list[Answer]:
    index = SearchIndex(map(analyse, items), [item.name for item in items])
    return [_answer(index, items, query) for query in queries]


def _answer(index: SearchIndex, items: Sequence[Entry], query: Query) -> Answer:
    names = list(dict.fromkeys(items[row].name for row in index.search(query["query"]).rows))
    places = [place for place, name in enumerate(names, 1) if name in query["expected"]]
    return Answer(query, places[0] if places else 0, tuple(names[:5]))


def _quality(answers: Sequence[Answer]) -> Quality:
    asked = len(answers)
    return Quality(
        queries=asked,
        hit_1=sum(answer.place == 1 for answer in answers) / asked,
        hit_5=sum(1 <= answer.place <= 5 for answer in answers) / asked,
        mrr=sum(1 / answer.place for answer in answers if answer.place) / asked,
    )


def evaluate(items: Sequence[Entry], queries: Sequence[Query]) -> dict[str, Quality]:
    """Quality overall (under "all") and for each kind of query."""
    answers = ask(items, queries)
    kinds = sorted({answer.query["kind"] for answer in answers})
    by_kind = {kind: _quality([answer for answer in answers if answer.query["kind"] == kind]) for kind in kinds}
    return {"all": _quality(answers), **by_kind}
