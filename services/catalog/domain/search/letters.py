"""Latin letters in a query, taken apart: full syllables, first letters of syllables, or both mixed (`huzhaoqf`).

Pure; says nothing about whether anything in the catalogue sounds like it.
"""

from functools import cache, lru_cache

from services.catalog.domain.search.readings import readings

_LONGEST_SYLLABLE = 6
_LONGEST_RUN = 60  # letters that are taken apart; what comes after is left as it is
_SYLLABLE, _LETTER = 1.0, 1.3
_WORTH_TRYING = 0.8  # how much worse than the best a way may be
_WAYS = 3
NO_INITIALS = frozenset("iuv")


@cache
def _spelt() -> dict[str, str]:
    """Syllables as they are typed → code point; nv and nu, lve and lue are both typed."""
    codes = dict(readings().codes)
    for name, code in list(codes.items()):
        codes.setdefault(name.replace("v", "u"), code)
    return codes


@lru_cache(maxsize=1024)
def ways(run: str) -> tuple[tuple[str, ...], ...]:
    """At most three ways to cut a run of small letters, best first; a piece is a syllable's code point or a letter.

    None, if it holds letters that no syllable starts with where one should start.
    """
    best: list[list[tuple[float, tuple[str, ...]]]] = [[(0.0, ())]]
    for end in range(1, min(len(run), _LONGEST_RUN) + 1):
        cuts = [cut for start in range(max(0, end - _LONGEST_SYLLABLE), end) for cut in _cuts(run, start, end, best)]
        best.append(sorted(cuts)[: _WAYS + 1])
    if not best[-1]:
        return ()
    bound = best[-1][0][0] + _WORTH_TRYING
    return tuple(pieces for cost, pieces in best[-1] if cost <= bound)[:_WAYS]


def _cuts(
    run: str, start: int, end: int, best: list[list[tuple[float, tuple[str, ...]]]]
) -> list[tuple[float, tuple[str, ...]]]:
    piece = run[start:end]
    code = _spelt().get(piece)
    found = []
    if code is not None:
        found += [(cost + _SYLLABLE, (*pieces, code)) for cost, pieces in best[start]]
    if len(piece) == 1 and piece not in NO_INITIALS:
        found += [(cost + _LETTER, (*pieces, piece)) for cost, pieces in best[start]]
    return found
