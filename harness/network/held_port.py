"""A port that stays ours while nothing listens on it."""

import socket

from harness.machine.ports import LOOPBACK, free_port

_TRIES = 5
_BACKLOG = 128


class HeldPort:
    """Bound, but not listening: connections to it are refused, and no other program gets it."""

    def __init__(self, host: str = LOOPBACK) -> None:
        """Take a free port. Raises `OSError` where none can be had at this address."""
        self.host = host
        taken: frozenset[int] = frozenset()
        while True:
            port = free_port(taken)
            try:
                self._held = _bound(host, port)
            except OSError:
                taken |= {port}
                if len(taken) >= _TRIES:
                    raise
                continue
            self.port = port
            return

    def listener(self) -> socket.socket:
        """Give a socket that listens on it; closing that one keeps the port."""
        listening = _bound(self.host, self.port)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
        return listening

    def close(self) -> None:
        """Give the port up."""
        self._held.close()


def _bound(host: str, port: int) -> socket.socket:
    # With its protocol named: else asyncio leaves Nagle's algorithm on in accepted connections, and
    # a message that comes in two parts is 40 ms late.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Not SO_REUSEADDR: with that, others who look for a free port would take this one.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made
