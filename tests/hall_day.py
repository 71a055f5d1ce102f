"""A gateway and appointment on a Tuesday morning, whenever it runs: `python -m tests.hall_day`, or some services of it.

Where these are several processes, BEGAN is the real time at which it was ten o'clock in all of them. Accounts and
catalog are stood in for: tokens are names, and there is one hall. Everything else is as it is served.
"""

from kernel import green

green.patch()

import os  # noqa: E402
import sys  # noqa: E402
from datetime import timedelta  # noqa: E402
from typing import Any  # noqa: E402

from gateway.service import GatewayService  # noqa: E402
from kernel.clock import SystemClock, format_time, parse_time  # noqa: E402
from kernel.config import Settings, load_settings  # noqa: E402
from kernel.contracts import accounts, catalog  # noqa: E402
from kernel.errors import NotSignedIn  # noqa: E402
from kernel.messaging.rpc import rpc  # noqa: E402
from kernel.messaging.wiring import Application  # noqa: E402
from kernel.runtime import serve  # noqa: E402
from services.appointment.bootstrap import build  # noqa: E402
from services.appointment.service import AppointmentService  # noqa: E402
from tests.people import identity_number  # noqa: E402

BEGINS = parse_time("2026-02-10T10:00:00+08:00")
STAFF = {"manager": ("hall_manager", "tianhe"), "clerk": ("window", "tianhe"), "stranger": ("window", "haizhu")}
HALL = {
    "id": "tianhe",
    "name": "天河区政务服务中心",
    "units": [{"name": "公安窗口", "items": ["passport"]}, {"name": "税务窗口", "items": ["tax"]}],
}


class TuesdayClock:
    """The machine's, moved to the Tuesday."""

    _clock = SystemClock()
    _moved: timedelta = BEGINS - parse_time(os.environ.get("BEGAN") or format_time(_clock.now()))

    def now(self) -> Any:
        return self._clock.now() + self._moved


def principal(token: str) -> dict[str, Any]:
    """Who a token belongs to: staff by their names, people by `p-<number>`."""
    if token in STAFF:
        role, hall = STAFF[token]
        return {"account": token, "kind": "staff", "role": role, "hall": hall}
    if token.startswith("p-"):
        return {"account": token, "kind": "individual"}
    raise NotSignedIn


class Accounts:
    """Stands for accounts."""

    name = "accounts"

    @rpc(accounts.Token)
    def authenticate(self, request: dict[str, Any]) -> dict[str, Any]:
        return dict(accounts.Principal().load(principal(request["token"])))

    @rpc(accounts.PersonOf)
    def person(self, request: dict[str, Any]) -> dict[str, Any]:
        number = int(request["account"].removeprefix("p-"))
        return {"name": "测试人", "identity_number": identity_number(number), "mobile": f"139{number:08}"}


class Catalog:
    """Stands for catalog."""

    name = "catalog"

    @rpc(catalog.BookableHallsAsked)
    def bookable_halls(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"items": [HALL], "total": 1, "page": 1, "page_size": request["page_size"], "as_of": 1}


def build_on_tuesday(settings: Settings) -> Any:
    return build(settings, TuesdayClock())


class Tuesday(AppointmentService):
    """Appointment with another clock."""

    app = Application(build_on_tuesday)


SERVED = {one.name: one for one in (GatewayService, Tuesday, Accounts, Catalog)}

if __name__ == "__main__":
    serve([SERVED[name] for name in sys.argv[1:] or SERVED], load_settings())
