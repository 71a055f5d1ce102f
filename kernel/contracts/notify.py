"""What notify is asked and what it answers, and what a provider of SMS has to sign.

Nothing here holds a number or an address: a message names an account, and the number is looked up when it is sent.
"""

import hashlib
import hmac

import marshmallow as ma
from marshmallow import fields, validate

from kernel.contracts.accounts import LANGUAGES, Request
from kernel.contracts.envelope import Instant
from kernel.contracts.patterns import MOBILE
from kernel.contracts.progress import Lag
from kernel.contracts.standing import Provider, Sized, Timer
from kernel.errors import Refusal

CHANNELS = ("sms", "email")
STATES = ("created", "sending", "delivered", "failed_for_now", "failed_for_good", "past")
COUNTED = tuple(state for state in STATES if state not in ("delivered", "past"))  # by `status`
LOGS = ("filing", "appointment")  # whose events become messages
MAX_RECEIPT = 16 * 1024  # characters of a receipt's body
RECEIPT_FRESHNESS = 300  # seconds that a receipt's timestamp may differ from our clock

CODE_MINUTES = 5  # that an SMS says its code is valid
CODE_PURPOSES = ("visit",)  # visit: a guest books without an account

_CODE = validate.Length(1, 64)


class BadSignature(Refusal):
    """A receipt that its provider did not sign, or signed too long ago."""

    code = "bad_signature"
    status = 401
    zh = "回执签名无效或已过期。"
    en = "The receipt's signature is not valid or too old."


class UnknownMessage(Refusal):
    """A receipt for a message that was never made, or that another provider has."""

    code = "unknown_message"
    status = 404
    zh = "没有这条消息。"
    en = "There is no such message."


class SmsUnavailable(Refusal):
    """No provider of SMS has taken the code. Nobody was told it: try again."""

    code = "sms_unavailable"
    status = 503
    zh = "短信暂时无法发送，请稍后再试。"
    en = "The SMS could not be sent just now; please try again shortly."


class SendCode(Request):
    """`send_code` (→ {}): an SMS with a one-time code, sent before the answer. Neither number nor code is kept.

    `purpose`: what the code is for, in the words of the SMS. It is said to be valid for `CODE_MINUTES`. Raises
    SmsUnavailable, in time for an answer, when no provider takes it. How often one may ask is for the caller to limit.
    """

    mobile = fields.String(required=True, validate=MOBILE)
    code = fields.String(required=True, validate=validate.Regexp(r"[0-9]{4,8}\Z", error="Not a valid code."))
    purpose = fields.String(required=True, validate=validate.OneOf(CODE_PURPOSES))
    language = fields.String(load_default="zh-Hans", validate=validate.OneOf(LANGUAGES))


class Receipt(Request):
    """`receipt`: what a provider posts, as it came: headers and raw body. `provider` is the name in the URL."""

    provider = fields.String(required=True, validate=_CODE)
    timestamp = fields.String(required=True, validate=validate.Length(1, 20))
    signature = fields.String(required=True, validate=validate.Length(1, 128))
    body = fields.String(required=True, validate=validate.Length(1, MAX_RECEIPT))


class ReceiptBody(ma.Schema):
    """The body of a receipt: JSON. Members that we don't know are let pass: the provider may have more to say."""

    class Meta:
        unknown = ma.EXCLUDE

    id = fields.String(required=True, validate=_CODE)  # ours, as sent
    reference = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 200))  # the provider's
    status = fields.String(required=True, validate=validate.OneOf(["delivered", "failed"]))
    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(0, 500))


class Receipted(ma.Schema):
    """The state in which the message is now; `delivered` stays so whatever comes later."""

    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))


class MessagesOf(Request):
    """`messages`: what was sent about a case or a visit. For operators; the gateway lets nobody else ask."""

    serial = fields.String(required=True, validate=_CODE)


class Message(ma.Schema):
    """One message to one person over one channel, and how it fared. Times are null until they come.

    About a visit, `serial` is its number. `expires_at`: from then on it is not sent; null: there is no such time.
    """

    id = fields.String(required=True)
    log = fields.String(required=True, validate=validate.OneOf(LOGS))
    serial = fields.String(required=True)
    position = fields.Integer(required=True)  # of its event on the log
    source = fields.String(required=True)
    event_id = fields.String(required=True)
    type = fields.String(required=True)
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES))
    recipient = fields.String(required=True)  # an account, or `visit:` and a number; never a mobile
    subject = fields.String(required=True, allow_none=True)
    text = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    attempts = fields.Integer(required=True)
    next_attempt_at = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True, allow_none=True)
    provider = fields.String(required=True, allow_none=True)
    provider_reference = fields.String(required=True, allow_none=True)
    accepted_at = Instant(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class MessageList(ma.Schema):
    items = fields.List(fields.Nested(Message), required=True)


class Status(Lag, Sized):
    """Besides how far it has come: how many messages stand how, and for how long the oldest has been waiting.

    Delivered and past ones are not counted: there are ever more of them, and nobody has to act. `visits`: how far the
    second consumer has come, which follows appointment's log.
    """

    visits = fields.Nested(Lag, required=True)
    messages = fields.Dict(keys=fields.String(validate=validate.OneOf(COUNTED)), values=fields.Integer(), required=True)
    oldest_unsent_seconds = fields.Float(required=True)
    timers = fields.Dict(keys=fields.String(), values=fields.Nested(Timer), required=True)
    providers = fields.List(fields.Nested(Provider), required=True)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a request to a provider, and of its receipts to us: HMAC-SHA256, hex.

    Over `timestamp` (seconds since 1970, decimal), a full stop, and the body as sent.
    """
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
