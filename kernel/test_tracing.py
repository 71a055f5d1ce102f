"""One trace in every line and every call, in threads and in greenlets, and never somebody else's."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO

import pytest

from kernel import logs, tracing

TRACE = f"00-{'4' * 32}-{'7' * 16}-00"
GREENLETS = """
from kernel import green
green.patch()
import eventlet, threading
from kernel import tracing

def look(traceparent, seen):
    with tracing.joined(traceparent):
        eventlet.sleep(0.01)  # the others bind theirs meanwhile
        seen.append(tracing.current() == traceparent)

seen, traces = [], [tracing.fresh() for _ in range(50)]
pool = eventlet.GreenPool()
with tracing.joined(None):
    for traceparent in traces:
        pool.spawn(look, traceparent, seen)
    threads = [threading.Thread(target=look, args=(traceparent, seen)) for traceparent in traces]
    for thread in threads:
        thread.start()
    eventlet.spawn(lambda: seen.append(tracing.current() is None)).wait()
    pool.waitall()
    for thread in threads:
        thread.join()
print(len(seen), all(seen), tracing.current())
"""


@pytest.fixture
def said() -> Iterator[StringIO]:
    """What is logged, as a service writes it."""
    root, text = logging.getLogger(), StringIO()
    handlers, level = root.handlers[:], root.level
    logs.configure("INFO", service="trial")
    root.handlers[0].setStream(text)  # type: ignore[attr-defined]
    yield text
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_carries_the_trace_it_is_said_in(said: StringIO) -> None:
    log = logs.get("trial")
    with tracing.joined(TRACE):
        log.info("inside")
        logging.getLogger("library").warning("a library's")
    log.info("outside")
    inside, library, outside = (json.loads(line) for line in said.getvalue().splitlines())
    assert inside["trace_id"] == library["trace_id"] == "4" * 32
    assert "trace_id" not in outside


def test_a_thread_sees_its_own_trace_only() -> None:
    seen: list[str | None] = []
    with tracing.joined(TRACE):
        thread = threading.Thread(target=lambda: seen.append(tracing.current()))
        thread.start()
        thread.join()
        assert tracing.current() == TRACE
    assert (seen, tracing.current()) == ([None], None)


def test_greenlets_that_take_turns_see_their_own_trace_only() -> None:
    ended = subprocess.run([sys.executable, "-c", GREENLETS], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.split() == ["101", "True", "None"]


def test_what_comes_without_a_trace_begins_one_and_what_is_inside_goes_on_with_it() -> None:
    with tracing.joined(None) as outer, tracing.work("inner", tracing.CLIENT) as inner:
        assert inner.traceparent == outer.traceparent
        assert tracing.read(outer.traceparent) == outer.traceparent
    with tracing.joined(None) as another:
        assert tracing.id_of(another.traceparent) != tracing.id_of(outer.traceparent)


@pytest.mark.parametrize(
    "made_up",
    [
        None,
        7,
        "",
        "00-ab",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        TRACE.upper() + "F",
        TRACE + "\n",
    ],
)
def test_what_is_no_traceparent_is_not_taken(made_up: object) -> None:
    assert tracing.read(made_up) is None


def test_a_line_about_many_names_each_trace_once() -> None:
    assert tracing.ids_of([TRACE, None, f"00-{'5' * 32}-{'7' * 16}-01", TRACE]) == ["4" * 32, "5" * 32]
