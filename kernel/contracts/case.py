"""The facts of a case (办件): what can happen to it between receipt and conclusion. Published by filing.

A fact is what the log holds: past tense, frozen, versioned. `load_fact` checks data against the schema of the version
it was written in and lifts it to the present one; nothing downstream ever sees an old version.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from datetime import date, datetime
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from kernel.clock import format_time
from kernel.contracts.case_facts import (
    FACTS,
    CaseAccepted,
    CaseApproved,
    CaseConcluded,
    CaseDeclined,
    CaseExtended,
    CaseIncomplete,
    CaseLapsed,
    CaseRated,
    CaseReceived,
    CaseRefused,
    CaseResumed,
    CaseStep,
    CaseSuspended,
    CaseWithdrawn,
    Correction,
    Fact,
)
from kernel.contracts.envelope import Instant
from kernel.contracts.patterns import LINES_WITHOUT_C0, ONE_LINE_WITHOUT_C0
from kernel.errors import InvalidInput, Refusal

__all__ = [
    "FACTS",
    "SCHEMAS",
    "UPCASTERS",
    "CaseAccepted",
    "CaseApproved",
    "CaseConcluded",
    "CaseDeclined",
    "CaseExtended",
    "CaseIncomplete",
    "CaseLapsed",
    "CaseRated",
    "CaseReceived",
    "CaseRefused",
    "CaseResumed",
    "CaseStep",
    "CaseSuspended",
    "CaseWithdrawn",
    "Correction",
    "CorrectionSchema",
    "Fact",
    "FactSchema",
    "TextLength",
    "UnknownType",
    "UnknownVersion",
    "dump_fact",
    "load_fact",
    "received_v1_to_v2",
]


class TextLength(validate.Length):
    """A length of which spaces and characters that nobody sees are none, where there is nothing else."""

    def __call__(self, value: Any) -> Any:
        super().__call__(value if any(map(_is_seen, value)) else "")
        return value


def _is_seen(character: str) -> bool:
    return character.isprintable() and not character.isspace()


_TEXT = [TextLength(1, 2000), LINES_WITHOUT_C0]
_SHORT = [TextLength(1, 200), ONE_LINE_WITHOUT_C0]
_CODE = [TextLength(1, 64), ONE_LINE_WITHOUT_C0]


class UnknownType(Refusal):
    """No fact of this name exists."""

    code = "unknown_type"
    status = 422
    zh = "没有名为 {type} 的事件类型。"
    en = "There is no event type {type}."


class UnknownVersion(Refusal):
    """The type exists, the version does not."""

    code = "unknown_version"
    status = 422
    zh = "事件类型 {type} 没有版本 {version}；可用版本：{versions}。"
    en = "Event type {type} has no version {version}; versions: {versions}."


class _Texts(fields.List[str]):
    """A list of texts; one text alone is read as a list of one."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return tuple(super()._deserialize([value] if isinstance(value, str) else value, attr, data, **kwargs))


def _texts(maximum: int = 20, **kwargs: Any) -> _Texts:
    lengths = validate.Length(kwargs.pop("minimum", 0), maximum)
    return _Texts(fields.String(validate=_SHORT), validate=lengths, **kwargs)


class FactSchema(ma.Schema):
    """What every fact's data hold. A member that no version knows is refused, so a misspelt one is noticed."""

    class Meta:
        unknown = ma.RAISE

    occurred_at = Instant(required=True)
    by = fields.String(required=True, validate=_CODE)


class CorrectionSchema(ma.Schema):
    what = fields.String(required=True, validate=_TEXT)
    material = fields.String(validate=_SHORT, allow_none=True, load_default=None)
    field = fields.String(validate=_SHORT, allow_none=True, load_default=None)

    @ma.validates_schema
    def names_one(self, data: Mapping[str, Any], **_: Any) -> None:
        if bool(data.get("material")) == bool(data.get("field")):
            raise ma.ValidationError("Name either a material or a field.")

    @ma.post_load
    def build(self, data: dict[str, Any], **_: Any) -> Correction:
        return Correction(**data)


class CaseReceivedV1(FactSchema):
    """As first published: who applied and how they wish to be told was not on the log."""

    item = fields.String(required=True, validate=_CODE)
    department = fields.String(required=True, validate=_CODE)
    attempt = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 1000))
    channel = fields.String(load_default="online", validate=validate.OneOf(["online", "window"]))


class CaseReceivedV2(CaseReceivedV1):
    item_name = fields.String(required=True, validate=_SHORT)
    item_version = fields.Integer(strict=True, required=True, validate=validate.Range(1))
    department_name = fields.String(required=True, validate=_SHORT)
    applicant = fields.String(required=True, validate=_CODE)
    notices = _Texts(fields.String(validate=validate.OneOf(["sms", "email"])), load_default=("sms",))
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(["zh-Hans", "zh-Hant", "en"]))
    query_code_digest = fields.String(allow_none=True, load_default=None, validate=_CODE)


