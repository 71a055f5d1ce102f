"""Halls as those who book meet them: business groups (业务组) with their schedules, under the hall's rule.

Pure. A group is made of each unit of a hall in the catalogue that handles something people can book.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from kernel.contracts.appointment_refusals import NotBookable, UnknownGroup
from services.appointment.domain.rules import HallRule
from services.appointment.domain.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class GroupNamed:
    """A group as the catalogue has it."""

    id: str
    hall: str
    hall_name: str
    name: str
    items: tuple[str, ...]

    def handles(self, items: Collection[str]) -> bool:
        """Whether all of these are dealt with here in one visit."""
        return set(items) <= set(self.items)


@dataclass(frozen=True, kw_only=True)
class Group(GroupNamed):
    """A group with its schedule. `no` begins the ids of its slots."""

    no: int
    schedule: Schedule
    retired: bool = False  # the catalogue has it no more; what is booked there stays


@dataclass(frozen=True)
class Hall:
    """A hall that takes bookings."""

    id: str
    rule: HallRule
    groups: tuple[Group, ...]

    def groups_for(self, items: Collection[str]) -> tuple[Group, ...]:
        """Those that handle all of these, in the order in which their places are given out. Raises NotBookable."""
        found = tuple(group for group in self.groups if group.handles(items))
        if not found:
            raise NotBookable(items=", ".join(items))
        return found

    def group(self, id: str) -> Group:
        """Raises UnknownGroup."""
        for group in self.groups:
            if group.id == id:
                return group
        raise UnknownGroup(group=id)


def group_id(hall: str, unit: str) -> str:
    """Made of the name that the unit has first, and kept when it is renamed."""
    return f"{hall}.{hashlib.sha256(unit.encode()).hexdigest()[:8]}"


def groups_of(hall: Mapping[str, Any]) -> list[GroupNamed]:
    """The groups of a hall as catalog tells it (`kernel.contracts.catalog.BookableHall`)."""
    made: dict[str, GroupNamed] = {}
    for unit in hall["units"]:
        id = group_id(hall["id"], unit["name"])
        before = made[id].items if id in made else ()
        items = tuple(code for code in dict.fromkeys(unit["items"]) if code not in before)
        if items:
            made[id] = GroupNamed(
                id=id, hall=hall["id"], hall_name=hall["name"], name=unit["name"], items=before + items
            )
    return list(made.values())


def continued(groups: Sequence[GroupNamed], ids: Mapping[str, str], before: Iterable[GroupNamed]) -> list[GroupNamed]:
    """`groups` under the ids that the hall knows them by, so that each keeps its schedule and what is booked there.

    `ids`: by the name of every group that the hall ever had. `before`: those that it has now. One whose name is new,
    and that handles most of what another did whose name is gone, is that one under another name.
    """
    gone = [one for one in before if one.name not in {group.name for group in groups}]
    known = dict(ids)
    for group in groups:
        alike = None if group.name in known else _most_alike(group, gone)
        if alike is not None:
            gone.remove(alike)
            known[group.name] = alike.id
    return [replace(group, id=known.get(group.name) or _unused(group, ids.values())) for group in groups]


def _most_alike(group: GroupNamed, others: Sequence[GroupNamed]) -> GroupNamed | None:
    """Of these, the one with which it shares the most: more than half of what the two handle."""

    def share(other: GroupNamed) -> float:
        return len({*group.items} & {*other.items}) / len({*group.items, *other.items})

    best = max(others, key=share, default=None)
    return best if best is not None and share(best) > 0.5 else None


def _unused(group: GroupNamed, taken: Collection[str]) -> str:
    """Its id; another one where that is of a group which had this name first, and was renamed."""
    made = (group_id(group.hall, group.name + " " * more) for more in count())
    return next(id for id in made if id not in taken)
