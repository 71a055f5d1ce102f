"""Alerts and dashboard ask for figures that there are, and each alert leads to what to type."""

import json
import re
from collections import Counter
from functools import cache
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from gateway.samples import ANSWERS
from gateway.testing import Hall
from operations.cli import main
from operations.watch import judging
from tests.house.repository import text
from tests.house.test_make import said_after

_SELECTED = re.compile(r"([a-z_]+)(?:\{([^}]*)\})?(\[[0-9]+[smhd]\])?")
_MATCHER = re.compile(r'([a-z_]+)(=~|!~|!=|=)"([^"]*)"')
_FUNCTIONS = {"sum", "rate", "delta", "histogram_quantile"}
_WORDS = {"by", "le", "status", "route", "how"}
_PLAIN = re.compile(r"[\s0-9.()+\-*/<>=!,]*")
_DURATION = re.compile(r"[0-9]+[smh]")


@cache
def figures() -> dict[str, dict[str, set[str]]]:
    """Every name in /metrics, with the values that each of its labels has."""
    hall = Hall()
    hall.services.answers = dict(ANSWERS)
    hall.ask("GET", "/health/live")
    found: dict[str, dict[str, set[str]]] = {"up": {"job": {"yichuang"}}}
    for family in text_string_to_metric_families(hall.ask("GET", "/metrics").text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


@cache
def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(text("deploy/prometheus/alerts.yml"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


@cache
def board() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text("deploy/grafana/yichuang.json"))
    return loaded


def queries() -> list[str]:
    return [target["expr"] for panel in board()["panels"] for target in panel["targets"]]


def expression(name: str) -> str:
    (found,) = [rule["expr"] for rule in alerts() if rule["alert"] == name]
    return str(found)


@pytest.mark.parametrize("expr", [rule["expr"] for rule in alerts()] + queries())
def test_an_expression_asks_for_what_there_is(expr: str) -> None:
    assert expr.count("(") == expr.count(")")
    selected = [(name, matchers) for name, matchers, _ in _SELECTED.findall(expr) if name not in _FUNCTIONS | _WORDS]
    assert selected
    for name, matchers in selected:
        assert name in figures(), name
        for label, operator, value in _MATCHER.findall(matchers):
            _check(figures()[name].get(label, set()), label, operator, value)
    assert _PLAIN.fullmatch(_SELECTED.sub("", expr)), "something that is no expression"


def _check(values: set[str], label: str, operator: str, value: str) -> None:
    """A label that is not there, or never has that value, makes an alert that never fires."""
    assert values, f"no label {label}"
    if operator in ("=", "!="):
        assert value in values, value
    elif value != "5..":  # no request has failed here
        assert set(value.split("|")) <= values, value


def test_each_alert_is_named_once_and_says_what_it_means() -> None:
    assert [name for name, count in Counter(rule["alert"] for rule in alerts()).items() if count > 1] == []
    for rule in alerts():
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert _DURATION.fullmatch(rule["for"])
        assert all(rule["annotations"][name] for name in ("summary", "meaning", "runbook"))


@pytest.mark.parametrize("link", sorted({rule["annotations"]["runbook"] for rule in alerts()}))
def test_each_alert_leads_to_a_section_with_something_to_type_or_to_see(link: str) -> None:
    document, _, anchor = link.partition("#")
    sections = re.split(r"^### ", text(document).split("## When something is wrong")[1], flags=re.MULTILINE)[1:]
    found = {re.sub(r"[^\w -]", "", one.splitlines()[0].lower()).replace(" ", "-"): one for one in sections}
    assert anchor in found
    assert re.search(r"`(yichuang|GET|kill)|Nothing to do", found[anchor])


def test_the_limits_of_alerts_are_those_of_the_screen() -> None:
    limits = {name: float(re.findall(r"[<>]=? ([0-9.]+)$", expression(name))[0]) for name in _LIMITS}
    assert limits == _LIMITS


_LIMITS = {
    "ConsumerBehind": judging.BEHIND,
    "RelayBehind": judging.BEHIND,
    "TimerLate": judging.LATE_OTHERWISE,
    "LooksNotBack": judging.LATE["tickets_left"],
    "MessagesDue": judging.LATE["messages"],
    "MessagesStuck": judging.UNSENT,
    "ProviderFails": judging.FAILING,
    "DiskFillsUp": judging.LITTLE_ROOM,
}


def test_prometheus_loads_the_alerts_and_looks_at_the_gateway() -> None:
    settings = yaml.safe_load(text("deploy/prometheus/prometheus.yml"))
    assert settings["rule_files"] == ["alerts.yml"]
    assert {job["job_name"] for job in settings["scrape_configs"]} == {"yichuang", "rabbitmq"}


def test_every_alert_is_in_the_runbook_and_no_other() -> None:
    table = text("docs/runbook.md").split("| alert | it means |")[1].split("\n\n")[0]
    sections = dict(re.findall(r"^\| `(\w+)` \|.*\(#([\w-]+)\) \|$", table, re.MULTILINE))
    links = {rule["alert"]: rule["annotations"]["runbook"].partition("#")[2] for rule in alerts()}
    assert sections == links


def test_the_panels_of_the_dashboard_have_names_and_do_not_lie_on_each_other() -> None:
    panels = board()["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len({panel["title"] for panel in panels}) == len(panels)
    assert len({panel["id"] for panel in panels}) == len(panels)


def commands() -> list[tuple[str, ...]]:
    """Every command that the runbook names, without what is given to it."""
    return sorted({tuple(_names(words)) for words in said_after("docs/runbook.md", "yichuang")})


def _names(words: list[str]) -> list[str]:
    command: click.Command = main
    names = []
    for word in words:
        if not isinstance(command, click.Group) or word not in command.commands:
            break
        command = command.commands[word]
        names.append(word)
    return names


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_of_the_runbook_runs(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, [*words, "--help"]).exit_code == 0
