"""Where people are reached, asked of accounts each time a message is sent. Nothing of it is kept."""

from kernel.errors import Refusal, RemoteRefusal
from kernel.messaging.rpc import ServiceClient
from services.notify.application.ports import Contact, ContactsAway, NoContact

_GONE = (404, 410)


class AccountsContacts:
    """Contacts over RPC."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    def find(self, account: str) -> Contact:
        """Raises NoContact for an account that is not there (any more), ContactsAway for all that may pass."""
        try:
            found = self._client.call("accounts", "contact", {"account": account})
        except RemoteRefusal as refusal:
            raise (NoContact if refusal.status in _GONE else ContactsAway)(refusal.code) from None
        except Refusal as refusal:
            raise ContactsAway(refusal.code) from None
        return Contact(sms=found["mobile"], email=found["email"])
