"""Small services for tests of messaging, in a process of their own: `python -m kernel.testing.trial <name> …`.

Told what to do over HTTP (`gateway`), they write what they saw to DATA_DIR. Never part of an installation.
"""

import sys

from kernel import green

green.patch()

import json  # noqa: E402
import time  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import marshmallow as ma  # noqa: E402
import sqlalchemy as sa  # noqa: E402
from eventlet.patcher import original  # noqa: E402
from nameko.web.handlers import http  # noqa: E402

from kernel.clock import SystemClock  # noqa: E402
from kernel.config import Settings, load_settings  # noqa: E402
from kernel.database import DatabaseAway, open_url  # noqa: E402
from kernel.errors import NotAllowed, Refusal  # noqa: E402
from kernel.eventlog.events import Recorded  # noqa: E402
from kernel.eventlog.following import Follower  # noqa: E402
from kernel.eventlog.reading import LogReader  # noqa: E402
from kernel.messaging import topology  # noqa: E402
from kernel.messaging.broadcasting import hears  # noqa: E402
from kernel.messaging.consuming import Incoming, batches  # noqa: E402
from kernel.messaging.following import follows  # noqa: E402
from kernel.messaging.publishing import Outgoing, Publisher  # noqa: E402
from kernel.messaging.relay import Relay, relay_service  # noqa: E402
from kernel.messaging.rpc import Services, rpc  # noqa: E402
from kernel.messaging.wiring import Application  # noqa: E402
from kernel.runtime import serve  # noqa: E402


class Number(ma.Schema):
    """A request with one field."""

    n = ma.fields.Integer(required=True)


class Notes:
    """The application of the trial services: files that tests write and read."""

    def __init__(self, settings: Settings) -> None:
        self.directory = settings.data_dir
        self.directory.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, lines: Sequence[str]) -> None:
        """Add lines to a file, safe on disk when it returns."""
        with (self.directory / name).open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def wanted(self, name: str) -> bool:
        """Whether the test made a file of that name."""
        return (self.directory / name).exists()

    def close(self) -> None:
        """Leave a sign that the container ended in order."""
        self.write("closed", ["closed"])


class TrialService:
    """Methods that succeed, refuse, fail, wait and block."""

    name = "trial"
    app = Application(Notes)
    services = Services()

    @rpc(Number)
    def increase(self, request: dict[str, int]) -> dict[str, int]:
        return {"n": request["n"] + 1}

    @rpc()
    def refuse(self, _request: dict[str, Any]) -> None:
        raise NotAllowed(organ="{braces}")

    @rpc()
    def fail(self, _request: dict[str, Any]) -> float:
        return 1 / 0

    @rpc()
    def unsayable(self, _request: dict[str, Any]) -> object:
        return object()

    @rpc()
    def away(self, _request: dict[str, Any]) -> None:
        raise DatabaseAway("gone")

    @rpc()
    def sleep(self, request: dict[str, Any]) -> dict[str, Any]:
        self.app.write("slept", [str(request["note"])])
        time.sleep(request["seconds"])
        return {"note": request["note"]}

    @rpc()
    def block(self, request: dict[str, Any]) -> dict[str, Any]:
        """Stops every greenlet of the process, as a driver that knows nothing of them would."""
        original("time").sleep(request["seconds"])
        return {}

    @rpc()
    def query(self, request: dict[str, Any]) -> dict[str, Any]:
        """A slow statement on a real database."""
        database = open_url(request["url"], "trial")
        try:
            with database.read() as connection:
                connection.execute(sa.text("SELECT pg_sleep(:seconds)"), {"seconds": request["seconds"]})
        finally:
            database.close()
        return {}

    @rpc()
    def relay_call(self, request: dict[str, Any]) -> Any:
        return self.services.call("trial", request["method"], request["payload"])


