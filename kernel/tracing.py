"""One trace through all that a request sets off, as W3C Trace Context names it: bound while it is worked on.

Every log line and every call made meanwhile carries it. Nothing is decided by it, and nothing of it is secret.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar, Token
from typing import Any, Protocol

HEADER = "traceparent"  # of HTTP, of AMQP, and of CloudEvents the extension

SERVER, CLIENT, CONSUMER = "server", "client", "consumer"  # kinds of spans

_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16

# Each thread and each greenlet has its own: what one binds no other sees.
_bound: ContextVar[str | None] = ContextVar("traceparent", default=None)


class Span(Protocol):
    """A stretch of work that is recorded. `traceparent` names it to whoever works for it."""

    traceparent: str

    def tell(self, name: str | None, attributes: Mapping[str, Any]) -> None: ...

    def end(self, error: BaseException | None = None) -> None: ...


class Recorder(Protocol):
    """Where spans go (`kernel.telemetry`). Must never wait, nor raise."""

    def start(self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Any]) -> Span: ...

    def took(self, name: str, parents: Iterable[str | None], began: int, attributes: Mapping[str, Any]) -> None: ...


_recorder: Recorder | None = None


def record_with(recorder: Recorder | None) -> None:
    """From now on spans go there; None: nowhere."""
    global _recorder
    _recorder = recorder


def read(traceparent: Any) -> str | None:
    """What came from outside, if it is a traceparent; None if it is anything else."""
    form = _FORM.fullmatch(traceparent) if isinstance(traceparent, str) else None
    return None if form is None or form[1] == _NO_TRACE or form[2] == _NO_SPAN else form[0]


def fresh() -> str:
    """The traceparent of a new trace."""
    noise = os.urandom(24).hex()
    return f"00-{noise[:32]}-{noise[32:]}-01"


def id_of(traceparent: str) -> str:
    """The trace's id: 32 hex digits."""
    return traceparent[3:35]


def ids_of(traceparents: Iterable[str | None]) -> list[str]:
    """The ids of these traces, each once, in order: what a line about several events says."""
    return list(dict.fromkeys(one[3:35] for one in traceparents if one))


def current() -> str | None:
    """The traceparent that is bound here."""
    return _bound.get()


class joined:  # noqa: N801 - used as `with joined(traceparent):`
    """Bind the trace of `traceparent` to what is done inside; a new one where there is none."""

    __slots__ = ("_token", "traceparent")
    _token: Token[str | None]

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent or fresh()

    def __enter__(self) -> "joined":
        self._token = _bound.set(self.traceparent)
        return self

    def __exit__(self, *_: object) -> None:
        _bound.reset(self._token)


class work:  # noqa: N801 - used as `with work("name", SERVER, traceparent):`
    """As `joined`, and a span where spans are recorded. `parent` None: what is bound here, or a new trace."""

    __slots__ = ("_span", "_token", "traceparent")
    _token: Token[str | None]

    def __init__(self, name: str, kind: str, parent: str | None = None, **attributes: Any) -> None:
        parent = parent or current()
        self._span = None if _recorder is None else _recorder.start(name, kind, parent, attributes)
        self.traceparent = (parent or fresh()) if self._span is None else self._span.traceparent

    def tell(self, name: str | None = None, **attributes: Any) -> None:
        """Say more of the span: what became known only meanwhile."""
        if self._span is not None:
            self._span.tell(name, attributes)

    def __enter__(self) -> "work":
        self._token = _bound.set(self.traceparent)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        _bound.reset(self._token)
        if self._span is not None:
            self._span.end(error)


def now() -> int:
    """When a batch began, for `took`; 0 where nothing is recorded."""
    return 0 if _recorder is None else time.time_ns()


def took(name: str, parents: Iterable[str | None], began: int, **attributes: Any) -> None:
    """A span in each of these traces, from `began` (see `now`) to this moment: for what is done for many at once."""
    if _recorder is not None and began:
        _recorder.took(name, parents, began, attributes)
