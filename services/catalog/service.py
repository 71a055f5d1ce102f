"""The nameko class of catalog: a switchboard, a line a method. Decides nothing itself."""

from typing import Any

from kernel.contracts import catalog as contract
from kernel.contracts.accounts import Request
from kernel.eventlog.events import Recorded
from kernel.messaging import topology
from kernel.messaging.broadcasting import hears
from kernel.messaging.consuming import every
from kernel.messaging.rpc import rpc
from kernel.messaging.wiring import Application
from services.catalog.bootstrap import OWNER, build

Json = dict[str, Any]


class CatalogService:
    """Answers what `kernel.contracts.catalog` lists; publishes its own log, hears of its changes, counts filings."""

    name = OWNER
    app = Application(build)

    @rpc(contract.ItemsAsked)
    def items(self, request: Json) -> Json:
        return self.app.lists.items(request)

    @rpc(contract.SearchAsked)
    def search(self, request: Json) -> Json:
        return self.app.searching.search(request)

    @rpc(contract.HotAsked)
    def hot_items(self, request: Json) -> Json:
        return self.app.lists.hot_items(request)

    @rpc(contract.ItemAsked)
    def item(self, request: Json) -> Json:
        return self.app.guides.item(request)

    @rpc(contract.ItemFormAsked)
    def item_form(self, request: Json) -> Json:
        return self.app.guides.item_form(request)

    @rpc(contract.FileAsked)
    def file(self, request: Json) -> Json:
        return self.app.guides.file(request)

    @rpc(contract.DepartmentsAsked)
    def departments(self, request: Json) -> Json:
        return self.app.departments.departments()

    @rpc(contract.DepartmentAsked)
    def department(self, request: Json) -> Json:
        return self.app.departments.department(request)

    @rpc(contract.CategoriesAsked)
    def categories(self, request: Json) -> Json:
        return self.app.departments.categories()

    @rpc(contract.HallsAsked)
    def halls(self, request: Json) -> Json:
        return self.app.halls.halls(request)

    @rpc(contract.BookableHallsAsked)
    def bookable_halls(self, request: Json) -> Json:
        return self.app.halls.bookable(request)

    @rpc(contract.HallAsked)
    def hall(self, request: Json) -> Json:
        return self.app.halls.hall(request)

    @rpc(Request)
    def status(self, request: Json) -> Json:
        return self.app.status()

    @rpc(Request)
    def ping(self, request: Json) -> Json:
        self.app.ping()
        return {}

    @every(2.0)
    def count_filings(self) -> None:
        self.app.follower.catch_up()

    @hears(topology.CATALOG_EVENTS)
    def heard(self, event: Recorded | None, connected: bool) -> None:
        self.app.snapshots.refresh()

    @every(5.0)
    def look(self) -> None:
        self.app.snapshots.refresh()

    @every(0.1)
    def publish(self) -> None:
        self.app.relay.run_once()
