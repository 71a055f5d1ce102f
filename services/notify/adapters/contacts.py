"""Where people are reached, asked of who knows it each time a message is sent. Nothing of it is kept.

accounts knows those who have an account, appointment the guests who have booked a visit.
"""

from collections.abc import Mapping
from typing import Any

from kernel.contracts.visit_contact import number_in
from kernel.errors import Refusal, RemoteRefusal
from kernel.messaging.rpc import ServiceClient
from services.notify.application.ports import Contact, ContactsAway, NoContact

_GONE = (404, 410)


class RpcContacts:
    """Contacts over RPC."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    def find(self, recipient: str) -> Contact:
        """Raises NoContact for one who is not there (any more), ContactsAway for all that may pass."""
        number = number_in(recipient)
        if number is None:
            found = self._ask("accounts", "contact", {"account": recipient})
        else:
            found = self._ask("appointment", "contact_of", {"number": number})
        return Contact(sms=found["mobile"], email=found["email"])

    def _ask(self, service: str, method: str, request: Mapping[str, str]) -> dict[str, Any]:
        try:
            return self._client.call(service, method, request)  # type: ignore[no-any-return]
        except RemoteRefusal as refusal:
            raise (NoContact if refusal.status in _GONE else ContactsAway)(refusal.code) from None
        except Refusal as refusal:
            raise ContactsAway(refusal.code) from None
