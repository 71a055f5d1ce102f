"""Runs every benchmark, one process each, and passes their JSON lines on: `python -m benchmarks [name …]`."""

import pkgutil
import subprocess
import sys

import benchmarks

_SUPPORT = ("__main__", "load", "stock", "hall", "figures", "rebuild_peer", "search_quality")


def main(names: list[str]) -> int:
    """Run the named benchmarks (all without names). Returns how many failed."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name not in _SUPPORT]
    failed = 0
    for name in names or known:
        sys.stderr.write(f"# {name}\n")
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