class CaseIncompleteV1(FactSchema):
    corrections = fields.List(fields.Nested(CorrectionSchema), required=True, validate=validate.Length(1, 50))
    due = fields.Date(allow_none=True, load_default=None)

    @ma.post_load
    def freeze(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "corrections": tuple(data["corrections"])}


class CaseAcceptedV1(FactSchema):
    deemed = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    effective_on = fields.Date(allow_none=True, load_default=None)
    statutory_due = fields.Date(allow_none=True, load_default=None)
    promised_due = fields.Date(allow_none=True, load_default=None)
    due_provisional = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class CaseDeclinedV1(FactSchema):
    reason = fields.String(required=True, validate=_TEXT)
    right_organ = fields.String(allow_none=True, load_default=None, validate=_SHORT)


class CaseStepV1(FactSchema):
    step_name = fields.String(required=True, validate=_SHORT)
    unit = fields.String(allow_none=True, load_default=None, validate=_SHORT)
    opinion = fields.String(allow_none=True, load_default=None, validate=_TEXT)


class CaseSuspendedV1(FactSchema):
    kind = fields.String(required=True, validate=_SHORT)
    expected_days = fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(1, 3660))


class CaseResumedV1(FactSchema):
    kind = fields.String(allow_none=True, load_default=None, validate=_SHORT)
    expected_days = fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(0, 3660))


class CaseExtendedV1(FactSchema):
    working_days = fields.Integer(strict=True, required=True, validate=validate.Range(1, 366))
    reason = fields.String(required=True, validate=_TEXT)


class CaseApprovedV1(FactSchema):
    document_number = fields.String(required=True, validate=_SHORT)


class CaseRefusedV1(FactSchema):
    reason = fields.String(required=True, validate=_TEXT)
    remedies = _texts(required=True, minimum=1)


class CaseConcludedV1(FactSchema):
    outcome = fields.String(required=True, validate=_SHORT)
    result_documents = _texts(load_default=())
    delivery = fields.String(allow_none=True, load_default=None, validate=_SHORT)


class CaseWithdrawnV1(FactSchema):
    reason = fields.String(allow_none=True, load_default=None, validate=_TEXT)


class CaseLapsedV1(FactSchema):
    pass


class CaseRatedV1(FactSchema):
    stars = fields.Integer(strict=True, required=True, validate=validate.Range(1, 5))
    tags = _texts(load_default=())
    comment_reference = fields.String(allow_none=True, load_default=None, validate=_CODE)


def received_v1_to_v2(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 named no applicant and no wishes: the case belongs to no account, and SMS was the only notice."""
    return {
        **data,
        "item_name": data["item"],
        "item_version": 1,
        "department_name": data["department"],
        "applicant": "unknown",
        "notices": ("sms",),
        "language": "zh-Hans",
        "query_code_digest": None,
    }


SCHEMAS: dict[tuple[str, int], ma.Schema] = {
    ("case.received", 1): CaseReceivedV1(),
    ("case.received", 2): CaseReceivedV2(),
    ("case.incomplete", 1): CaseIncompleteV1(),
    ("case.accepted", 1): CaseAcceptedV1(),
    ("case.declined", 1): CaseDeclinedV1(),
    ("case.step", 1): CaseStepV1(),
    ("case.suspended", 1): CaseSuspendedV1(),
    ("case.resumed", 1): CaseResumedV1(),
    ("case.extended", 1): CaseExtendedV1(),
    ("case.approved", 1): CaseApprovedV1(),
    ("case.refused", 1): CaseRefusedV1(),
    ("case.concluded", 1): CaseConcludedV1(),
    ("case.withdrawn", 1): CaseWithdrawnV1(),
    ("case.lapsed", 1): CaseLapsedV1(),
    ("case.rated", 1): CaseRatedV1(),
}

UPCASTERS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("case.received", 1): received_v1_to_v2,
}


def load_fact(type_: str, version: int, data: Mapping[str, Any]) -> Fact:
    """Read a fact's data as written in `version`, lifted to the present version.

    Raises UnknownType, UnknownVersion, or InvalidInput with field names that start with `data.`.
    """
    if type_ not in FACTS:
        raise UnknownType(type=type_)
    if (type_, version) not in SCHEMAS:
        known = ", ".join(str(v) for t, v in SCHEMAS if t == type_)
        raise UnknownVersion(type=type_, version=version, versions=known)
    try:
        loaded = SCHEMAS[type_, version].load(data)
    except ma.ValidationError as error:
        raise InvalidInput.from_messages({"data": error.messages}) from None
    while (type_, version) in UPCASTERS:
        loaded = UPCASTERS[type_, version](loaded)
        version += 1
    return FACTS[type_](**loaded)


def dump_fact(fact: Fact) -> dict[str, Any]:
    """A fact's data as JSON values, in its present version; members that are None are left out."""
    values = {item.name: getattr(fact, item.name) for item in dataclass_fields(fact)}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Correction):
        return {name: text for name, text in vars(value).items() if text is not None}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
