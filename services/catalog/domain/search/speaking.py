"""Whether a query speaks of a department or a hall by its name. Stricter than the search over items: a name beside the
results that only shares a character with the query is noise.
"""

from services.catalog.domain.search.analysis import normalise
from services.catalog.domain.search.query import understand

_PREFIXES = "省市区县"
# What people call any hall, the longest first.
_HALLS = (
    "政务服务中心", "行政服务中心", "便民服务中心", "政务服务大厅", "街道办事处",
    "办事大厅", "政务大厅", "服务大厅", "政务中心", "大厅",
)  # fmt: skip
_SUFFIXES = (*_HALLS, "委员会", "中心", "分局", "局", "委", "办")
_SHARE = 2 / 3  # of the query, that a name has to hold in one piece
_ENOUGH = 4  # characters in one piece, whatever else is asked for


def speaks_of(text: str, name: str) -> bool:
    """Whether `name` may be what `text` asks for, or a part of it: in one piece, or as it is shortened (人社局)."""
    asked, known = normalise(text), normalise(name)
    if _shared(asked, known) >= _ENOUGH:
        return True
    one, others = _stem(asked), {_stem(known), _stem(_bare(known))}
    shared = max(_shared(one, other) for other in others)
    if shared >= 2 and shared >= _SHARE * len(one):
        return True
    return one != asked and any(_is_short_for(*sorted((one, other), key=len)) for other in others)


def speaks_of_any_hall(text: str) -> bool:
    """Whether it asks where halls are, and for none by its name: 办事大厅在哪."""
    asked = normalise(text)
    return any(hall in asked for hall in _HALLS) and not understand(text)


def _shared(one: str, other: str) -> int:
    """The length of the longest piece that both hold."""
    best = 0
    for start in range(len(one)):
        while start + best < len(one) and one[start : start + best + 1] in other:
            best += 1
    return best


def _stem(name: str) -> str:
    """A name without what all names of its kind end with."""
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)


def _bare(name: str) -> str:
    """A name without the level of who bears it: 区人社局."""
    return name[1:] if name[:1] in _PREFIXES else name


def _is_short_for(short: str, long: str) -> bool:
    """人社 for 人力资源和社会保障, 市监 for 市场监督管理."""
    rest = iter(long)
    return len(short) >= 2 and short[0] == long[0] and all(char in rest for char in short)
