"""Free ports on loopback."""

import functools
import random
import socket

from harness.errors import Misconfigured

LOOPBACK = "127.0.0.1"

# Below the range from which systems take ports for outgoing connections: one of those could
# take ours between our choosing it and the instance's binding it.
_RANGE = range(20_000, 32_000)
_TRIES = 200
_CONNECT_S = 5.0

_random = random.SystemRandom()  # two runs that start in the same moment must not agree


def free_port(taken: frozenset[int] = frozenset()) -> int:
    """Choose a port that no program listens on and that is not among `taken`.

    Nothing keeps it free until it is used: a caller that starts something on it must be ready to
    choose again. Raises `Misconfigured` when there is none.
    """
    refuse_no_loopback()
    for _ in range(_TRIES):
        port = _random.choice(_RANGE)
        if port not in taken and is_free(port):
            return port
    raise Misconfigured(
        f"no free port between {_RANGE.start} and {_RANGE.stop} on {LOOPBACK} in {_TRIES} tries"
    )


@functools.cache
def refuse_no_loopback() -> None:
    """Refuse a machine whose own programs cannot reach each other. Raises `Misconfigured`."""
    try:
        with socket.socket() as listening, socket.socket() as calling:
            listening.bind((LOOPBACK, 0))
            listening.listen(1)
            calling.settimeout(_CONNECT_S)
            calling.connect(listening.getsockname())
    except OSError as error:
        raise Misconfigured(
            f"programs on this machine cannot reach each other by {LOOPBACK} "
            f"({error.strerror or error}), where everything is started: bring the loopback "
            f"interface up (ip link set lo up) with that address (ip addr add {LOOPBACK}/8 dev lo)"
        ) from error


def is_free(port: int) -> bool:
    """Say whether something could listen on this port now."""
    with socket.socket() as probe:
        # As servers do, so that connections that have just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
