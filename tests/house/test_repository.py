"""What holds for every file: the lock, what must not be said, and the house's habits."""

import ast
import re
import tomllib

from tests.house.repository import python_files, text, tracked

LONGEST_MODULE = 400  # lines
# Written in two parts, or this file would be the first to be found.
MACHINES = [f"/{place}/" for place in ("work", "root", "opt", "home")]
REGISTRIES = ["py" + "pi.org", "python" + "hosted", "index" + "-url", "find" + "-links", "trusted" + "-host"]
SKIPS = ["mark.sk" + "ip", "mark.x" + "fail", "pytest.sk" + "ip(", "pytest.x" + "fail(", "import" + "orskip"]
TEXTS = (".py", ".md", ".toml", ".yml", ".json", ".sh", ".sql", ".lock", ".conf", ".html", ".txt", ".csv")


def readable() -> list[str]:
    named = ("Makefile", "Dockerfile", ".env.example", ".dockerignore", ".gitignore", ".ci/run")
    return [name for name in tracked() if name.endswith(TEXTS) or name in named]


def pinned() -> dict[str, str]:
    """Every requirement of the lock, with its hashes."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==((?:.*\\\n)*.*)$", text("requirements.lock"), re.MULTILINE)
    return dict(found)


def found_in(names: list[str], words: list[str]) -> dict[str, list[str]]:
    """Which of the files hold which of the words."""
    found = {name: [word for word in words if word in text(name)] for name in names}
    return {name: words for name, words in found.items() if words}


def test_every_package_is_pinned_with_its_hashes() -> None:
    assert len(pinned()) > 50
    assert [name for name, rest in pinned().items() if "--hash=sha256:" not in rest] == []
    assert "://" not in text("requirements.lock")


def test_every_dependency_is_in_the_lock() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[<>=\[]", each)[0].lower().replace("_", "-") for each in wanted}
    assert names <= {name.lower() for name in pinned()}


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert len(readable()) > 100
    assert found_in(readable(), [*MACHINES, *REGISTRIES]) == {}


def test_no_test_is_left_out() -> None:
    assert found_in([name for name in python_files() if "test" in name], SKIPS) == {}


def test_every_module_stays_readable() -> None:
    lengths = {name: len(text(name).splitlines()) for name in python_files()}
    assert {name: length for name, length in lengths.items() if length >= LONGEST_MODULE} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [name for name in python_files() if text(name).strip() and not ast.get_docstring(ast.parse(text(name)))]
    assert silent == []


def test_no_test_sleeps() -> None:
    """A stand-in may take its time; a test polls."""
    names = [name for name in python_files() if re.search(r"(^|/)(test_|conftest)", name)]
    tests = {
        name: [node for node in ast.walk(ast.parse(text(name))) if isinstance(node, ast.FunctionDef)] for name in names
    }
    assert [
        (name, test.name) for name in names for test in tests[name] if test.name.startswith("test_") and _sleeps(test)
    ] == []


def _sleeps(node: ast.AST) -> bool:
    inside = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.FunctionDef | ast.Lambda)]
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
        return True
    return any(_sleeps(child) for child in inside)


def test_whoever_catches_everything_says_why() -> None:
    """`except Exception` needs a comment, in its line or in the next; a bare `except` is never right."""
    catches = re.compile(r"^ *except( (?:Base)?Exception(?: as \w+)?)?:(.*\n.*)$", re.MULTILINE)
    found = {name: catches.findall(text(name)) for name in python_files()}
    wrong = {name: [what for what, after in hits if not what or "#" not in after] for name, hits in found.items()}
    assert {name: hits for name, hits in wrong.items() if hits} == {}
