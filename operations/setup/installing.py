"""Finding the programs that tests start, and installing what is missing where that is allowed.

Never changes a machine unless run as root on a system with apt-get; otherwise says what to install.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

# Where packages put programs that are not on everybody's PATH.
_PLACES = ("/usr/lib/rabbitmq/bin", "/usr/local/sbin", "/usr/sbin", "/usr/lib/postgresql/*/bin")


class Missing(Exception):
    """A program is not installed and may not be installed by us; the message says what to do, in one line."""


def find(program: str) -> Path | None:
    """The newest installed `program`: in the places of server packages first, where wrappers can't stand before it."""
    for place in _PLACES:
        *_, last = [None, *sorted(Path("/").glob(f"{place[1:]}/{program}"), key=_version)]
        if last is not None:
            return last
    on_path = shutil.which(program)
    return Path(on_path) if on_path else None


def _version(path: Path) -> list[int]:
    return [int(part) for part in path.parts if part.isdigit()]


def need(program: str, package: str) -> Path:
    """Where `program` is. Raises Missing, naming the Debian package that brings it."""
    found = find(program)
    if found is None:
        raise Missing(f"{program} is not installed; install it with: apt-get install {package}")
    return found


def install(packages: Sequence[str]) -> None:
    """Install Debian packages. Raises Missing where that is not for us to do, or did not work."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"needed and not installed; install with: apt-get install {' '.join(packages)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False, stdout=subprocess.DEVNULL)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    done = subprocess.run(command, env=quiet, check=False, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Missing(f"could not be installed (see above); install with: apt-get install {' '.join(packages)}")
