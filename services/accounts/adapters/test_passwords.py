"""Hashing: right, slow on purpose, and never in the way of what else a service does."""

import subprocess
import sys
from pathlib import Path

from services.accounts.adapters.passwords import Passwords

# A hash of half a second or more, beside which a greenlet counts. Real threads would count anyhow: so it is a process
# of its own, patched as services are.
COUNT_WHILE_HASHING = """
from kernel import green
green.patch()
import eventlet, time
from services.accounts.adapters.passwords import Passwords
passwords = Passwords(time_cost={rounds}, memory_kib=65536)
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        eventlet.sleep(0.01)
eventlet.spawn(tick)
eventlet.sleep(0)
before, started = ticks, time.monotonic()
assert passwords.verify(passwords.hash("a fine password"), "a fine password")
print(ticks - before, time.monotonic() - started)
"""


def test_a_password_is_told_from_another() -> None:
    passwords = Passwords(time_cost=1, memory_kib=64)
    kept = passwords.hash("密码 with spaces")
    assert kept.startswith("$argon2id$")
    assert passwords.verify(kept, "密码 with spaces")
    assert not passwords.verify(kept, "密码 with space")
    assert not passwords.verify(None, "anything")
    assert not passwords.verify("not a hash", "anything")


def test_equal_passwords_are_kept_differently() -> None:
    passwords = Passwords(time_cost=1, memory_kib=64)
    assert passwords.hash("the same") != passwords.hash("the same")


def test_the_usual_parameters_are_not_weaker_than_recommended() -> None:
    # OWASP Password Storage: Argon2id with 19 MiB, two rounds, one lane, or more.
    assert Passwords().hash("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    root = Path(__file__).parents[3]
    script = COUNT_WHILE_HASHING.format(rounds=5)
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    ticks, seconds = ran.stdout.split()
    # Blocked, the loop would tick a handful of times between the two hashes; free, about a hundred times a second.
    assert float(seconds) > 0.2
    assert int(ticks) > float(seconds) * 20
