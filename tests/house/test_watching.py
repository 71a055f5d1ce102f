"""Alert rules and dashboard name figures that there are, and each alert leads to a part of the runbook."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.house.repository import text
from tests.house.test_documents import _FIGURE, code

RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(text("deploy/prometheus/alerts.yml"))["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads(text("deploy/grafana/hall.json"))
TARGETS = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
# Of RabbitMQ's own plugin, and Prometheus's own.
OTHERS = {"rabbitmq_queue_messages", "rabbitmq_queue_consumers", "up"}
_SUFFIXES = {"Counter": ("_total",), "Gauge": ("",), "Histogram": ("_bucket", "_count", "_sum")}


def known() -> set[str]:
    figures = [match for name in code() for match in _FIGURE.findall(text(name))]
    return {name + suffix for kind, name in figures for suffix in _SUFFIXES[kind]}


def named(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:yichuang|rabbitmq)_\w+|\bup\b", expression))


def anchors() -> set[str]:
    """As a reader of Markdown makes them of headings."""
    titles = re.findall(r"^#+ (.+)$", text("docs/runbook.md"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_of_figures_that_there_are_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert named(rule["expr"])
    assert named(rule["expr"]) <= known() | OTHERS
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] in anchors()
    assert rule["expr"].count("(") == rule["expr"].count(")")


@pytest.mark.parametrize(("title", "expression"), TARGETS, ids=[f"{title} {n}" for n, (title, _) in enumerate(TARGETS)])
def test_a_panel_shows_figures_that_there_are(title: str, expression: str) -> None:
    assert named(expression)
    assert named(expression) <= known() | OTHERS


def test_every_alert_is_in_the_runbook_and_no_other() -> None:
    table = text("docs/runbook.md").split("| alert | it means |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_panels_have_ids_and_places_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(set(places)) == len(ids)


def test_prometheus_is_told_to_read_the_rules() -> None:
    settings = yaml.safe_load(text("deploy/prometheus/prometheus.yml"))
    assert settings["rule_files"] == ["alerts.yml"]
    assert {job["job_name"] for job in settings["scrape_configs"]} == {"yichuang", "rabbitmq"}
