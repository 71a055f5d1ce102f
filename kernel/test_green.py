"""In a patched process, work in a real thread leaves other greenlets running; elsewhere it is a plain call."""

import subprocess
import sys

import pytest

from kernel.green import off_hub

# Counts the turns that another greenlet gets while a function computes without ever waiting.
PROGRAM = """
from kernel import green
green.patch()
import sys, threading, time

class Turns(threading.Thread):
    on, count = True, 0
    def run(self):
        while self.on:
            time.sleep(0.001)
            self.count += 1

def busy():
    return sum(number * number for number in range(6_000_000))

def look_up(host):
    import _socket, socket
    _socket.getaddrinfo = lambda *_: busy() and []
    socket.getaddrinfo(host, 80)

turns = Turns()
turns.start()
time.sleep(0)
turns.count = 0
WORK
sys.stdout.write(str(turns.count))
turns.on = False
turns.join()
"""


def turns_while(work: str) -> int:
    program = PROGRAM.replace("WORK", work)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return int(ended.stdout)


def test_others_have_their_turn_while_a_real_thread_works() -> None:
    assert turns_while("green.off_hub(busy)") > 10


def test_on_the_hub_nobody_has() -> None:
    assert turns_while("busy()") <= 1


def test_a_name_is_looked_up_in_a_real_thread_and_an_address_needs_none() -> None:
    assert turns_while("look_up('hall.example')") > 10
    assert turns_while("look_up('127.0.0.1')") <= 1


def test_what_is_raised_comes_through() -> None:
    assert off_hub(max, 1, 2) == 2
    with pytest.raises(ZeroDivisionError):
        off_hub(divmod, 1, 0)
