"""A small catalogue of the tests' own, imported as an operator does, and what the gateway makes of it."""

import json
from pathlib import Path
from typing import Any

import requests

from kernel.testing import eventually
from tests.hall import Hall

DEPARTMENT = "11440105MB2D84621T"


def catalogue(name: str, *codes: str) -> str:
    """A file of items of one department."""
    department = {"code": DEPARTMENT, "name": "示例旅程局", "sample": True}
    items = [
        {"code": code, "name": name, "department": DEPARTMENT, "conditions": ["在本区居住"], "sample": True}
        for code in codes
    ]
    made = {"format": "yichuang-catalogue/1", "departments": [department], "items": items}
    return json.dumps(made, ensure_ascii=False)


def imported(hall: Hall, text: str, place: Path) -> None:
    """`yichuang catalog import`, to its end."""
    file = place / "catalogue.json"
    file.write_text(text)
    hall.does("catalog", "import", str(file))


def guide(hall: Hall, code: str, language: str = "zh-Hans", **headers: str) -> requests.Response:
    return hall.call("GET", f"/items/{code}", headers={"Accept-Language": language, **headers})


def figure(hall: Hall, line: str) -> float:
    """One of the gateway's figures, by its name and labels."""
    text = hall.call("GET", "//metrics").text
    return float(next(one for one in text.splitlines() if one.startswith(line + " ")).split()[1])


def is_kept(hall: Hall, code: str) -> bool:
    """Whether asking for the guide is answered from memory."""
    kept = 'yichuang_cache_answers_total{how="kept"}'
    before = figure(hall, kept)
    return guide(hall, code).status_code == 200 and figure(hall, kept) > before


def shows(hall: Hall, code: str, name: str) -> Any:
    """The guide, once it has this name."""
    return eventually(lambda: (found := guide(hall, code)).json().get("name") == name and found, timeout=30)
