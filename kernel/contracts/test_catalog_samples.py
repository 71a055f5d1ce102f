"""The frozen sample of the catalogue's fact can still be read, and is dumped as it was. A sample is never edited."""

import json
from pathlib import Path
from typing import Any

import marshmallow as ma
import pytest

from kernel.clock import parse_time
from kernel.contracts.catalog_facts import NAMED, STREAM, CatalogChanged, dump_changed, load_changed
from kernel.contracts.envelope import dataschema, parse_envelope

SAMPLE: dict[str, Any] = json.loads((Path(__file__).parent / "samples" / "catalog.changed.1.json").read_text())
CODE = "11440100000003009X300013100100"


def test_the_sample_is_an_event_of_the_catalogue() -> None:
    envelope = parse_envelope(SAMPLE)
    assert (envelope.type, envelope.version, envelope.subject) == (CatalogChanged.TYPE, CatalogChanged.VERSION, STREAM)
    assert SAMPLE["dataschema"] == dataschema(CatalogChanged.TYPE, CatalogChanged.VERSION)


def test_the_sample_is_read_whole_and_dumped_as_it_was() -> None:
    fact = load_changed(SAMPLE["data"])
    assert fact == CatalogChanged(
        occurred_at=parse_time("2026-02-09T12:00:00+08:00"),
        by="operator",
        version=2,
        source="service-items.csv",
        added=1,
        changed=1,
        retired=1,
        halls=0,
        codes=(f"{CODE}1", f"{CODE}2", f"{CODE}3"),
    )
    assert dump_changed(fact) == SAMPLE["data"]


@pytest.mark.parametrize(
    "change",
    [{"version": 0}, {"version": "2"}, {"by": ""}, {"codes": ["x"] * (NAMED + 1)}, {"colour": "red"}, {"retired": -1}],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ma.ValidationError):
        load_changed({**SAMPLE["data"], **change})
