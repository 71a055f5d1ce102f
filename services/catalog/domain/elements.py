"""The elements of one item: loaded by the contract's schema, completed, and checked against each other.

Nothing here knows other items; whether a department or a hall exists is asked elsewhere.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import marshmallow as ma

from kernel.contracts.items import ItemElements
from services.catalog.domain.categories import find

Document = dict[str, Any]
Messages = dict[str, Any]

_SCHEMA = ItemElements()
_FIELDS = {field.data_key or name: field for name, field in _SCHEMA.fields.items()}
# What catalog makes of the form by itself (空表, 样本); a material may name them without bringing them.
MADE = frozenset({"blank-form.html", "sample-form.html"})


def _plain(loaded: dict[str, Any]) -> Document:
    """As the schema would dump it: what is loaded are JSON values already, but for one name."""
    loaded["fields"] = loaded.pop("fields_")
    return loaded


_DEFAULTS = _plain(_SCHEMA.load({"code": "-", "name": "-", "department": "-"}))

_REQUIRED = {name for name, field in _FIELDS.items() if field.required}


def code_in(members: Mapping[str, Any]) -> str | None:
    """The item's code, if it can be one."""
    try:
        return str(_FIELDS["code"].deserialize(members.get("code"), "code"))
    except ma.ValidationError:
        return None


def load(members: Mapping[str, Any]) -> Document:
    """A whole item, as JSON has it. Raises marshmallow.ValidationError, also for a member that is unknown."""
    return _load_quickly(members) or _plain(_SCHEMA.load(members))


def _load_quickly(members: Mapping[str, Any]) -> Document | None:
    """What the schema would load, in a fraction of its time, where nothing is wrong; else None: the schema says what.

    Most elements of most items say nothing: what is equal to the default needs no second look.
    """
    said = {name: value for name, value in members.items() if not _says_nothing(name, value)}
    if not (said.keys() >= _REQUIRED and said.keys() <= _FIELDS.keys()):
        return None
    document, wrong = overlay(None, said)
    return None if wrong else document


def _says_nothing(name: str, value: Any) -> bool:
    default = _DEFAULTS.get(name)
    return name not in _REQUIRED and name in _DEFAULTS and type(value) is type(default) and value == default


def overlay(before: Mapping[str, Any] | None, said: Mapping[str, Any]) -> tuple[Document, Messages]:
    """An item of which only some elements are said; the others stay as they were. And what is wrong, by element.

    Each element goes through its own field of the schema: the rest was checked when it came.
    """
    document = {**_DEFAULTS, **(before or {})}
    wrong: Messages = {}
    for name, value in said.items():
        try:
            document[name] = _FIELDS[name].deserialize(value, name)
        except ma.ValidationError as error:
            wrong[name] = error.messages
    return document, wrong


def check(document: Document, files: Collection[str]) -> Messages:
    """What contradicts itself, by element; replaces names of categories by codes. `files`: names the item has."""
    wrong: Messages = {}
    for name, message in _contradictions(document, files):
        wrong.setdefault(name, []).append(message)
    known = [found for text in document["categories"] for found in find(text)]
    strange = [text for text in document["categories"] if not find(text)]
    if strange:
        wrong["categories"] = [f"no such category: {', '.join(strange)}"]
    document["categories"] = list(dict.fromkeys(category.code for category in known))
    return wrong


def _contradictions(document: Document, files: Collection[str]) -> Iterator[tuple[str, str]]:
    yield from _limits(document)
    if document["online"]:
        yield from _missing_online(document)
    for name, key in (("fields", "name"), ("materials", "code")):
        names = [each[key] for each in document[name]]
        if len(set(names)) < len(names):
            yield name, f"the same {key} twice"
    yield from _missing_files(document, files)


def _limits(document: Document) -> Iterator[tuple[str, str]]:
    statutory, promised = document["statutory_limit"], document["promised_limit"]
    if statutory and promised and statutory["unit"] == promised["unit"] and promised["amount"] > statutory["amount"]:
        yield "promised_limit", f"longer than the law allows ({statutory['amount']} {statutory['unit']})"


def _missing_online(document: Document) -> Iterator[tuple[str, str]]:
    if document["kind"] is None:
        yield "kind", "needed of an item that is online"
    if not document["windows"]:
        yield "windows", "at least one is needed of an item that is online"
    if document["kind"] == "promised" and not (document["statutory_limit"] or document["promised_limit"]):
        yield "promised_limit", "a limit is needed of an item that is online and not immediate"


def _missing_files(document: Document, files: Collection[str]) -> Iterator[tuple[str, str]]:
    there = {*files, *(MADE if document["fields"] else ())}
    for member in ("materials", "results"):
        for at, each in enumerate(document[member]):
            for form in ("blank_form", "sample_form"):
                if each.get(form) and each[form] not in there:
                    yield f"{member}.{at}.{form}", f"the item has no file {each[form]}"
