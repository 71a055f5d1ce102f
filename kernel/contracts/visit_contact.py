"""Where a guest is reached about a visit: what notify asks of appointment, where such contacts are sealed.

Nothing of the answer is kept by who asks. `recipient` is what stands for the person wherever messages are listed.
"""

from marshmallow import fields, validate

from kernel.contracts.accounts import Contact, Request

VISIT = "visit:"  # begins the recipient of a message to a guest; the rest is the number of a booking or entry


class ContactOfVisit(Request):
    """RPC `contact_of` of appointment (→ VisitContact). `number`: of a booking, or of an entry on the waiting list.

    Raises a refusal: status 404 where there is no such number, an account has it, or the contact is kept no more; 410
    where it was erased.
    """

    number = fields.String(required=True, validate=validate.Length(1, 64))


class VisitContact(Contact):
    """In the clear, for notify alone. A guest has given no address, so `email` is null."""


def recipient_of(account: str | None, number: str) -> str:
    """Whom a message about a visit is for: the account, or the guest who has this number."""
    return VISIT + number if account is None else account


def number_in(recipient: str) -> str | None:
    """The number of the guest's visit; None where the recipient is an account."""
    return recipient.removeprefix(VISIT) if recipient.startswith(VISIT) else None
