"""Delivery receipts: what a provider says became of a message. Believed only when signed by it, and fresh."""

import hmac
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
import orjson

from kernel import logs
from kernel.clock import Clock, to_micros
from kernel.contracts.notify import RECEIPT_FRESHNESS, BadSignature, ReceiptBody, sign
from kernel.errors import InvalidInput
from services.notify.application.ports import Messages

log = logs.get(__name__)

_BODY = ReceiptBody()


class Receipts:
    """`secrets`: by provider's name, the key that it signs with."""

    def __init__(self, messages: Messages, secrets: Mapping[str, str], clock: Clock) -> None:
        self._messages = messages
        self._secrets = secrets
        self._clock = clock

    def take(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Note a receipt (`Receipt` → `Receipted`). Raises BadSignature, InvalidInput, UnknownMessage."""
        self._verify(request)
        said = _read(request["body"])
        fields = {"reference": said["reference"], "reason": said["reason"]}
        delivered = said["status"] == "delivered"
        state = self._messages.receipt(said["id"], request["provider"], delivered, fields, self._clock.now())
        if not delivered:
            log.error("provider could not deliver", message=said["id"], reason=said["reason"], state=state)
        return {"id": said["id"], "state": state}

    def _verify(self, request: Mapping[str, Any]) -> None:
        secret = self._secrets.get(request["provider"], "")
        # An unknown provider is checked against an empty key and refused all the same.
        wanted = sign(secret, request["timestamp"], request["body"].encode())
        genuine = hmac.compare_digest(wanted.encode(), request["signature"].encode())
        if not (secret and genuine and self._fresh(request["timestamp"])):
            raise BadSignature

    def _fresh(self, timestamp: str) -> bool:
        if not (timestamp.isascii() and timestamp.isdigit()):
            return False
        return abs(to_micros(self._clock.now()) / 1_000_000 - int(timestamp)) <= RECEIPT_FRESHNESS


def _read(body: str) -> dict[str, Any]:
    try:
        return _BODY.load(orjson.loads(body))  # type: ignore[no-any-return]
    except (orjson.JSONDecodeError, ma.ValidationError) as error:
        messages = error.messages if isinstance(error, ma.ValidationError) else {"body": ["Not valid JSON."]}
        raise InvalidInput.from_messages(messages) from None
