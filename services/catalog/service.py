"""catalog on the wire: items and departments.

A switchboard: every method calls one handler.
"""

from typing import Any

from kernel.contracts import catalog as contract
from kernel.messaging.rpc import rpc
from kernel.messaging.wiring import Application
from services.catalog.bootstrap import build

Request = dict[str, Any]


class CatalogService:
    """See `kernel.contracts.catalog` for what each method is asked and answers."""

    name = "catalog"
    app = Application(build)

    @rpc(contract.ItemsAsked)
    def items(self, request: Request) -> Request:
        return self.app.page(request["page"], request["page_size"])  # type: ignore[no-any-return]

    @rpc(contract.ItemAsked)
    def item(self, request: Request) -> Request:
        return self.app.item(request["code"])  # type: ignore[no-any-return]

    @rpc(contract.DepartmentsAsked)
    def departments(self, request: Request) -> Request:
        return self.app.departments()  # type: ignore[no-any-return]