class TrialGateway:
    """Does for the test, inside the process, what it asks for over HTTP."""

    name = "gateway"
    services = Services()
    app = Application(Notes)

    @http("POST", "/call")  # type: ignore[untyped-decorator]
    def call(self, request: Any) -> str:
        """One RPC; what came of it and how long it took."""
        asked = json.loads(request.get_data())
        begun = time.monotonic()
        outcome: dict[str, Any]
        try:
            outcome = {"result": self.services.call(**asked)}
        except Refusal as error:
            outcome = {"raised": type(error).__name__, **error.to_wire()}
        return json.dumps({**outcome, "seconds": time.monotonic() - begun})

    @http("POST", "/publish")  # type: ignore[untyped-decorator]
    def publish(self, request: Any) -> str:
        """A batch of department events; the body holds Publisher's `uri` and the numbers to send."""
        asked = json.loads(request.get_data())
        Publisher(asked["uri"]).publish_batch([numbered(number) for number in asked["numbers"]])
        return "{}"


def numbered(number: int) -> Outgoing:
    """A department event that carries nothing but its number."""
    return Outgoing(
        exchange=topology.DEPARTMENT_EVENTS,
        routing_key="organ.type",
        body=str(number).encode(),
        properties={"message_id": str(number), "content_type": "text/plain"},
    )


class TrialIntake:
    """Takes department events in batches; fails while there is a file `fail`, is slow while there is one `slow`."""

    name = "intake"
    app = Application(Notes)

    @batches(topology.FILING, max_size=50)
    def take(self, batch: list[Incoming]) -> None:
        if self.app.wanted("fail"):
            self.app.write("failed", [message.body.decode() for message in batch])
            raise RuntimeError("told to fail")
        if self.app.wanted("slow"):
            self.app.write("started", [batch[0].body.decode()])
            time.sleep(1)
        self.app.write("taken", [message.body.decode() for message in batch])


class RelayApplication:
    """A relay over the log in DATABASE_URL."""

    def __init__(self, settings: Settings) -> None:
        self._database = open_url(settings.database_url, "trial")
        self._publisher = Publisher(settings.amqp_uri)
        reader = LogReader(self._database)
        self.relay = Relay(reader, self._database, self._publisher, topology.CASE_EVENTS, SystemClock())

    def close(self) -> None:
        self.relay.resign()
        self._publisher.close()
        self._database.close()


class Positions:
    """A projection that notes the positions it was given; away while there is a file `away`."""

    name = "trial"

    def __init__(self, settings: Settings) -> None:
        self._away = Path(settings.data_dir) / "away"

    def apply(self, tx: sa.Connection, events: Sequence[Recorded]) -> None:
        if self._away.exists():
            raise DatabaseAway("told to be away")
        for event in events:
            tx.execute(sa.text("INSERT INTO seen (position) VALUES (:position)"), {"position": event.position})


class FollowerApplication:
    """A follower of the log in DATABASE_URL."""

    def __init__(self, settings: Settings) -> None:
        self._database = open_url(settings.database_url, "trial")
        reader = LogReader(self._database)
        self.follower = Follower(Positions(settings), self._database, reader, SystemClock())

    def close(self) -> None:
        self._database.close()


class TrialFollower:
    """Follows the log as progress does."""

    name = "follower"
    app = Application(FollowerApplication)

    @follows(topology.PROGRESS)
    def follow(self) -> Follower:
        return self.app.follower


class TrialHearer:
    """Notes what it hears of the log; fails while there is a file `fail`."""

    name = "hearer"
    app = Application(Notes)

    @hears(topology.CASE_EVENTS)
    def heard(self, event: Recorded | None, connected: bool) -> None:
        if self.app.wanted("fail"):
            raise RuntimeError("told to fail")
        change = "bound" if connected else "lost"
        self.app.write("heard", [change if event is None else str(event.position)])


SERVICES: dict[str, Any] = {
    "trial": TrialService,
    "gateway": TrialGateway,
    "intake": TrialIntake,
    "relay": relay_service("relay", RelayApplication),
    "follower": TrialFollower,
    "hearer": TrialHearer,
}


def main(names: list[str]) -> None:
    """Run the services named, in one process."""
    serve([SERVICES[name] for name in names], load_settings())


if __name__ == "__main__":
    main(sys.argv[1:])
