"""The repository as a set of files, for tests that hold its documents against its code."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def text(path: str) -> str:
    """A file's text, by its path from the top."""
    return (ROOT / path).read_text("utf-8")


@cache
def tracked() -> tuple[str, ...]:
    """All files that belong to the project: what git knows, or would take in, less what was deleted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(name for name in sorted(set(listed.splitlines())) if (ROOT / name).is_file())


def python_files() -> list[str]:
    """All modules of the project."""
    return [name for name in tracked() if name.endswith(".py")]
