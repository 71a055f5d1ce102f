"""The visit of docs/journeys.md, run as it stands, on both databases; and what others may see of it."""

import json
import os
import re
import subprocess
from datetime import datetime

from kernel.clock import SystemClock
from kernel.testing import eventually
from tests.hall import ROOT, Hall
from tests.journeys.conftest import Town


def script(hall: Hall) -> str:
    """The journey, on this hall and its data."""
    (found,) = re.findall(r"## A visit\n.*?```sh\n(.*?)```", (ROOT / "docs/journeys.md").read_text(), re.DOTALL)
    return str(found).replace("http://127.0.0.1:8000", hall.url).replace("var/", f"{hall.data_dir}/")


def enough_of_today_is_left() -> bool:
    """The last minutes of a day have no slot that one could still come to."""
    now: datetime = SystemClock().now()
    return (now.hour, now.minute) < (23, 45)


def told(hall: Hall, number: str) -> list[str]:
    """Types of the messages about a booking, in their order."""
    found = [json.loads(path.read_text()) for path in hall.data_dir.glob(f"outbox/{number}.*")]
    return [one["type"] for one in found]


def test_from_finding_an_item_to_being_served(town: Town) -> None:
    hall = town.hall
    eventually(enough_of_today_is_left, timeout=1000, every=5)
    eventually(lambda: hall.call("GET", "/halls/guangzhou/slots").status_code == 200, timeout=60, every=0.1)
    environment = {**os.environ, **{name: value or "" for name, value in hall.env.items()}}
    begun, last = script(hall).split("curl -s $API/appointments/$NUMBER -H")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'{begun}\necho "NUMBER=$NUMBER TICKET=$TICKET"; echo "ME=$ME"'],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    number, ticket = re.findall(r"NUMBER=(\S+) TICKET=(\S+)", ran.stdout)[0]
    me = {"Authorization": ran.stdout.rsplit("ME=Authorization: ", 1)[1].strip()}
    assert "BEGIN:VEVENT" in ran.stdout
    assert (hall.data_dir / "visit.svg").read_text().startswith("<svg")
    assert '"serving": "' in ran.stdout, "the display shows who is called"
    assert hall.call("GET", f"/appointments/{number}", headers=me).json()["state"] == "served"
    assert hall.call("GET", f"/tickets/{ticket}").json()["state"] == "finished"
    assert "outbox/$NUMBER" in last
    eventually(lambda: told(hall, number) == ["visit.booked"], timeout=30)
    statistics_follow(hall)


def statistics_follow(hall: Hall) -> None:
    """The manager sees the visit in the day's figures, and nobody else does."""
    login = {"login": "hall.manager", "password": "a fine password"}
    token = hall.call("POST", "/sessions", json=login).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}

    def served() -> bool:
        days = hall.call("GET", "/halls/guangzhou/statistics", headers=headers).json()["items"]
        return any((day["booked"], day["checked_in"], day["served"]) == (1, 1, 1) for day in days)

    eventually(served, timeout=30)
    assert hall.call("GET", "/halls/panyu/statistics", headers=headers).status_code == 403
    assert hall.call("GET", "/halls/guangzhou/statistics").status_code == 401
