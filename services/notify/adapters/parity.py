"""Which messages the case log implies, for who verifies notify against it. Makes none."""

from collections.abc import Iterator, Sequence

from kernel.contracts.case import CaseReceived
from kernel.eventlog import Recorded
from kernel.eventlog.parity import Holding, Row
from services.notify.adapters.projection import CaseMessages
from services.notify.domain.templates import SILENT

_USUAL = CaseReceived.__dataclass_fields__["notices"].default


def messages(events: Sequence[Recorded]) -> Iterator[Row]:
    """Of one case: (serial, position, channel) of every message that there has to be."""
    channels: Sequence[str] = ()
    for event in events:
        if event.type == CaseReceived.TYPE:
            channels = event.data.get("notices", _USUAL)
        if event.type not in SILENT:
            for channel in channels:
                yield event.stream, event.position, channel


MESSAGES = Holding(
    name="notify",
    owner="notify",
    log="filing",
    table="message",
    columns=("serial", "position", "channel"),
    width=3,
    implied=messages,
    follower=CaseMessages.name,
)
