"""One attempt at one message: find the number, ask a provider, say how it went. Saves nothing itself.

Never gives a message to a second provider while the first may have it, and never asks one without time left to hear it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kernel import logs, tracing
from kernel.clock import Clock, from_micros, to_micros
from services.notify.application.choosing import Choice
from services.notify.application.ports import (
    Accepted,
    Answer,
    Contacts,
    ContactsAway,
    Messages,
    NoContact,
    NotTaken,
    Outgoing,
    Provider,
    Rejected,
    Unsure,
)
from services.notify.domain.message import Claimed, Result, State
from services.notify.domain.schedule import RETRIES, wait_after

log = logs.get(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long things may take."""

    retries: Sequence[timedelta] = field(default=RETRIES)
    contacts_retry: timedelta = timedelta(seconds=5)  # accounts being away is not the provider's fault: no attempt
    receipt: timedelta = timedelta(hours=72)
    lease: timedelta = timedelta(seconds=60)  # until another process takes up what this one was sending
    hold: timedelta = timedelta(minutes=10)  # what is tried again by then holds back what follows it in its case

    def __post_init__(self) -> None:
        if self.hold <= self.lease:
            raise ValueError("hold must be longer than the lease: what is being sent holds back what follows it")


class Delivery:
    """Attempts, with `providers` by channel in the order in which they are asked."""

    def __init__(
        self,
        messages: Messages,
        contacts: Contacts,
        providers: Mapping[str, Sequence[Provider]],
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._messages = messages
        self._contacts = contacts
        self._providers = providers
        self._clock = clock
        self._patience = patience
        for provider in (one for some in providers.values() for one in some):
            if timedelta(seconds=provider.patience) > patience.lease / 2:
                raise ValueError(f"{provider.name} may take longer than half the lease: nothing could be sent safely")
        self._choices = {channel: Choice([p.name for p in some], clock) for channel, some in providers.items()}

    def first(self) -> dict[str, str]:
        """The provider that new messages of each channel start with."""
        return {channel: choice.first() for channel, choice in self._choices.items()}

    def attempt(self, message: Claimed) -> Result | None:
        """Try to send. None: the message is no longer ours."""
        if message.overtaken:
            return self._past(message)
        if self._expired(message):
            return self._over(message)
        if self._no_time_left(message, self._provider(message)):
            return self._put_off(message, "no_time_left", timedelta())
        try:
            contact = self._contacts.find(message.recipient)
        except NoContact as none:
            return self._failed(message, str(none), counted=0)
        except ContactsAway as away:
            return self._put_off(message, f"contact_unavailable: {away}", self._patience.contacts_retry)
        to = contact.sms if message.channel == "sms" else contact.email
        if to is None:
            return self._failed(message, f"no_{message.channel}_address", counted=0)
        return self._ask(message, self._provider(message), _outgoing(message, to))

    def _ask(self, message: Claimed, provider: Provider, outgoing: Outgoing) -> Result | None:
        """Ask `provider`, and while each certainly has not taken it, the next one."""
        asked: list[str] = []
        # One that was taken out of the settings: the receipt of who gets it instead must find that one's name.
        if provider.name != message.provider and not self._messages.switch(message, provider.name):
            return None
        while True:
            if self._expired(message):
                return self._over(message)
            if self._no_time_left(message, provider):
                return self._put_off(message, "no_time_left", timedelta())
            answer = answer_of(provider, outgoing)
            self._choices[message.channel].note(provider.name, isinstance(answer, Accepted | Rejected))
            asked.append(provider.name)
            following = self._next(message, asked) if isinstance(answer, NotTaken) else None
            if following is None:
                return self._concluded(message, provider, answer)
            log.warning(
                "provider did not take the message, asking the next",
                message=message.id,
                refused_by=provider.name,
                asking=following.name,
            )
            if not self._messages.switch(message, following.name):
                return None
            provider = following

    def _next(self, message: Claimed, asked: Sequence[str]) -> Provider | None:
        if message.unsure:  # an earlier attempt may have been taken, though this one was not
            return None
        return next((p for p in self._providers[message.channel] if p.name not in asked), None)

    def _provider(self, message: Claimed) -> Provider:
        """The one noted with the message; the first, should that one have been taken out of the settings."""
        some = self._providers[message.channel]
        return next((p for p in some if p.name == message.provider), some[0])

    def _expired(self, message: Claimed) -> bool:
        return message.expires_at is not None and self._clock.now() >= from_micros(message.expires_at)

    def _no_time_left(self, message: Claimed, provider: Provider) -> bool:
        return self._clock.now() + timedelta(seconds=provider.patience) > from_micros(message.lease_until)

    def _concluded(self, message: Claimed, provider: Provider, answer: Answer) -> Result:
        if isinstance(answer, Accepted):
            return self._accepted(message, provider.name, answer)
        if isinstance(answer, Rejected):
            return self._failed(message, answer.reason, provider=provider.name)
        unsure = message.unsure or isinstance(answer, Unsure)
        return self._again(message, provider.name if unsure else None, unsure, answer.reason)

    def _accepted(self, message: Claimed, provider: str, answer: Accepted) -> Result:
        now = self._clock.now()
        log.info("message accepted", **_names(message), provider=provider)
        due = now + self._patience.receipt if answer.receipt_follows else None
        return Result(
            id=message.id,
            claim=message.claim,
            state=State.SENDING if due else State.DELIVERED,
            attempts=message.attempts + 1,
            due_at=_micros(due),
            provider=provider,
            unsure=False,
            provider_reference=answer.reference,
            accepted_at=to_micros(now),
        )

    def _again(self, message: Claimed, provider: str | None, unsure: bool, reason: str) -> Result:
        wait = wait_after(message.attempts + 1, self._patience.retries)
        if wait is None:
            return self._failed(message, reason, provider=provider, unsure=unsure)
        due = self._not_after_its_end(message, self._clock.now() + wait)
        log.warning(
            "message failed for now", **_names(message), provider=provider, reason=reason, next_attempt=str(due)
        )
        return self._result(message, State.FAILED_FOR_NOW, 1, due, provider, unsure, reason)

    def _put_off(self, message: Claimed, reason: str, wait: timedelta) -> Result:
        """Try again after `wait`; no provider has anything to do with it, so it does not count as an attempt."""
        log.warning("message put off", **_names(message), reason=reason)
        due = self._not_after_its_end(message, self._clock.now() + wait)
        kept = message.provider if message.unsure else None
        return self._result(message, State.FAILED_FOR_NOW, 0, due, kept, message.unsure, reason)

    def _not_after_its_end(self, message: Claimed, due: datetime) -> datetime:
        """So that it is failed, and seen to have failed, when it is over."""
        return due if message.expires_at is None else min(due, from_micros(message.expires_at))

    def _over(self, message: Claimed) -> Result:
        kept = message.provider if message.unsure else None
        return self._failed(message, "expired", provider=kept, unsure=message.unsure, counted=0)

    def _past(self, message: Claimed) -> Result:
        """A later message is there that says what is true: this one would only mislead."""
        log.info("message overtaken", **_names(message))
        kept = message.provider if message.unsure else None
        return self._result(message, State.PAST, 0, None, kept, message.unsure, "overtaken")

    def _failed(
        self, message: Claimed, reason: str, provider: str | None = None, unsure: bool = False, counted: int = 1
    ) -> Result:
        todo = "tell the applicant another way; see docs/notifications.md"
        log.error("message failed for good", **_names(message), provider=provider, reason=reason, todo=todo)
        return self._result(message, State.FAILED_FOR_GOOD, counted, None, provider, unsure, reason)

    def _result(
        self,
        message: Claimed,
        state: State,
        counted: int,
        due: datetime | None,
        provider: str | None,
        unsure: bool,
        reason: str,
    ) -> Result:
        return Result(
            id=message.id,
            claim=message.claim,
            state=state,
            attempts=message.attempts + counted,
            due_at=_micros(due),
            provider=provider,
            unsure=unsure,
            reason=reason[:500],
        )


def answer_of(provider: Provider, outgoing: Outgoing) -> Answer:
    """What `provider` says, when it is given the message."""
    try:
        with tracing.work(f"{provider.name} send", tracing.CLIENT):
            return provider.send(outgoing)
    except Exception as error:  # a fault in an adapter: whether the message went out before it, nobody knows
        log.exception("provider failed", provider=provider.name, message=outgoing.id)
        return Unsure(f"fault: {type(error).__name__}")


def _outgoing(message: Claimed, to: str) -> Outgoing:
    return Outgoing(
        id=message.id,
        channel=message.channel,
        to=to,
        subject=message.subject,
        text=message.text,
        serial=message.serial,
        position=message.position,
        type=message.type,
    )


def _names(message: Claimed) -> dict[str, str]:
    return {"message": message.id, "case": message.serial, "channel": message.channel}


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)
