"""How a figure is printed: one JSON line with its name, value, unit and ratios to peers measured in the same run."""

import json
import sys


def report(name: str, value: float, unit: str, **vs: float) -> None:
    """Print one figure; `vs` maps a peer's name to our value divided by the peer's (or as the name says)."""
    ratios = {peer: round(ratio, 3) for peer, ratio in vs.items()}
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "vs": ratios}) + "\n")
    sys.stdout.flush()


def percentile(samples: list[float], share: float) -> float:
    """The smallest sample that `share` (0 to 1) of all samples do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
