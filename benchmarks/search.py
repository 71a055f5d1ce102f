"""How well the search ranks: hit@1, hit@5, MRR on the demo catalogue, and on a real city's items if they are at hand.

ITEMS_CSV names the file of real items (1,135 of Guang'an; their names are facts of the public repository v-luobo/zwfw).
Queries were written before the search was tuned, by people who had not seen its vocabulary. While that grew, the misses
of the `first` and the `fifth` set were looked at; those of the others never were.
"""

import csv
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import report
from benchmarks.search_quality import Query, evaluate
from services.catalog.application.sources import demo
from services.catalog.domain.search import Entry

_HERE = Path(__file__).parent
ITEMS_CSV = Path(os.environ.get("ITEMS_CSV") or _HERE.parent.parent / "shared" / "data" / "service-items-guangan.csv")


def demo_items() -> list[Entry]:
    """The demo catalogue, as it is searched."""
    documents = [json.loads(path.read_text()) for path in demo().paths]
    names = {department["code"]: department["name"] for read in documents for department in read["departments"]}
    return [_entry(item, names[item["department"]]) for read in documents for item in read["items"]]


def _entry(item: dict[str, Any], department: str) -> Entry:
    everyday = (item.get("plain_name", ""), *item.get("everyday_names", ()))
    return Entry(item["name"], tuple(filter(None, everyday)), (department,))


def real_items() -> list[Entry]:
    with ITEMS_CSV.open(encoding="utf-8-sig", newline="") as file:
        return [Entry(row["name"], (), (row["department"],)) for row in csv.DictReader(file)]


def queries(name: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads((_HERE / name).read_text())
    return read


def print_quality(name: str, items: Sequence[Entry], asked: Sequence[Query]) -> None:
    found = evaluate(items, asked)
    for kind in ("all", "everyday") if len(found) > 2 else ("all",):
        quality = found[kind]
        for figure, value in (("hit@1", quality.hit_1), ("hit@5", quality.hit_5), ("mrr", quality.mrr)):
            report(f"search.{name}.{kind}.{figure}", value, f"of {quality.queries} queries")


def main() -> int:
    print_quality("demo", demo_items(), queries("search_queries_demo.json"))  # type: ignore[arg-type]
    if not ITEMS_CSV.exists():
        sys.stderr.write("no real items here: set ITEMS_CSV to a file of them\n")
        return 0
    items, asked = real_items(), queries("search_queries_real.json")
    for name in ("first", "second", "third", "fourth", "fifth", "sixth"):
        print_quality(f"real.{name}", items, [query for query in asked if query["set"] == name])  # type: ignore[misc]
    return 0


if __name__ == "__main__":
    sys.exit(main())
