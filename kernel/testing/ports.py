"""Ports of this machine for servers that tests start.

Looks only at the loopback address.
"""

import random
import socket

# Below the range from which systems take the ports of outgoing connections (32768 and up on Linux). Inside it, a
# client that keeps dialling a server that is down can be given the server's own port and end up talking to itself.
_LOWEST, _HIGHEST = 20000, 32000


def free_port() -> int:
    """A port that nobody listens on now, and that nobody is given by chance afterwards."""
    for _ in range(200):
        port = random.randint(_LOWEST, _HIGHEST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {_LOWEST} and {_HIGHEST}")


def accepts(port: int, host: str = "127.0.0.1", timeout: float = 1) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False
