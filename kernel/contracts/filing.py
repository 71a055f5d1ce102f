"""What filing is asked and what it answers: drafts, their submission, and what applicants and departments do to cases.

Public: the gateway checks requests against these and describes its routes with them.
"""

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.accounts import LANGUAGES, Principal, Request
from kernel.contracts.case import TextLength
from kernel.contracts.envelope import Instant
from kernel.contracts.items import FormField, MaterialAsked, Window
from kernel.contracts.patterns import CODE, KEY, LINES_WITHOUT_C0, NO_PATH
from kernel.contracts.standing import Relayed, Sized, Timer

MAX_DATA_BYTES = 64 * 1024
MAX_MATERIAL_BYTES = 10 * 1024 * 1024
MATERIAL_FORMATS = ["png", "jpeg", "heic", "pdf", "doc", "docx", "rar", "zip"]
NOTICES = ["sms", "email"]

# Base64 of the largest material, in characters; anything longer is refused before it is decoded.
_MAX_CONTENT = -(-MAX_MATERIAL_BYTES // 3) * 4

_MEMBER = validate.Length(1, 64)


class _Asked(Request):
    principal = fields.Nested(Principal, required=True)
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class DraftOpening(Request):
    """Body of `POST /drafts`."""

    item = fields.String(required=True, validate=CODE, metadata={"description": "code of the item"})


class OpenDraft(_Asked, DraftOpening):
    """RPC `open_draft` (→ Draft), whose notices will be in `language` unless changed. Raises UnknownItem."""

    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class AskDraft(_Asked):
    """RPC `draft` (→ Draft). Raises UnknownDraft, also for another's."""

    draft = fields.String(required=True, validate=CODE)


class DraftChange(Request):
    """Body of `PATCH /drafts/{id}`. Members of `data` are merged; null takes one out. What is absent stays.

    `language`: of the notices about the case.
    """

    data = fields.Dict(keys=fields.String(validate=_MEMBER))
    notices = fields.List(
        fields.String(validate=validate.OneOf(NOTICES)), validate=validate.Length(0, 2), metadata={"example": ["sms"]}
    )
    language = fields.String(validate=validate.OneOf(LANGUAGES))


class ChangeDraft(DraftChange):
    """RPC `change_draft` (→ Draft)."""

    principal = fields.Nested(Principal, required=True)
    draft = fields.String(required=True, validate=CODE)


class MaterialFile(Request):
    """Body of `PUT /drafts/{id}/materials/{material}`: a file of up to 10 MiB, in base64."""

    filename = fields.String(required=True, validate=[validate.Length(1, 200), NO_PATH])
    content = fields.String(
        required=True, validate=validate.Length(1, _MAX_CONTENT), metadata={"format": "byte", "description": "base64"}
    )


class AttachMaterial(_Asked, MaterialFile):
    """RPC `attach_material` (→ Draft). A second file for the same material replaces the first."""

    draft = fields.String(required=True, validate=CODE)
    material = fields.String(required=True, validate=CODE)


class SubmitDraft(_Asked):
    """RPC `submit_draft` (→ Filed). Submitting again gives the same case again."""

    draft = fields.String(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class AskReceipt(_Asked):
    """RPC `receipt` (→ Filed): what was answered to the submission, for the applicant to see again."""

    serial = fields.String(required=True, validate=CODE)


class CorrectedMaterial(MaterialFile):
    """A material handed in again."""

    material = fields.String(required=True, validate=CODE)


class Corrections(Request):
    """Body of `POST /cases/{serial}/corrections`. Data are merged into what was filed; null takes a member out."""

    data = fields.Dict(keys=fields.String(validate=_MEMBER), load_default=dict)
    materials = fields.List(fields.Nested(CorrectedMaterial), load_default=list, validate=validate.Length(0, 50))


class CorrectCase(_Asked, Corrections):
    """RPC `correct_case` (→ Moved): files an incomplete case again."""

    serial = fields.String(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class Withdrawal(Request):
    """Body of `POST /cases/{serial}/withdrawal`."""

    reason = fields.String(load_default=None, allow_none=True, validate=[TextLength(1, 2000), LINES_WITHOUT_C0])


class WithdrawCase(_Asked, Withdrawal):
    """RPC `withdraw_case` (→ Moved)."""

    serial = fields.String(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class Rating(Request):
    """Body of `POST /cases/{serial}/rating` (好差评, GB/T 39735-2020). The comment stays off the log."""

    stars = fields.Integer(required=True, strict=True, validate=validate.Range(1, 5))
    tags = fields.List(
        fields.String(validate=validate.Length(1, 50)), load_default=list, validate=validate.Length(0, 20)
    )
    comment = fields.String(load_default=None, allow_none=True, validate=TextLength(1, 2000))


class RateCase(_Asked, Rating):
    """RPC `rate_case` (→ Moved)."""

    serial = fields.String(required=True, validate=CODE)
    idempotency_key = fields.String(load_default=None, allow_none=True, validate=KEY)


class TakeDepartmentEvent(_Asked):
    """RPC `take_department_event` (→ Taken): the principal is a department, or an officer of one.

    `event` is the CloudEvent; the rules are those of the exchange `department-events`.
    """

    event = fields.Dict(keys=fields.String(), required=True)


class AskStatus(_Asked):
    """RPC `status` (→ Status)."""

    principal = fields.Nested(Principal, load_default=None, allow_none=True)


class ItemFiled(ma.Schema):
    """The item as it was when the draft was opened."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)


class DraftItem(ItemFiled):
    """The same, with what has to be filled in and handed in."""

    fields_ = fields.List(fields.Nested(FormField), required=True, data_key="fields")
    materials = fields.List(fields.Nested(MaterialAsked), required=True)


class DepartmentFiled(ma.Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class MaterialHeld(ma.Schema):
    """A file that was handed in. `size` in bytes."""

    material = fields.String(required=True)
    name = fields.String(required=True)
    filename = fields.String(required=True)
    format = fields.String(required=True, validate=validate.OneOf(MATERIAL_FORMATS))
    size = fields.Integer(required=True)
    uploaded_at = Instant(required=True)


class Draft(ma.Schema):
    """A case in the making. `serial` once it was submitted; it cannot be changed any more then."""

    id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["open", "submitted"]))
    serial = fields.String(required=True, allow_none=True)
    item = fields.Nested(DraftItem, required=True)
    data = fields.Dict(keys=fields.String(), required=True)
    notices = fields.List(fields.String(), required=True)
    language = fields.String(required=True)
    materials = fields.List(fields.Nested(MaterialHeld), required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class Receipt(ma.Schema):
    """收件回执: what was received, when and by whom. Its number is not the serial."""

    number = fields.String(required=True)
    received_at = Instant(required=True)
    item = fields.Nested(ItemFiled, required=True)
    department = fields.Nested(DepartmentFiled, required=True)
    materials = fields.List(fields.Nested(MaterialHeld), required=True)
    missing = fields.List(
        fields.String(), required=True, metadata={"description": "容缺: names of materials to hand in later"}
    )


class Filed(ma.Schema):
    """Answer to a submission. `position`: where the receipt stands on the log."""

    serial = fields.String(required=True)
    query_code = fields.String(required=True)
    receipt = fields.Nested(Receipt, required=True)
    window = fields.Nested(Window, required=True)
    position = fields.Integer(required=True)


class Moved(ma.Schema):
    """Answer to whatever moves a case. `position`: where that stands on the log."""

    serial = fields.String(required=True)
    position = fields.Integer(required=True)


class Taken(ma.Schema):
    """Answer to a department's event: on the log at `position`, or waiting for the event that it needs."""

    status = fields.String(required=True, validate=validate.OneOf(["appended", "waiting"]))
    position = fields.Integer()
    duplicate = fields.Boolean()


class Status(Sized):
    """What waits, what is late, and how far the case log is published."""

    waiting_events = fields.Integer(required=True)
    unsent_replies = fields.Integer(required=True)
    log_position = fields.Integer(required=True)
    relay = fields.Nested(Relayed, required=True)
    timers = fields.Dict(keys=fields.String(), values=fields.Nested(Timer), required=True)
