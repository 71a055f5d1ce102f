"""Hearing what others publish: nothing is missed while we are told that we hear, and we are told when we do not."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from kernel.clock import to_micros
from kernel.eventlog.events import NewEvent, Recorded, body_of, publish_form
from kernel.messaging import topology
from kernel.messaging.broadcasting import BOUND, LOST, Hearing, News
from kernel.messaging.conftest import Trials, eventually
from kernel.messaging.connection import Channel, connect
from kernel.messaging.publishing import Outgoing, Publisher
from kernel.testing import free_port

_vhosts = count(1)
_NOW = datetime(2026, 2, 9, 1, tzinfo=UTC)


def event(number: int) -> Recorded:
    """An event of a log, at position `number`."""
    new = NewEvent(id=f"e{number}", source="/t", type="trial", version=1, time=_NOW, data={"n": number}, organ="ORGAN")
    return Recorded(
        position=number,
        stream="S",
        stream_version=number,
        source="/t",
        id=new.id,
        type="trial",
        version=1,
        recorded=to_micros(_NOW),
        body=body_of(new, "S", number, _NOW),
        chain=bytes(32),
    )


def publish(uri: str, *bodies: bytes, key: str = "trial.ORGAN") -> None:
    publisher = Publisher(uri)
    publisher.publish_batch([Outgoing(exchange=topology.CASE_EVENTS, routing_key=key, body=body) for body in bodies])
    publisher.close()


class HearingSuite:
    """What a subscription must do. A subclass has the fixture `uri`, of a broker with nothing on it."""

    @pytest.fixture
    def hear(self, uri: str) -> Iterator[Callable[..., Hearing]]:
        with contextlib.ExitStack() as stack:

            def start(binding: str = "#") -> Hearing:
                hearing = Hearing(uri, "trial.hear", topology.CASE_EVENTS, binding)
                stack.callback(hearing.listener.stop)
                hearing.listener.start()
                hearing.listener.channel(timeout=10)
                return hearing

            yield start

    @staticmethod
    def told(hearing: Hearing, number: int) -> list[News | None]:
        return [hearing.take(timeout=10) for _ in range(number)]

    def test_nothing_is_missed_between_binding_and_the_first_word(self, uri: str, hear: Callable[..., Hearing]) -> None:
        hearing = hear()
        publish(uri, *(publish_form(event(number)) for number in range(1, 21)))
        assert self.told(hearing, 21) == [BOUND, *((event(number), True) for number in range(1, 21))]

    def test_everybody_hears_everything(self, uri: str, hear: Callable[..., Hearing]) -> None:
        both = hear(), hear()
        publish(uri, publish_form(event(1)))
        assert [self.told(hearing, 2) for hearing in both] == [[BOUND, (event(1), True)]] * 2

    def test_only_what_is_bound_is_heard(self, uri: str, hear: Callable[..., Hearing]) -> None:
        hearing = hear("wanted.#")
        publish(uri, publish_form(event(1)), key="other.ORGAN")
        publish(uri, publish_form(event(2)), key="wanted.ORGAN")
        assert self.told(hearing, 2) == [BOUND, (event(2), True)]

    def test_a_cut_is_told_and_so_is_its_end(self, uri: str, hear: Callable[..., Hearing]) -> None:
        hearing = hear()
        hearing.listener.restart(0.0)
        assert self.told(hearing, 3) == [BOUND, LOST, BOUND]
        publish(uri, publish_form(event(1)))
        assert self.told(hearing, 1) == [(event(1), True)]

    def test_its_queue_ends_with_its_connection(self, uri: str, hear: Callable[..., Hearing]) -> None:
        hearing = hear()
        name = hearing.listener._queue
        hearing.listener.stop()

        returned = threading.Event()
        with connect(uri) as session:
            channel: Channel = session.channel()
            channel.events["basic_return"].add(lambda *_about: returned.set())

            def gone() -> bool:
                channel.send(b"", "", name, mandatory=True)
                session.drain(0.05)
                return returned.is_set()

            eventually(gone)

    def test_garbage_may_have_been_a_change(self, uri: str, hear: Callable[..., Hearing]) -> None:
        hearing = hear()
        assert self.told(hearing, 1) == [BOUND]
        publish(uri, b"garbage", publish_form(event(1)))
        assert self.told(hearing, 3) == [LOST, BOUND, (event(1), True)]

    def test_who_missed_an_event_begins_anew(self, uri: str, hear: Callable[..., Hearing]) -> None:
        hearing = hear()
        self.told(hearing, 1)
        publish(uri, publish_form(event(1)), publish_form(event(2)))
        assert self.told(hearing, 1) == [(event(1), True)]
        eventually(lambda: hearing._waiting)
        hearing.begin_anew()
        publish(uri, publish_form(event(3)))
        assert self.told(hearing, 3) == [LOST, BOUND, (event(3), True)]


class TestInOneProcess(HearingSuite):
    @pytest.fixture
    def uri(self) -> str:
        return f"memory:///hearing{next(_vhosts)}"


class TestOverRabbitMQ(HearingSuite):
    @pytest.fixture
    def uri(self, rabbitmq_vhost: str) -> str:
        return rabbitmq_vhost


def test_without_a_broker_nothing_is_told() -> None:
    hearing = Hearing(f"amqp://guest:guest@127.0.0.1:{free_port()}//", "trial.hear", topology.CASE_EVENTS)
    hearing.listener.start()
    assert hearing.take(timeout=0.5) is None
    hearing.listener.stop()


class TestItsEntrypoint:
    """The same through a container: the method is told in order, and again when it failed."""

    @pytest.fixture
    def trials(self, rabbit_trials: Trials) -> Trials:
        return rabbit_trials

    def test_a_method_is_told_in_order(self, trials: Trials) -> None:
        trials.start("hearer")
        eventually(lambda: trials.lines("heard") == ["bound"])
        publish(trials.uri, *(publish_form(event(number)) for number in range(1, 51)))
        eventually(lambda: len(trials.lines("heard")) >= 51)
        assert trials.lines("heard") == ["bound", *(str(number) for number in range(1, 51))]

    def test_a_method_that_fails_is_told_to_begin_anew(self, trials: Trials) -> None:
        hearer = trials.start("hearer")
        eventually(lambda: trials.lines("heard") == ["bound"])
        (trials.directory / "fail").touch()
        publish(trials.uri, publish_form(event(1)))
        hearer.wait_for_line("hearing failed")
        (trials.directory / "fail").unlink()
        eventually(lambda: trials.lines("heard")[-2:] == ["lost", "bound"])
        publish(trials.uri, publish_form(event(2)))
        eventually(lambda: trials.lines("heard")[-1] == "2")

    def test_in_one_process_it_hears_too(self, memory_trials: Trials) -> None:
        hearer = memory_trials.start("hearer")
        eventually(lambda: memory_trials.lines("heard") == ["bound"])
        hearer.stop(timeout=5)
        assert hearer.wait() == 0
