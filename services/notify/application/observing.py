"""How providers answer, counted in memory by whoever asks them, and put into the database now and then.

Only for people to look at: what a process has not put there when it ends is forgotten, and no message depends on it.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kernel.clock import Clock, to_micros
from services.notify.application.ports import Accepted, Answer, Outgoing, Provider, Rejected, Unsure

_SAID = 200  # characters of a reason


@dataclass(frozen=True, kw_only=True)
class Heard:
    """How one provider has answered since it was last put into the database. Times in microseconds."""

    provider: str
    well: bool = False  # whether it has answered as it should at all
    failures_running: int = 0  # since it last did
    accepted: int = 0
    failed: int = 0
    answered_at: int | None = None
    accepted_at: int | None = None
    reason: str | None = None

    def and_then(self, answer: Answer, at: int) -> "Heard":
        """With one more answer. To reject a message is to answer as one should."""
        if isinstance(answer, Accepted):
            return replace(self._well(at), accepted=self.accepted + 1, accepted_at=at)
        if isinstance(answer, Rejected):
            return self._well(at)
        running, failed = self.failures_running + 1, self.failed + 1
        return replace(self, failures_running=running, failed=failed, answered_at=at, reason=answer.reason[:_SAID])

    def _well(self, at: int) -> "Heard":
        return replace(self, well=True, failures_running=0, answered_at=at)


class Observing:
    """Safe to share among threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._heard: dict[str, Heard] = {}

    def watched(self, providers: Iterable[Provider]) -> Sequence[Provider]:
        """The same providers, each seen when it answers."""
        return [_Watched(provider, self) for provider in providers]

    def note(self, provider: str, answer: Answer) -> None:
        """Take note of an answer."""
        at = to_micros(self._clock.now())
        with self._lock:
            self._heard[provider] = self._heard.get(provider, Heard(provider=provider)).and_then(answer, at)

    def take(self) -> list[Heard]:
        """What was heard since the last time, by name, so that two processes never wait for each other."""
        with self._lock:
            heard, self._heard = self._heard, {}
        return [heard[name] for name in sorted(heard)]


class _Watched:
    """A provider whose answers are noted."""

    def __init__(self, provider: Provider, observing: Observing) -> None:
        self._provider = provider
        self._observing = observing

    @property
    def name(self) -> str:
        return self._provider.name

    @property
    def patience(self) -> float:
        return self._provider.patience

    def send(self, message: Outgoing) -> Answer:
        try:
            answer = self._provider.send(message)
        except Exception as fault:  # seen, and raised on
            self._observing.note(self.name, Unsure(f"fault: {type(fault).__name__}"))
            raise
        self._observing.note(self.name, answer)
        return answer
