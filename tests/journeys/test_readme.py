"""The README's journey, run as it stands."""

import os
import re
import subprocess

from kernel.testing import eventually
from tests.hall import ROOT
from tests.journeys.conftest import Town


def test_the_first_case_of_the_readme_ends_concluded_with_its_messages(embedded_town: Town) -> None:
    hall = embedded_town.hall
    script = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    shown, messages = script.replace("http://127.0.0.1:8000", hall.url).split("cat var/outbox")
    environment = {**os.environ, "DATA_DIR": str(hall.data_dir)}
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shown + 'echo "SERIAL=$SERIAL"'],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert '"state": "concluded"' in ran.stdout
    assert messages.strip() == "/*.json"
    serial = ran.stdout.rsplit("SERIAL=", 1)[1].strip()
    outbox = hall.data_dir / "outbox"
    eventually(lambda: sum(serial in path.read_text() for path in outbox.glob("*.json")) == 4)
