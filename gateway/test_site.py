"""The page for people agrees with what it is made of: every word, element and address that it uses is there."""

import re
from functools import cache
from pathlib import Path

import orjson
import pytest

from gateway import pages
from gateway.routes import API, ROUTES
from gateway.testing import Hall
from kernel.contracts.appointment import STATES
from kernel.contracts.catalog import Facets
from kernel.contracts.hall_day import STATES as TICKET_STATES
from kernel.contracts.halls import LEVELS
from kernel.contracts.items import AUDIENCES, UNITS
from kernel.contracts.waiting import ENTRY_STATES

SITE = Path(pages.__file__).parent / "site"


@cache
def text(name: str) -> str:
    return (SITE / name).read_text()


def scripts() -> str:
    return "".join(text(name) for name in pages.ASSETS if name.endswith(".js"))


def words() -> dict[str, dict[str, str]]:
    made: dict[str, dict[str, str]] = orjson.loads(pages.words())
    return made


def used_words() -> set[str]:
    """In the page, and in calls of `t`, also as its choice between two."""
    script = scripts()
    direct = re.findall(r'\bt\("(\w+)"[,)]', script)
    choices = [word for pair in re.findall(r'\b(?:t|button)\([^()"]+\? "(\w+)" : "(\w+)"', script) for word in pair]
    direct += re.findall(r'\b(?:input|button)\("(\w+)"', script)
    direct += re.findall(r'"(\w+)",\s+async', script)  # on the button of a form
    states = [*(f"state_{state}" for state in STATES), *(f"entry_{state}" for state in ENTRY_STATES)]
    states += [f"ticket_{state}" for state in TICKET_STATES]
    by_value = [*AUDIENCES, *UNITS, *LEVELS, *Facets().fields, *states, "blank", "filled"]
    return {*direct, *choices, *by_value, *re.findall(r'data-t="(\w+)"', text("page.html"))}


def test_every_word_is_said_in_every_language() -> None:
    assert used_words() - set(words()) == set()
    for said in words().values():
        assert set(said) == {"zh-Hans", "zh-Hant", "en"}
        assert all(said.values())


def test_no_word_is_left_over() -> None:
    assert set(words()) - used_words() == set()


def test_what_stands_in_the_page_is_what_the_words_say() -> None:
    for word, said in re.findall(r'data-t="(\w+)">([^<]+)<', text("page.html")):
        assert words()[word]["zh-Hans"] == said


def test_gaps_are_the_same_in_every_language() -> None:
    for said in words().values():
        assert len({tuple(sorted(re.findall(r"{\w}", one))) for one in said.values()}) == 1


def test_every_element_that_the_script_looks_for_is_in_the_page() -> None:
    ids = set(re.findall(r'getElementById\("(\w+)"\)', scripts())) | {"languages"}
    assert ids <= set(re.findall(r'id="(\w+)"', text("page.html")))


def test_every_address_of_the_api_that_the_script_asks_is_a_route() -> None:
    asked = set(re.findall(r'ask\("(/[a-z/]*)"', scripts()))
    assert len(asked) >= 6
    served = {re.sub(r"{\w+}", "", route.path.removeprefix(API)) for route in ROUTES if route.method == "GET"}
    assert asked - served == set()


def test_what_the_script_sends_goes_to_routes_that_take_it() -> None:
    sent = set(re.findall(r'send\("(/[a-z/-]*)", (?!{method)', scripts()))
    assert sent == {"/verifications", "/sessions/guest", "/appointments", "/waiting-list"}
    served = {(route.method, re.sub(r"{\w+}", "{}", route.path.removeprefix(API))) for route in ROUTES}
    assert {("POST", address) for address in sent} <= served
    assert set(re.findall(r'file\("(\w+)', scripts())) == {"qr", "calendar"}
    done = {"cancellation", "move", "confirmation", "check-in"}
    assert set(re.findall(r"{(?:\w+\.)?number}/([\w-]+)", scripts())) == done
    visit = "/appointments/{}/"
    assert {("GET", f"{visit}{name}") for name in ("qr", "calendar")} <= served
    assert {("POST", f"{visit}{name}") for name in done} <= served
    assert {("POST", "/waiting-list/{}/cancellation"), ("POST", "/halls/{}/appeals")} <= served
    assert {("GET", own) for own in re.findall(r'\bown\("(/[a-z-]+)"', scripts())} <= served


def test_every_page_that_the_script_links_to_is_a_route() -> None:
    linked = set(re.findall(r'(?:link\(|return )"(/[a-z.]*/?)"', scripts())) - {"/?"}
    served = {re.sub(r"{\w+}", "", route.path) for route in ROUTES}
    assert {"/guide/", "/docs"} <= linked
    assert linked - served == set()


def test_what_a_script_takes_from_another_is_given_there() -> None:
    taken = 0
    for name in (name for name in pages.ASSETS if name.endswith(".js")):
        for names, other in re.findall(r'^import {([^}]+)} from "\./([a-z]+\.js)";', text(name), re.MULTILINE):
            given = set(re.findall(r"^export (?:async )?(?:function|const|let) (\w+)", text(other), re.MULTILINE))
            wanted = set(names.split(", "))
            assert wanted - given == set(), (name, other)
            assert [
                word for word in wanted if not re.search(rf"[^\w\"]{word}\b", text(name).split("\n\n", 2)[-1])
            ] == []
            taken += len(wanted)
    assert taken > 30


def test_every_filter_is_one_of_the_lists() -> None:
    (named,) = re.findall(r"FILTERS = \[([^]]+)\]", scripts())
    assert set(re.findall(r'"(\w+)"', named)) == set(Facets().fields)


def test_every_class_has_a_style() -> None:
    used = re.findall(r'class(?:="|: ")([a-z ]+)"', scripts() + text("page.html"))
    styled = set(re.findall(r"\.([a-z]+)", text("hall.css")))
    assert {name for names in used for name in names.split()} - styled == set()


def test_nothing_from_outside_becomes_markup() -> None:
    script = scripts()
    assert re.findall(r"(\w+)\.innerHTML", script) == ["box"]  # a template, of which the text is taken
    for way in ("outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"):
        assert way not in script


def test_no_script_and_no_style_stands_in_the_page(hall: Hall) -> None:
    page = hall.ask("GET", "/")
    assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|style=", page.text) == []
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_only_the_files_of_the_page_are_given_out(hall: Hall) -> None:
    for name in pages.ASSETS:
        assert hall.ask("GET", f"/assets/{name}").status_code == 200
    for name in ("page.html", "..", "%2e%2e%2fpages.py", "hall.css/"):
        assert hall.ask("GET", f"/assets/{name}").status_code == 404
