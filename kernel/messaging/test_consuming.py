"""Batches: nothing lost and nothing out of order, whatever happens to the process that works on them."""

import contextlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from kernel.messaging.conftest import Trials, eventually
from kernel.testing import Process


def upto(last: int) -> list[str]:
    return [str(number) for number in range(1, last + 1)]


def first_seen(lines: list[str]) -> list[str]:
    """The lines without repeats, in the order in which they came first."""
    return list(dict.fromkeys(lines))


class BatchSuite:
    """A service with a `batches` method. A subclass has the fixtures `trials`, and `start` for intake and gateway."""

    def start(self, trials: Trials) -> Process:
        raise NotImplementedError

    def test_all_is_taken_in_order_and_once(self, trials: Trials) -> None:
        self.start(trials)
        trials.publish(1, 300)
        eventually(lambda: len(trials.lines("taken")) >= 300)
        assert trials.lines("taken") == upto(300)

    def test_a_failing_method_gets_the_same_again_in_order(self, trials: Trials) -> None:
        (trials.directory / "fail").touch()
        intake = self.start(trials)
        trials.publish(1, 120)
        eventually(lambda: len(trials.lines("failed")) >= 150)  # the first batch of 50, three times
        line = json.loads(intake.wait_for_line("batch failed"))
        assert (line["queue"], line["first"]) == ("filing.department-events", "1")
        assert "told to fail" in line["exception"]
        (trials.directory / "fail").unlink()
        eventually(lambda: len(trials.lines("taken")) >= 120)
        assert trials.lines("taken") == upto(120)
        assert set(trials.lines("failed")) <= set(upto(50))  # nothing overtook what failed

    def test_a_batch_under_way_is_finished_at_sigterm(self, trials: Trials) -> None:
        (trials.directory / "slow").touch()
        intake = self.start(trials)
        trials.publish(1, 10)
        eventually(lambda: trials.lines("started"))
        intake.stop(timeout=5)
        assert intake.wait() == 0
        assert trials.lines("taken") == upto(len(trials.lines("taken")))
        assert trials.lines("taken")


class TestInOneProcess(BatchSuite):
    @pytest.fixture
    def trials(self, memory_trials: Trials) -> Trials:
        return memory_trials

    def start(self, trials: Trials) -> Process:
        return trials.start("intake", "gateway")


class TestOverRabbitMQ(BatchSuite):
    @pytest.fixture
    def trials(self, rabbit_trials: Trials) -> Trials:
        return rabbit_trials

    def start(self, trials: Trials) -> Process:
        trials.start("gateway")
        return trials.start("intake")

    def test_kill_9_loses_no_batch(self, trials: Trials) -> None:
        intake = self.start(trials)
        for first in range(1, 3000, 500):
            trials.publish(first, first + 499)
            seen = len(trials.lines("taken"))
            eventually(lambda seen=seen: len(trials.lines("taken")) > seen)
            intake.kill()
            intake.start()
        eventually(lambda: len(set(trials.lines("taken"))) == 3000)
        assert first_seen(trials.lines("taken")) == upto(3000)

    def test_two_processes_share_a_queue_and_lose_nothing(self, trials: Trials) -> None:
        intake = self.start(trials)
        trials.start("intake")
        trials.publish(1, 1000)
        intake.kill()
        eventually(lambda: set(trials.lines("taken")) == set(upto(1000)))


class TestPurgedAndRestartedBrokers:
    """Faults of the broker: what was confirmed survives a restart, and a broker that forgot everything is refilled."""

    @pytest.fixture
    def trials(self, private_rabbitmq: Any, tmp_path: Path, stack: contextlib.ExitStack) -> Trials:
        return Trials(stack.enter_context(private_rabbitmq.fresh_vhost()), tmp_path, stack)

    def test_a_restart_loses_nothing_that_was_confirmed(self, trials: Trials, private_rabbitmq: Any) -> None:
        (trials.directory / "fail").touch()
        trials.start("gateway")
        intake = trials.start("trial", "intake")
        trials.publish(1, 200)
        with private_rabbitmq.killed():
            # A call that is caught by the cut has perhaps happened, so it counts as slow; the next one is told at once.
            calls = [trials.call("increase", {"n": 1}) for _ in range(2)]
        assert all(call["seconds"] < 4 for call in calls)
        assert calls[1]["raised"] == "ServiceDown"
        (trials.directory / "fail").unlink()
        trials.ready()
        eventually(lambda: len(set(trials.lines("taken"))) == 200)
        assert first_seen(trials.lines("taken")) == upto(200)
        trials.publish(201, 210)  # by the connection kept from before the restart
        eventually(lambda: len(set(trials.lines("taken"))) == 210)
        assert intake.alive

    def test_a_broker_that_lost_everything_gets_its_queues_back(self, trials: Trials, private_rabbitmq: Any) -> None:
        trials.start("gateway")
        trials.start("trial", "intake")
        trials.publish(1, 10)
        vhost = unquote(urlsplit(trials.uri).path[1:])
        private_rabbitmq.control("delete_vhost", vhost)
        private_rabbitmq.control("add_vhost", vhost)
        private_rabbitmq.control("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*")
        trials.ready()

        def arrives() -> bool:
            trials.publish(11, 11)
            return "11" in trials.lines("taken")

        eventually(arrives, every=0.5)
