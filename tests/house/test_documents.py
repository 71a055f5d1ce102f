"""Documents name what there is: every state and fact, every line of the log, every figure, every module."""

import ast
import re
from collections.abc import Sequence
from pathlib import Path, PurePath

from kernel.contracts import accounts
from kernel.contracts.case import FACTS
from kernel.contracts.lifecycle import State
from tests.house.repository import ROOT, python_files, text

_LOGGED = re.compile(r"""log\.(?:warning|error|exception|critical)\(\s*"([^"]+)\"""")
_NAMED = re.compile(r"`((?:kernel|services|gateway|operations|application|adapters|domain)\.[A-Za-z_.]+)`")
_FIGURE = re.compile(r"""(Counter|Gauge|Histogram)\(\s*"([^"]+)\"""")


def code() -> list[str]:
    """Modules that run in a hall."""
    folders = ("kernel/", "services/", "gateway/", "operations/")
    return [name for name in python_files() if name.startswith(folders) and "test" not in name]


def explained(document: str) -> set[str]:
    """What a document sets in code type."""
    return set(re.findall(r"`([^`\n]+)`", text(document)))


def test_every_state_and_every_fact_is_in_the_glossary() -> None:
    names = {str(state) for state in State} | {fact.__name__ for fact in FACTS.values()} | set(accounts.ROLES)
    assert names - explained("docs/glossary.md") == set()


def test_every_entry_of_the_glossary_has_all_its_parts() -> None:
    rows = [line for line in text("docs/glossary.md").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    wrong = [row for row in cells if len(row) != 5 or not (row[0] and row[1] and row[2] and row[4])]
    assert wrong == []


def test_every_warning_and_error_is_explained_in_the_runbook() -> None:
    said = {sentence for name in code() for sentence in _LOGGED.findall(text(name))}
    assert len(said) > 20
    assert said - explained("docs/runbook.md") == set()


def test_the_runbook_explains_no_line_that_nobody_logs() -> None:
    table = text("docs/runbook.md").split("## What each line")[1].split("## When")[0]
    explained_lines = set(re.findall(r"^\| `([^`]+)` \| (?:error|warning) \|", table, re.MULTILINE))
    said = {sentence for name in code() for sentence in _LOGGED.findall(text(name))}
    assert explained_lines - said == set()


def test_every_figure_is_in_the_runbook() -> None:
    figures = [match for name in code() for match in _FIGURE.findall(text(name))]
    names = {f"{name}_total" if kind == "Counter" else name for kind, name in figures}
    assert len(names) > 5
    assert names - explained("docs/runbook.md") == set()


def test_links_between_documents_lead_somewhere() -> None:
    for document in ("docs/runbook.md",):
        headings = re.findall(r"^#+ (.+)$", text(document), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert set(re.findall(r"\]\(#([^)]+)\)", text(document))) <= anchors


def test_what_modules_say_of_each_other_stands_where_they_say() -> None:
    named = {(name, dotted) for name in python_files() for dotted in _NAMED.findall(text(name))}
    assert len(named) > 50
    assert sorted(each for each in named if not stands(*each)) == []


def stands(module: str, dotted: str) -> bool:
    """Whether it is defined where its name says. Read, not imported: some modules change the process they are in."""
    layer = dotted.split(".")[0] in ("application", "adapters", "domain")
    parts = [*(PurePath(module).parts[:2] if layer else ()), *dotted.split(".")]
    for length in range(len(parts), 0, -1):
        place = Path(ROOT, *parts[:length])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return defines(ast.parse(file.read_text()), parts[length:])
    return False


def defines(where: ast.AST, names: Sequence[str]) -> bool:
    if not names:
        return True
    inner = {name: node for node in ast.iter_child_nodes(where) for name in made_by(node)}
    return names[0] in inner and defines(inner[names[0]], names[1:])


def made_by(node: ast.AST) -> list[str]:
    """What a statement gives a name to, but for imports."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
