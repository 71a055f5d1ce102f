"""How far a long command is, how fast, and how long it will still take: a line on stderr now and then.

Never on stdout, which is for the answer.
"""

import json
import time

import click

_EVERY = 2.0  # seconds


class Pace:
    """Call it with how much is done and how much there is."""

    def __init__(self, what: str, as_json: bool) -> None:
        self._what = what
        self._as_json = as_json
        self._began = self._said = time.monotonic()
        self._first: int | None = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first, self._began, self._said = done, now, now
        if now - self._said < _EVERY:
            return
        self._said = now
        rate = (done - self._first) / max(now - self._began, 1e-9)
        click.echo(self._line(done, total, rate), err=True)

    def _line(self, done: int, total: int, rate: float) -> str:
        left = (total - done) / rate if rate else None
        if self._as_json:
            figures = {"done": done, "total": total, "rate": round(rate, 1), "seconds_left": left and round(left)}
            return json.dumps({"doing": self._what, **figures})
        return f"{self._what}: {done:,} of {total:,}, {rate:,.0f}/s, {_words(left)} left"


def _words(seconds: float | None) -> str:
    if seconds is None:
        return "unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
