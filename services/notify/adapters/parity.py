"""Which messages the logs imply, for who verifies notify against them. Makes none."""

from collections.abc import Iterator, Sequence

from kernel.contracts.case import CaseReceived
from kernel.contracts.visit_facts import VisitBooked, VisitOffered
from kernel.eventlog import Recorded
from kernel.eventlog.parity import Holding, Row
from services.notify.adapters import projection, visits
from services.notify.adapters.projection import CaseMessages
from services.notify.adapters.visits import CHANNEL, VisitMessages
from services.notify.domain.templates import SILENT
from services.notify.domain.visit_templates import TOLD

KNOWN_BY = (VisitBooked.TYPE, VisitOffered.TYPE)
_USUAL = CaseReceived.__dataclass_fields__["notices"].default


def messages(events: Sequence[Recorded]) -> Iterator[Row]:
    """Of one case: (serial, position, channel, event) of every message that there has to be."""
    channels: Sequence[str] = ()
    for event in events:
        if event.type == CaseReceived.TYPE:
            channels = event.data.get("notices", _USUAL)
        if event.type not in SILENT:
            for channel in channels:
                yield event.stream, event.position, channel, event.id


def visit_messages(events: Sequence[Recorded]) -> Iterator[Row]:
    """The same of one visit. There is none of what stands on the log before anything is known of the visit."""
    known = False
    for event in events:
        known = known or event.type in KNOWN_BY
        if known and event.type in TOLD:
            yield event.stream, event.position, CHANNEL, event.id


MESSAGES = Holding(
    name="notify",
    owner="notify",
    log=projection.LOG,
    table="message",
    columns=("serial", "position", "channel", "event_id"),
    width=3,
    position=1,
    implied=messages,
    follower=CaseMessages.name,
    where=f"log = '{projection.LOG}'",
)
VISIT_MESSAGES = Holding(
    name="notify-visits",
    owner="notify",
    log=visits.LOG,
    table="message",
    columns=("serial", "position", "channel", "event_id"),
    width=3,
    position=1,
    implied=visit_messages,
    follower=VisitMessages.name,
    where=f"log = '{visits.LOG}'",
)
