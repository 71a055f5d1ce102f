"""Two imports at once: one makes the version, the other is refused with nothing of it done, or finds it done."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from kernel.contracts.catalog_facts import CatalogChanged, load_changed
from kernel.testing import eventually
from services.catalog.adapters.writing import SqlStore
from services.catalog.application.importing import Importing, Source
from services.catalog.application.ports import State, Tick
from services.catalog.desk import Desk, csv_of, row, rows
from services.catalog.domain.changes import Plan
from services.catalog.domain.unfit import Overtaken

FIRST = csv_of(*rows(3), row("B1"))
SECOND = csv_of(*rows(3, name="新名"), row("C1"))


class Slow(SqlStore):
    """Lets something else happen between what an import sees and what it writes."""

    meanwhile: Callable[[], Any] = staticmethod(lambda: None)

    def state(self) -> State:
        seen = super().state()
        self.meanwhile()
        return seen


class Heedless(Slow):
    """The same without the claim, and with whatever version the log has: what would happen without them."""

    def write(self, plan: Plan, fact: CatalogChanged, tick: Tick) -> None:
        version = super(Slow, self).state().version + 1
        super().write(plan, CatalogChanged(**{**vars(fact), "version": version}), tick)


def overtaken(desk: Desk, store: Slow) -> Source:
    """The second file, to be imported while the first goes in between."""
    desk.bring(csv_of(*rows(3)))
    (desk.folder / "second.csv").write_text(SECOND)
    store.meanwhile = lambda: desk.bring(FIRST)
    return Source.of(desk.folder / "second.csv")


def test_an_import_that_was_overtaken_is_refused_and_leaves_nothing(desk: Desk) -> None:
    store = Slow(desk.database, desk.log)
    with pytest.raises(Overtaken, match="Another import made version 2 meanwhile"):
        Importing(store, desk.clock).run(overtaken(desk, store))
    assert desk.active() == ["A1", "A2", "A3", "B1"]
    assert desk.column("item", "name")["A1"] == "事项A1"
    assert [load_changed(fact.data).version for fact in desk.facts()] == [1, 2]
    assert desk.bring(SECOND).version == 3
    assert desk.active() == ["A1", "A2", "A3", "C1"]


def test_without_the_version_it_would_have_written_what_it_saw_before(desk: Desk) -> None:
    """The negative control: B1 should be retired, as in the test above, and is not."""
    store = Heedless(desk.database, desk.log)
    Importing(store, desk.clock).run(overtaken(desk, store))
    assert desk.active() == ["A1", "A2", "A3", "B1", "C1"]


def test_a_writer_waits_for_the_other_and_is_then_refused(desk: Desk) -> None:
    """The first is in the middle of its transaction while the second comes to write the same version."""
    store, looked, refused = Slow(desk.database, desk.log), threading.Event(), list[Overtaken]()
    store.meanwhile = looked.set
    (desk.folder / "second.csv").write_text(SECOND)

    def second() -> None:
        try:
            Importing(store, desk.clock).run(Source.of(desk.folder / "second.csv"))
        except Overtaken as refusal:
            refused.append(refusal)

    thread = threading.Thread(target=second)

    def tick(_: int) -> None:
        thread.start()
        assert looked.wait(10)
        eventually(lambda: waits(desk))

    plan, fact = prepared(desk)
    desk.store.write(plan, fact, tick)
    thread.join()
    assert [refusal.params for refusal in refused] == [{"version": 1}]
    assert desk.active() == ["A1", "A2", "A3", "B1"]
    assert len(desk.facts()) == 1


def prepared(desk: Desk) -> tuple[Plan, CatalogChanged]:
    """What an import of the first file would write."""
    kept: list[tuple[Plan, CatalogChanged]] = []

    class Keeping(SqlStore):
        def write(self, plan: Plan, fact: CatalogChanged, tick: Tick) -> None:
            kept.append((plan, fact))

    (desk.folder / "first.csv").write_text(FIRST)
    Importing(Keeping(desk.database, desk.log), desk.clock).run(Source.of(desk.folder / "first.csv"))
    return kept[0]


def waits(desk: Desk) -> bool:
    """Whether somebody waits for a lock of this catalogue. SQLite doesn't tell: there the one who looked must wait."""
    if desk.database.dialect == "sqlite":
        return True
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND wait_event_type = 'Lock'"
    with desk.database.single() as tx:
        return bool(tx.execute(sa.text(waiting), {"name": f"yichuang {desk.database.owner}"}).scalar_one())


class Died(Exception):
    """The process, in a manner of speaking."""


def test_an_import_that_dies_in_the_middle_leaves_nothing(desk: Desk) -> None:
    before = desk.tables()
    plan, fact = prepared(desk)

    def tick(_: int) -> None:
        raise Died

    with pytest.raises(Died):
        desk.store.write(plan, fact, tick)
    assert desk.tables() == before
