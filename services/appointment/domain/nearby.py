"""Which other times are offered to somebody whose own was closed.

Pure. Best is the same hour on the nearest days: whoever could come at nine can rather come at nine on another day.
"""

from collections import Counter
from collections.abc import Iterable

from services.appointment.domain.rules import Visit


def nearest(visits: Iterable[Visit], lost: Visit) -> list[Visit]:
    """The best first: the nearest hour of each day, the nearest days before others; then the second best of each."""
    by_hour = sorted(visits, key=lambda one: (abs(one.starts - lost.starts), one.starts))
    seen: Counter[object] = Counter()
    ranked = []
    for visit in by_hour:
        away = (visit.day - lost.day).days
        ranked.append((seen[visit.day], abs(away), -away, visit))
        seen[visit.day] += 1
    return [visit for *_, visit in sorted(ranked, key=lambda one: one[:3])]


def apart(visit: Visit, others: Iterable[Visit]) -> bool:
    """Whether it overlaps none of them."""
    return not any(one.day == visit.day and one.starts < visit.ends and visit.starts < one.ends for one in others)
