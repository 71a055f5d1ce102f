"""What an import needs of the tables, said without SQL."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from kernel.contracts.catalog_facts import CatalogChanged
from services.catalog.domain.changes import Known, KnownFile, KnownHall, Plan
from services.catalog.domain.departments import Department


@dataclass(frozen=True)
class State:
    """The catalogue as it stands: everything but the documents. Retired items and halls are in it."""

    version: int = 0
    items: dict[str, Known] = field(default_factory=dict)
    departments: list[Department] = field(default_factory=list)
    halls: dict[str, KnownHall] = field(default_factory=dict)
    files: dict[str, tuple[KnownFile, ...]] = field(default_factory=dict)  # by item


Tick = Callable[[int], None]  # so many units of work are done


class Store(Protocol):
    """The catalogue's tables. Every call raises what `is_away` tells when the database is gone."""

    def state(self) -> State: ...

    def documents(self, codes: Collection[str]) -> dict[str, str]:
        """The newest document of each of these items, JSON."""
        ...

    def listings(self, departments: Collection[str]) -> Iterator[tuple[str, str]]:
        """Code and listing (JSON) of each active item of these departments."""
        ...

    def write(self, plan: Plan, fact: CatalogChanged, tick: Tick) -> None:
        """All of it or nothing, the fact last. Raises Overtaken if the catalogue is not at the version before.

        `tick` hears 1 for each item.
        """
        ...
