"""Whatever our schemas and domains can say about a field has Chinese words."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import marshmallow as ma
import pytest
from marshmallow import fields, validate

import kernel.contracts
from gateway.wording import is_known, worded
from kernel.contracts.items import FIELD_TYPES

ROOT = Path(kernel.__file__).parents[1]


def schemas() -> Iterator[ma.Schema]:
    for module in pkgutil.iter_modules(kernel.contracts.__path__):
        if not module.name.startswith("test_"):
            for thing in vars(importlib.import_module(f"kernel.contracts.{module.name}")).values():
                if inspect.isclass(thing) and issubclass(thing, ma.Schema):
                    yield thing()


# Templates that only appear with values, or that are parts of another message.
PARTS = {"greater than", "greater than or equal to", "less than", "less than or equal to"}


def of_field(field: fields.Field) -> Iterator[str]:
    yield from (message for message in field.error_messages.values() if "{" not in message)
    for validator in field.validators:
        yield from of_validator(validator)
    inner = [getattr(field, name, None) for name in ("inner", "key_field", "value_field")]
    for one in inner:
        if one is not None:
            yield from of_field(one)


def of_validator(validator: object) -> Iterator[str]:
    if isinstance(validator, validate.Length | validate.Range):
        # Which of its messages is used depends on the value: take all that its bounds allow.
        bounds = {name: getattr(validator, name, None) for name in ("min", "max", "equal")}
        for name in dir(validator):
            template = getattr(validator, name)
            if name.startswith("message_") and template not in PARTS:
                wanted = set(re.findall(r"{(\w+)}", template))
                if all(bounds[one] is not None for one in wanted):
                    yield template.format(**bounds)
    elif isinstance(validator, validate.OneOf):
        yield validator.error.format(choices=validator.choices_text, labels="", input="")
    elif isinstance(validator, validate.Equal):
        yield validator.error.format(other=validator.comparable, input="")
    elif isinstance(validator, validate.Regexp | validate.Email | validate.URL):
        yield validator.error
    else:
        raise AssertionError(f"a validator whose messages this test does not know: {validator!r}")


def of_schemas() -> set[str]:
    found: set[str] = set()
    for schema in schemas():
        found.update(schema.error_messages.values())
        for field in schema.fields.values():
            found.update(of_field(field))
    return found


def of_source(path: Path) -> Iterator[str]:
    """Sentences in code that raises field errors: literals, and f-strings with 7 in their gaps."""
    text = path.read_text()
    if not re.search(r"InvalidInput|ValidationError|wrong\[", text):
        return
    tree = ast.parse(text)
    skipped = {id(node) for outer in ast.walk(tree) for node in not_said(outer)}
    for node in ast.walk(tree):
        sentence = said(node) if id(node) not in skipped else None
        if sentence is not None and re.fullmatch(r"[A-Z][ -~]+\.", sentence):
            yield sentence


def said(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def not_said(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, the parts of f-strings, and the sentences of refusals, which are worded where they stand."""
    if isinstance(node, ast.Expr | ast.JoinedStr):
        yield from ast.walk(node) if isinstance(node, ast.Expr) else node.values
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id in ("en", "zh") for target in targets):
            yield from ast.walk(node)


# What stands in a gap that is not a number.
GAPS = {"Not a valid 7.": [f"Not a valid {kind}." for kind in FIELD_TYPES]}


def of_code() -> set[str]:
    places = [*ROOT.glob("kernel/contracts/*.py"), *ROOT.glob("services/*/domain/*.py"), *ROOT.glob("gateway/*.py")]
    found = {sentence for path in places if not path.name.startswith("test_") for sentence in of_source(path)}
    return {filled for sentence in found for filled in GAPS.get(sentence, [sentence])}


def test_the_search_finds_messages_of_both_kinds() -> None:
    assert {
        "Missing data for required field.",
        "Length must be between 8 and 128.",
        "Must be accepted.",
    } <= of_schemas()
    assert {"Not valid base64.", "Name either a material or a field."} <= of_code()


def test_every_message_of_every_schema_has_chinese_words() -> None:
    assert [message for message in sorted(of_schemas()) if not is_known(message)] == []


def test_every_message_written_in_the_code_has_chinese_words() -> None:
    assert [message for message in sorted(of_code()) if not is_known(message)] == []


@pytest.mark.parametrize(
    ("message", "language", "words"),
    [
        ("Length must be between 8 and 128.", "zh-Hans", "长度应为 8 至 128。"),
        ("Length must be between 8 and 128.", "zh-Hant", "長度應為 8 至 128。"),
        ("Length must be between 8 and 128.", "en", "Length must be between 8 and 128."),
        ("Must be one of: sms, email.", "zh-Hans", "应为以下之一：sms, email。"),
        ("Never heard of.", "zh-Hans", "Never heard of."),
    ],
)
def test_words(message: str, language: str, words: str) -> None:
    assert worded(message, language) == words
