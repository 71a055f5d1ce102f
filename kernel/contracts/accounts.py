"""What accounts is asked and what it answers. Nobody but notify (by `contact`) ever gets personal data unmasked.

Lengths are characters, times RFC 3339 with offset. Schemas load with unknown members refused.
"""

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.envelope import Instant
from kernel.contracts.patterns import MOBILE

LANGUAGES = ["zh-Hans", "zh-Hant", "en"]
# 部门经办人, 窗口人员, 大厅管理, 运维, 效能监督
ROLES = ["officer", "window", "hall_manager", "operator", "supervisor"]
HALL_ROLES = ["window", "hall_manager"]  # of one hall each
KINDS = ["individual", "guest", "staff", "department"]
ORGAN = r"[0-9A-Za-z-]{1,64}\Z"
HALL = r"[a-z0-9][a-z0-9-]{0,63}\Z"
STAFF_NAME = r"[a-z][a-z0-9._-]{2,31}\Z"

# Refused by the domain, since they lean on the date or on two fields at once; worded at the edge like a schema's own.
BAD_IDENTITY_NUMBER = "Not a valid identity number."
PASSWORD_IS_ANOTHER_FIELD = "Must differ from the mobile and the identity number."

_NO_CONTROLS = validate.Regexp(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+\Z", error="Holds control characters.")


class Request(ma.Schema):
    """Of every request: a member that is not known is refused, so that a misspelt one is noticed."""

    class Meta:
        unknown = ma.RAISE


class Principal(ma.Schema):
    """Who is calling: a member of every request that needs somebody.

    `account` is the organ code for a department; for a guest, who has none, the vault's keyed digest of the mobile that
    an SMS code has proven. `hall`: of staff who work in one.
    """

    class Meta:
        unknown = ma.RAISE

    account = fields.String(required=True, validate=validate.Length(1, 64))
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    role = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(ROLES))
    organ = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 64))
    hall = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 64))
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class Registration(Request):
    """Body of `POST /accounts`: an individual registers under the real name."""

    name = fields.String(required=True, validate=[validate.Length(1, 50), _NO_CONTROLS])
    identity_number = fields.String(
        required=True,
        validate=validate.Length(18, 18),
        metadata={"description": "居民身份证或港澳台居民居住证号码 (GB 11643-1999)", "example": "440105199003070013"},
    )
    mobile = fields.String(
        required=True,
        validate=MOBILE,
        metadata={"example": "13800138000"},
    )
    password = fields.String(required=True, validate=validate.Length(8, 128), metadata={"format": "password"})
    email = fields.Email(load_default=None, allow_none=True, validate=validate.Length(3, 254))
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))
    terms_accepted = fields.Boolean(
        required=True, truthy={True}, falsy={False}, validate=validate.Equal(True, error="Must be accepted.")
    )


class Register(Registration):
    """RPC `register`."""

    idempotency_key = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 128))


class Account(ma.Schema):
    """A profile, masked: 李*明, 4401**********1234, 138****5678. Answer of `register` and `profile`."""

    account = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    name = fields.String(required=True, metadata={"example": "李*明"})
    identity_number = fields.String(required=True, allow_none=True, metadata={"example": "4401**********0013"})
    mobile = fields.String(required=True, allow_none=True, metadata={"example": "138****8000"})
    email = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, allow_none=True, validate=validate.OneOf(ROLES))
    organ = fields.String(required=True, allow_none=True)
    hall = fields.String(required=True, allow_none=True)
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    created_at = Instant(required=True)


class Credentials(Request):
    """RPC `open_session`, body of `POST /sessions`. `login`: identity number, mobile, or a member of staff's name."""

    login = fields.String(required=True, validate=validate.Length(1, 64), metadata={"example": "13800138000"})
    password = fields.String(required=True, validate=validate.Length(1, 128), metadata={"format": "password"})


class Session(ma.Schema):
    """Answer of `open_session`. The token is shown this once and kept nowhere."""

    token = fields.String(required=True)
    expires_at = Instant(required=True)
    account = fields.String(required=True)
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))


class Token(Request):
    """RPC `authenticate` (→ Principal) and `close_session` (→ {})."""

    token = fields.String(required=True, validate=validate.Length(1, 128))


class VerificationAsked(Request):
    """Body of `POST /verifications`: prove a mobile by the code that is sent to it, to act without an account."""

    mobile = fields.String(
        required=True,
        validate=MOBILE,
        metadata={"example": "13800138000"},
    )


class OpenVerification(VerificationAsked):
    """RPC `open_verification` (→ Verification). Raises TooManyCodes, and what notify's `send_code` raises."""

    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class Verification(ma.Schema):
    """A code is on its way."""

    verification = fields.String(required=True)
    expires_at = Instant(required=True)


class CodeSaid(Request):
    """RPC `open_guest_session` (→ Session), body of `POST /sessions/guest`. Raises WrongCode."""

    verification = fields.String(required=True, validate=validate.Length(1, 64))
    code = fields.String(required=True, validate=validate.Regexp(r"[0-9]{6}\Z", error="Not a valid code."))


class GuestSession(ma.Schema):
    """Answer of `open_guest_session`. The token is shown this once and kept nowhere."""

    token = fields.String(required=True)
    expires_at = Instant(required=True)


class PersonOf(Request):
    """RPC `person` (→ Person): who an individual's account belongs to. For appointment, which books real names only."""

    account = fields.String(required=True, validate=validate.Length(1, 64))


class Person(ma.Schema):
    """In the clear. Stays inside the hall."""

    name = fields.String(required=True)
    identity_number = fields.String(required=True)
    mobile = fields.String(required=True)


class DepartmentKey(Request):
    """RPC `authenticate_department` (→ Principal)."""

    organ = fields.String(required=True, validate=validate.Length(1, 64))
    key = fields.String(required=True, validate=validate.Length(1, 128))


class Profile(Request):
    """RPC `profile` (→ Account)."""

    principal = fields.Nested(Principal, required=True)


class ContactOf(Request):
    """RPC `contact` (→ Contact), for notify."""

    account = fields.String(required=True, validate=validate.Length(1, 64))


class Contact(ma.Schema):
    """Where to reach a person, in the clear. Stays inside the hall."""

    mobile = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
