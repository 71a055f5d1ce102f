"""Where people are reached: asked of accounts, or of appointment for guests; who is gone and what may pass."""

from typing import Any

import pytest

from kernel.contracts.visit_contact import ContactOfVisit, VisitContact
from kernel.errors import NotAllowed, RemoteFault, RemoteRefusal, ServiceDown, ServiceSlow
from services.notify.adapters.contacts import RpcContacts
from services.notify.application.ports import Contact, ContactsAway, NoContact


class Answering:
    """Stands for the client of other services."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def call(self, service: str, method: str, payload: dict[str, Any]) -> Any:
        self.asked.append((service, method, payload))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def contacts(answer: Any) -> RpcContacts:
    return RpcContacts(Answering(answer))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("recipient", "asked"),
    [
        ("a-1", ("accounts", "contact", {"account": "a-1"})),
        ("visit:VK7Q2M9XR4TD", ("appointment", "contact_of", {"number": "VK7Q2M9XR4TD"})),
    ],
)
def test_a_contact_is_asked_of_who_knows_it(recipient: str, asked: Any) -> None:
    answering = Answering({"mobile": "13800138000", "email": None, "language": "en"})
    found = RpcContacts(answering).find(recipient)  # type: ignore[arg-type]
    assert (found, answering.asked) == (Contact(sms="13800138000", email=None), [asked])


def test_what_is_asked_of_appointment_is_what_its_contract_says() -> None:
    assert ContactOfVisit().validate({"number": "VK7Q2M9XR4TD"}) == {}
    assert VisitContact().validate({"mobile": "13800138000", "email": None, "language": "en"}) == {}


def refusal(status: int) -> RemoteRefusal:
    return RemoteRefusal({"code": "erased", "status": status, "zh": "已删除 {}", "en": "gone {}"})


@pytest.mark.parametrize("recipient", ["a-1", "visit:VK7Q2M9XR4TD"])
@pytest.mark.parametrize("status", [404, 410])
def test_who_is_gone_is_no_contact(status: int, recipient: str) -> None:
    with pytest.raises(NoContact, match="erased"):
        contacts(refusal(status)).find(recipient)


@pytest.mark.parametrize(
    "error",
    [
        ServiceDown(service="accounts"),
        ServiceSlow(service="accounts"),
        RemoteFault(error_id="1"),
        NotAllowed(),
        refusal(403),
    ],
)
def test_all_else_may_pass(error: Exception) -> None:
    with pytest.raises(ContactsAway):
        contacts(error).find("a-1")
