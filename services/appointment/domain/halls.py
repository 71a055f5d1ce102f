"""Halls as those who book meet them: business groups (业务组) with their schedules, under the hall's rule.

Pure. A group is made of each unit of a hall in the catalogue that handles something people can book.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
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

    def group_for(self, items: Collection[str]) -> Group:
        """The first group that handles all of these. Raises NotBookable."""
        for group in self.groups:
            if set(items) <= set(group.items):
                return group
        raise NotBookable(items=", ".join(items))

    def group(self, id: str) -> Group:
        """Raises UnknownGroup."""
        for group in self.groups:
            if group.id == id:
                return group
        raise UnknownGroup(group=id)


def group_id(hall: str, unit: str) -> str:
    """Stays with the unit's name, wherever in the hall's list it stands."""
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
