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
        left = 0.0 if done >= total else (total - done) / rate if rate else None
        if self._as_json:
            seconds_left = None if left is None else round(left)
            figures = {"done": done, "total": total, "rate": round(rate, 1), "seconds_left": seconds_left}
            return json.dumps({"doing": self._what, **figures})
        pace = f", {rate:,.0f}/s" if rate else ""
        return f"{self._what}: {done:,} of {total:,}{pace}" + (f", {_words(left)} left" if left else "")


def _words(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
