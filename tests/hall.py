"""A whole hall in its own processes, and the people who use it over HTTP and AMQP.

Knows the public interfaces only, never the insides of a service.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from click.testing import CliRunner, Result

from kernel.ids import new_id
from kernel.testing import Process, eventually, free_port
from operations.cli import main
from tests.people import Person

ROOT = Path(__file__).parent.parent
YICHUANG = Path(sys.executable).parent / "yichuang"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc000000301010018dd8db00000000049454e44ae426082"
)
# Seconds. Eight processes start at once: 12 s of processor time, on a machine that does other things as well.
_STARTED = 180
_SAMPLES = {"date": "2000-01-01", "number": 1, "integer": 1, "boolean": True}


@dataclass
class Hall:
    """A running hall: its address, its data, and its processes by service name where there are several."""

    url: str
    data_dir: Path
    env: dict[str, str | None]
    process: Process
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """One request; paths start below /api/v1 unless they begin with two slashes."""
        full = self.url + (path[1:] if path.startswith("//") else "/api/v1" + path)
        return self.session.request(method, full, timeout=30, **kwargs)

    def pid(self, service: str) -> int:
        """The process that runs one service of a distributed hall."""
        return int((self.data_dir / "run" / f"{service}.pid").read_text())

    def kill(self, service: str) -> int:
        """`kill -9` of one service; its supervisor starts it again. Returns the pid that was killed."""
        pid = self.pid(service)
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_all(self) -> None:
        """`kill -9` of whatever service is left, once its supervisor is gone."""
        for file in (self.data_dir / "run").glob("*.pid"):
            with suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)

    def command(self, *words: str) -> Process:
        """Run the command line against this hall's data to its end; a status other than 0 is an error."""
        log = self.data_dir / f"command-{new_id()}.log"
        return Process([YICHUANG, *words], log=log, env=self.env, cwd=ROOT)

    def does(self, *words: str) -> Result:
        """The same in this process, for those to whom the command is not what matters."""
        done = CliRunner().invoke(main, words, env=self.env)
        assert done.exit_code == 0, done.output
        return done

    def items(self) -> list[dict[str, Any]]:
        """Items that can be filed online, as they are listed."""
        return list(self.call("GET", "/items?online=true&page_size=100").json()["items"])

    def item(self, code: str) -> dict[str, Any]:
        """An item's guide."""
        return dict(self.call("GET", f"/items/{code}").json())

    def lightest_item(self) -> dict[str, Any]:
        """The item with the fewest materials, for those to whom filing is not what matters."""
        return min((self.item(item["code"]) for item in self.items()), key=lambda item: len(item["materials"]))

    def ready(self) -> bool:
        """Whether every service answers."""
        try:
            return self.call("GET", "//health/ready").status_code == 200
        except requests.ConnectionError:
            return False


@contextmanager
def running_hall(data_dir: Path, **settings: str | None) -> Iterator[Hall]:
    """`yichuang run` with these settings, from ready to killed: eight that end in order cost a third of their start."""
    port = free_port()
    env: dict[str, str | None] = {
        "AMQP_URI": None,
        "DATABASE_URL": None,
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        **settings,
    }
    data_dir.mkdir(parents=True, exist_ok=True)
    with Process([YICHUANG, "run"], log=data_dir / "hall.log", env=env, cwd=ROOT) as process:
        hall = Hall(f"http://127.0.0.1:{port}", data_dir, env, process)
        try:
            eventually(hall.ready, timeout=_STARTED, every=0.1)
            yield hall
        finally:
            process.kill()
            hall.kill_all()


class Applicant:
    """Somebody with an account, logged in."""

    def __init__(self, hall: Hall, person: Person | None = None) -> None:
        self.hall = hall
        self.person = person or Person()
        registered = hall.call("POST", "/accounts", json=self.person.registration())
        assert registered.status_code == 201, registered.text
        self.headers = {"Authorization": f"Bearer {self.log_in()}"}

    def log_in(self) -> str:
        login = {"login": self.person.registration()["mobile"], "password": self.person.password}
        opened = self.hall.call("POST", "/sessions", json=login)
        assert opened.status_code == 201, opened.text
        return str(opened.json()["token"])

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """A request with this person's token."""
        headers = {**self.headers, **kwargs.pop("headers", {})}
        return self.hall.call(method, path, headers=headers, **kwargs)

    def draft(self, item: dict[str, Any], **changes: Any) -> str:
        """A draft for `item`, filled in and with every material that is asked for. Returns its id."""
        opened = self.call("POST", "/drafts", json={"item": item["code"]})
        assert opened.status_code == 201, opened.text
        draft = opened.json()
        filled = self.call("PATCH", f"/drafts/{draft['id']}", json={"data": filled_form(draft["item"]), **changes})
        assert filled.status_code == 200, filled.text
        for material in draft["item"]["materials"]:
            self.attach(draft["id"], material["code"])
        return str(draft["id"])

    def attach(self, draft: str, material: str) -> None:
        sent = self.call(
            "PUT",
            f"/drafts/{draft}/materials/{material}",
            data=PNG,
            headers={"Content-Type": "image/png", "Content-Disposition": 'attachment; filename="scan.png"'},
        )
        assert sent.status_code in (200, 201), sent.text

    def file(self, item: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """File a case. Returns what the submission answered."""
        return self.submit(self.draft(item, **changes))

    def submit(self, draft: str) -> dict[str, Any]:
        """Submit a draft. Returns what that answered."""
        submitted = self.call("POST", f"/drafts/{draft}/submission", json={})
        assert submitted.status_code == 201, submitted.text
        return dict(submitted.json())


def filled_form(item: dict[str, Any]) -> dict[str, Any]:
    """A value for every field of an item's form."""
    return {spec["name"]: _sample(spec) for spec in item["fields"]}


def _sample(spec: dict[str, Any]) -> Any:
    if spec.get("choices"):
        return spec["choices"][0]
    return _SAMPLES.get(spec["type"], "样例")


def department_event(organ: str, type_: str, serial: str, id_: str | None = None, **data: Any) -> dict[str, Any]:
    """A CloudEvent as a department writes it by hand."""
    now = datetime.now(UTC).isoformat()
    return {
        "specversion": "1.0",
        "id": id_ or new_id(),
        "source": f"/departments/{organ}",
        "type": type_,
        "subject": serial,
        "time": now,
        "datacontenttype": "application/json",
        "dataschema": f"urn:yichuang:{type_}:1",
        "data": {"occurred_at": now, "by": "officer-7", **data},
    }


def whole_life(organ: str, serial: str) -> list[dict[str, Any]]:
    """What a department says about a case that goes well, in order."""
    return [
        department_event(organ, "case.accepted", serial),
        department_event(organ, "case.step", serial, step_name="审查", unit="审批科"),
        department_event(organ, "case.approved", serial, document_number="准字〔2026〕1号"),
        department_event(organ, "case.concluded", serial, outcome="准予", result_documents=["决定书"]),
    ]


def types_of(timeline: Sequence[dict[str, Any]]) -> list[str]:
    """The types of a case's events, oldest first."""
    return [entry["type"] for entry in timeline]
