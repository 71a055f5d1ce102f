"""The commands that documents name are those that there are."""

import os
import re
import shlex
import subprocess

import click
import pytest

from operations.cli import main
from tests.house.repository import ROOT, text, tracked

DOCUMENTS = [name for name in tracked() if name.endswith(".md")]
_BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))


def commands_in(document: str) -> list[list[str]]:
    """What a document tells its reader to type, as words: lines of code blocks, and code within sentences."""
    written = text(document)
    blocks = [line for block in _BLOCK.findall(written) for line in block.replace("\\\n", " ").splitlines()]
    return [line.replace("$ ", "").split() for line in [*blocks, *_INLINE.findall(_BLOCK.sub("", written))] if line]


def said_after(document: str, program: str) -> list[list[str]]:
    """The words that follow `program` wherever the document begins a command with it."""
    begins = [words for words in commands_in(document) if words and words[0].rsplit("/", 1)[-1] == program]
    return [words[1:] for words in begins]


def test_make_alone_lists_every_target_with_what_it_does() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    described = dict(re.findall(r"^  make ([a-z]+) +(\S.*)$", listed, re.MULTILINE))
    assert set(described) == targets()
    assert set(described) >= {"help", "run", "test", "check", "bench", "up", "down"}


@pytest.mark.parametrize("target", sorted(targets()))
def test_every_target_can_be_made(target: str) -> None:
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)


def test_every_make_command_in_a_document_is_a_target() -> None:
    said = {words[0] for document in DOCUMENTS for words in said_after(document, "make") if words}
    assert {word for word in said if "=" not in word} <= targets()


def test_every_yichuang_command_in_a_document_exists() -> None:
    said = {document: said_after(document, "yichuang") for document in DOCUMENTS}
    wrong = {document: [words for words in found if not _exists(words)] for document, found in said.items()}
    assert {document: found for document, found in wrong.items() if found} == {}


def _exists(words: list[str]) -> bool:
    """Whether the leading plain words name a command, and whether that knows the options that follow."""
    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group) and rest and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    options = [word.split("=")[0] for word in rest if word.startswith("--")]
    unfinished = isinstance(command, click.Group) and rest and not rest[0].startswith(("-", "…", "|"))
    return not unfinished and all(option in known for option in options)


def test_the_readme_shows_how_to_run_and_to_test() -> None:
    assert {"run", "test"} <= {words[0] for words in said_after("README.md", "make") if words}


def test_continuous_integration_checks_and_tests() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert text(".ci/run").startswith("#!/usr/bin/env bash\n")
    lines = [shlex.split(line, comments=True) for line in text(".ci/run").splitlines()]
    assert ["set", "-euo", "pipefail"] in lines
    assert lines.index(["make", "check"]) < lines.index(["make", "test"])
