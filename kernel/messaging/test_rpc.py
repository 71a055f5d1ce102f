"""Calling and answering, over RabbitMQ with a process each and inside one process."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kernel.errors import ServiceDown
from kernel.messaging.conftest import Trials, eventually
from kernel.messaging.rpc import ServiceClient
from kernel.testing import Process, free_port


class RpcSuite:
    """What callers may rely on, whatever carries the messages. A subclass has the fixtures `trials` and `service`."""

    def test_a_method_answers(self, trials: Trials, service: Process) -> None:
        assert trials.call("increase", {"n": 41})["result"] == {"n": 42}

    def test_a_refusal_crosses_unchanged(self, trials: Trials, service: Process) -> None:
        refused = trials.call("refuse")
        assert refused["raised"] == "RemoteRefusal"
        assert (refused["code"], refused["status"]) == ("not_allowed", 403)
        assert refused["params"] == {"organ": "{braces}"}
        assert refused["zh"] == "您没有办理此操作的权限。"

    def test_fields_that_do_not_fit_the_schema_are_listed(self, trials: Trials, service: Process) -> None:
        refused = trials.call("increase", {"n": "many", "more": 1})
        assert (refused["code"], refused["status"]) == ("invalid_input", 422)
        assert {error["field"] for error in refused["errors"]} == {"n", "more"}

    def test_a_payload_that_is_no_object_is_refused(self, trials: Trials, service: Process) -> None:
        assert trials.ask("/call", service="trial", method="increase", payload=[1])["code"] == "invalid_input"

    @pytest.mark.parametrize("method", ["fail", "unsayable", "nosuch"])
    def test_a_fault_is_told_by_a_number_and_the_service_lives_on(
        self, trials: Trials, service: Process, method: str
    ) -> None:
        fault = trials.call(method)
        assert (fault["raised"], fault["status"]) == ("RemoteFault", 500)
        assert "ZeroDivision" not in json.dumps(fault)
        line = json.loads(service.wait_for_line(fault["params"]["error_id"]))
        assert line["method"] == f"trial.{method}"
        assert "exception" in line
        assert trials.call("increase", {"n": 1})["result"] == {"n": 2}

    def test_a_fault_is_logged_once(self, trials: Trials, service: Process) -> None:
        before = service.output.count("ZeroDivisionError: ")
        fault = trials.call("fail")
        service.wait_for_line(fault["params"]["error_id"])
        assert service.output.count("ZeroDivisionError: ") == before + 1

    def test_a_database_that_is_away_is_a_service_that_is_down(self, trials: Trials, service: Process) -> None:
        down = trials.call("away")
        assert (down["code"], down["status"]) == ("service_down", 503)

    def test_a_service_that_does_not_run_is_down_at_once(self, trials: Trials, service: Process) -> None:
        down = trials.call("increase", {"n": 1}, service="nobody")
        assert down["raised"] == "ServiceDown"
        assert down["seconds"] < 4

    def test_a_slow_service_is_given_up_in_time(self, trials: Trials, service: Process) -> None:
        slow = trials.call("sleep", {"seconds": 6, "note": "slow"}, timeout=0.3)
        assert slow["raised"] == "ServiceSlow"
        assert 0.25 < slow["seconds"] < 4

    def test_many_calls_are_under_way_at_once(self, trials: Trials, service: Process) -> None:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda note: trials.call("sleep", {"seconds": 0.5, "note": note}), range(20)))
        assert [answer["result"]["note"] for answer in answers] == list(range(20))
        assert max(answer["seconds"] for answer in answers) < 8  # one after another would take ten

    def test_a_request_that_waited_too_long_is_never_run(self, trials: Trials, service: Process) -> None:
        def busy(number: int) -> Any:
            return trials.call("sleep", {"seconds": 4, "note": f"busy{number}"}, timeout=60)

        with ThreadPoolExecutor(60) as pool:
            answers = pool.map(busy, range(60))  # more than the 56 that a container works on at once
            eventually(lambda: sum(note.startswith("busy") for note in trials.lines("slept")) >= 55)
            late = trials.call("sleep", {"seconds": 0, "note": "late"}, timeout=0.3)
            assert late["raised"] == "ServiceSlow"
            assert [answer["result"]["note"] for answer in answers] == [f"busy{number}" for number in range(60)]
        assert trials.call("sleep", {"seconds": 0, "note": "after"})["result"] == {"note": "after"}
        assert "late" not in trials.lines("slept")

    def test_a_service_may_call_itself(self, trials: Trials, service: Process) -> None:
        asked = {"method": "increase", "payload": {"n": 1}}
        assert trials.call("relay_call", asked)["result"] == {"n": 2}
        asked = {"method": "refuse", "payload": {}}
        assert trials.call("relay_call", asked)["code"] == "not_allowed"


class TestRpcInOneProcess(RpcSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def trials(cls, shared_memory_trials: Trials) -> Trials:
        return shared_memory_trials

    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, trials: Trials) -> Process:
        process = trials.start("trial", "gateway")
        trials.ready()
        return process


class TestRpcOverRabbitMQ(RpcSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def trials(cls, shared_rabbit_trials: Trials) -> Trials:
        return shared_rabbit_trials

    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, trials: Trials) -> Process:
        process = trials.start("trial")
        trials.start("gateway")
        trials.ready()
        return process


class TestServicesThatEnd:
    """Processes that are ended, in order or not."""

    @pytest.fixture
    def service(self, rabbit_trials: Trials) -> Process:
        process = rabbit_trials.start("trial")
        rabbit_trials.start("gateway")
        rabbit_trials.ready()
        return process

    def test_what_is_under_way_is_answered_before_the_process_ends(
        self, rabbit_trials: Trials, service: Process
    ) -> None:
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(rabbit_trials.call, "sleep", {"seconds": 1, "note": "last"})
            eventually(lambda: rabbit_trials.lines("slept") == ["last"])
            service.stop(timeout=5)
            assert answer.result()["result"] == {"note": "last"}
        assert service.wait() == 0
        assert rabbit_trials.lines("closed") == ["closed"]

    def test_a_killed_service_is_down_at_once_and_answers_when_it_is_back(
        self, rabbit_trials: Trials, service: Process
    ) -> None:
        service.kill()
        down = eventually(lambda: _down(rabbit_trials))
        assert down["seconds"] < 4
        service.start()
        rabbit_trials.ready()

    def test_two_processes_share_the_work(self, rabbit_trials: Trials, service: Process) -> None:
        second = rabbit_trials.start("trial")
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda n: rabbit_trials.call("increase", {"n": n}), range(40)))
        assert [answer["result"]["n"] for answer in answers] == list(range(1, 41))
        service.stop()
        rabbit_trials.ready()
        second.stop()
        assert _down(rabbit_trials)

    def test_one_process_of_everything_ends_in_order_too(self, memory_trials: Trials) -> None:
        everything = memory_trials.start("trial", "gateway", "intake")
        memory_trials.ready()
        everything.stop(timeout=5)
        assert everything.wait() == 0
        assert memory_trials.lines("closed") == ["closed"] * 3


class TestTheHub:
    """A process must answer the broker while its handlers wait."""

    @pytest.fixture
    def service(self, rabbit_trials: Trials) -> Process:
        process = rabbit_trials.start("trial", uri=f"{rabbit_trials.uri}?heartbeat=2")
        rabbit_trials.start("gateway")
        rabbit_trials.ready()
        return process

    def test_a_slow_query_stops_neither_other_requests_nor_heartbeats(
        self, rabbit_trials: Trials, service: Process, postgres_url: str
    ) -> None:
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(rabbit_trials.call, "query", {"url": postgres_url, "seconds": 5.5}, timeout=15)
            while not slow.done():
                assert rabbit_trials.call("increase", {"n": 1})["seconds"] < 4
            assert slow.result()["result"] == {}
        assert "connection lost" not in service.output

    def test_control_a_driver_that_blocks_the_process_costs_it_its_connection(
        self, rabbit_trials: Trials, service: Process
    ) -> None:
        assert rabbit_trials.call("block", {"seconds": 8}, timeout=0.5)["raised"] == "ServiceSlow"
        service.wait_for_line("connection lost")
        rabbit_trials.ready()


def _down(trials: Trials) -> Any:
    """What a call came to, if the service is down."""
    outcome = trials.call("increase", {"n": 1})
    return outcome if outcome.get("raised") == "ServiceDown" else None


def test_without_a_broker_every_call_says_at_once_that_the_service_is_down() -> None:
    client = ServiceClient(f"amqp://guest:guest@127.0.0.1:{free_port()}//", timeout=20)
    try:
        for _ in range(3):
            with pytest.raises(ServiceDown):
                client.call("trial", "increase", {"n": 1})
    finally:
        client.close()
