"""One-time codes by SMS, sent while somebody waits. Neither the number nor the code is kept, or logged.

Nothing is tried again later: a code that comes late is of no use, and whoever needs one asks for another.
"""

from collections.abc import Iterator, Sequence

from kernel import logs
from kernel.clock import Clock
from kernel.contracts.notify import SmsUnavailable
from kernel.ids import new_id
from kernel.traditional import to_traditional
from services.notify.application.choosing import Choice
from services.notify.application.delivering import answer_of
from services.notify.application.ports import Accepted, Outgoing, Provider, Rejected
from services.notify.domain.codes import code_text

log = logs.get(__name__)

TYPE = "verification.code"


class Codes:
    """`providers`: in the order in which they are asked; all of them together answer before the caller gives up."""

    def __init__(self, providers: Sequence[Provider], clock: Clock) -> None:
        self._providers = providers
        self._choice = Choice([provider.name for provider in providers], clock)

    def send(self, mobile: str, code: str, purpose: str, language: str) -> None:
        """Raises SmsUnavailable when no provider takes it.

        Who gave no answer may have sent it, and the next is asked all the same: the same code twice does no harm.
        """
        words = to_traditional if language == "zh-Hant" else str
        outgoing = _outgoing(mobile, words(code_text(code, purpose, language)))
        for provider in self._in_turn():
            answer = answer_of(provider, outgoing)
            self._choice.note(provider.name, isinstance(answer, Accepted | Rejected))
            if isinstance(answer, Accepted):
                return
            log.warning("provider did not take a code", provider=provider.name, reason=answer.reason)
        log.error("code not sent", purpose=purpose)
        raise SmsUnavailable

    def _in_turn(self) -> Iterator[Provider]:
        """All of them, beginning with the one that is well."""
        first = self._choice.first()
        yield from sorted(self._providers, key=lambda provider: provider.name != first)


def _outgoing(mobile: str, text: str) -> Outgoing:
    # One key for the code, whoever is asked: a provider that has it sends it once.
    return Outgoing(
        id=new_id(), channel="sms", to=mobile, subject=None, text=text, serial="code", position=0, type=TYPE
    )
