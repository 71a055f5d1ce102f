"""Every exchange, queue and binding of the hall, in one place. docs/events.md says what travels on them.

Whoever connects declares them first, so a broker that lost everything heals by itself.
"""

from dataclasses import dataclass

from kernel.messaging.connection import Channel

DEPARTMENT_EVENTS = "department-events"  # departments → filing; key <organ code>.<type>
DEPARTMENT_REPLIES = "department-replies"  # filing → departments; key <organ code>
CASE_EVENTS = "case-events"  # relay → progress, notify, catalog, anybody; key <type>.<organ code>
CATALOG_EVENTS = "catalog-events"  # catalog → every gateway and catalog process, each by a queue of its own
VISIT_EVENTS = "visit-events"  # relay → notify, anybody; key <type>.<hall>

FILING = "filing.department-events"
REJECTED = "department-events.rejected"  # what could not be read or is not allowed, with the reason; for operators
PROGRESS = "progress.case-events"
NOTIFY = "notify.case-events"
NOTIFY_VISITS = "notify.visit-events"

# Of what travels on VISIT_EVENTS, what becomes an SMS. The hall's tickets are most of it, and would wake notify for
# nothing; what lies between two of these it reads from the log.
TOLD_OF_VISITS = (
    "visit.appeal_dismissed.#",
    "visit.blocked.#",
    "visit.booked.#",
    "visit.cancelled.#",
    "visit.closed.#",
    "visit.excused.#",
    "visit.moved.#",
    "visit.no_show.#",
    "visit.offered.#",
    "visit.reminded.#",
    "visit.reopened.#",
    "visit.unblocked.#",
)

REJECTED_BYTES = 256 * 1024 * 1024  # that REJECTED may hold; what comes then is refused, and nothing in it is dropped

EXCHANGES = (DEPARTMENT_EVENTS, DEPARTMENT_REPLIES, CASE_EVENTS, CATALOG_EVENTS, VISIT_EVENTS)


@dataclass(frozen=True)
class Queue:
    """A durable quorum queue. `exchange` "" leaves it without bindings: messages are sent to it by name.

    `max_bytes`: of all bodies in it. A publisher is told that the queue is full; what is there stays.
    """

    name: str
    exchange: str = ""
    bindings: tuple[str, ...] = ("#",)
    one_consumer: bool = False  # of several processes one is given the messages, the others wait for it to end
    max_bytes: int | None = None


QUEUES = (
    Queue(FILING, DEPARTMENT_EVENTS),
    Queue(REJECTED, max_bytes=REJECTED_BYTES),
    Queue(PROGRESS, CASE_EVENTS, one_consumer=True),
    Queue(NOTIFY, CASE_EVENTS, one_consumer=True),
    Queue(NOTIFY_VISITS, VISIT_EVENTS, bindings=TOLD_OF_VISITS, one_consumer=True),
)


def declare(channel: Channel) -> None:
    """Make all of it, where it is missing. Raises amqp's PreconditionFailed where it is there but different."""
    for exchange in EXCHANGES:
        channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    for queue in QUEUES:
        declare_queue(channel, queue)


def declare_queue(channel: Channel, queue: Queue) -> None:
    """Make one queue and its bindings; its exchange is there already."""
    arguments: dict[str, object] = {"x-queue-type": "quorum"}
    if queue.one_consumer:
        arguments["x-single-active-consumer"] = True
    if queue.max_bytes is not None:
        arguments |= {"x-max-length-bytes": queue.max_bytes, "x-overflow": "reject-publish"}
    channel.queue_declare(queue.name, durable=True, auto_delete=False, arguments=arguments)
    for binding in queue.bindings if queue.exchange else ():
        channel.queue_bind(queue.name, queue.exchange, binding)
