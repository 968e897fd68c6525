"""Ryuk: a container that removes everything of a run once no process holds a connection to it.

It is testcontainers' own reaper, with our own label. testcontainers would publish its port on
every interface of the machine and stop where there is no image of it; so it is started here.
"""

import socket
import time
from contextlib import ExitStack, suppress

from docker.errors import DockerException
from testcontainers.core.config import get_docker_socket, testcontainers_config

from harness.containers.engine import Engine, explained
from harness.containers.labels import REAPER, RUN, Labels
from harness.errors import Misconfigured
from harness.machine.ports import LOOPBACK, free_port

_PORT = 8080
_PULLED_WITHIN_S = 10.0
_ANSWERS_WITHIN_S = 10.0
_POLL_S = 0.05


class Reaper:
    """Holds the connection; dies with this process, and Ryuk then does its work."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    @classmethod
    def start(cls, engine: Engine, labels: Labels) -> "Reaper | None":
        """Start it; None where it is switched off, or its image is not here and cannot be had."""
        if testcontainers_config.ryuk_disabled or not _has_image(engine):
            return None
        port = free_port()
        with explained("starting Ryuk"):
            engine.client.containers.run(
                testcontainers_config.ryuk_image,
                name=f"shakedown-{labels.run_id}-ryuk",
                labels=labels.as_mapping(REAPER),
                detach=True,
                auto_remove=True,
                privileged=testcontainers_config.ryuk_privileged,
                ports={f"{_PORT}/tcp": (LOOPBACK, port)},
                volumes={get_docker_socket(): {"bind": "/var/run/docker.sock", "mode": "rw"}},
                environment={
                    "RYUK_PORT": str(_PORT),
                    "RYUK_RECONNECTION_TIMEOUT": testcontainers_config.ryuk_reconnection_timeout,
                },
            )
        return cls(_subscribe(port, labels.run_id))

    def disconnect(self) -> None:
        """End the connection; Ryuk then removes what the label marks, and ends."""
        self._connection.close()


def _has_image(engine: Engine) -> bool:
    image = testcontainers_config.ryuk_image
    try:
        if engine.client.api.images(name=image):
            return True
        before = engine.client.api.timeout
        engine.client.api.timeout = _PULLED_WITHIN_S
        try:
            engine.client.images.pull(image)
        finally:
            engine.client.api.timeout = before
    except (DockerException, OSError):
        return False
    return True


def _subscribe(port: int, run_id: str) -> socket.socket:
    """Connect, and send what to remove; it answers with a line once it has read that."""
    end = time.monotonic() + _ANSWERS_WITHIN_S
    while True:
        # The engine may accept for it, and hang up, before it listens itself.
        with suppress(OSError), ExitStack() as unless_refused:
            connection = unless_refused.enter_context(
                socket.create_connection((LOOPBACK, port), timeout=_ANSWERS_WITHIN_S)
            )
            connection.sendall(f"label={RUN}={run_id}\n".encode())
            if connection.recv(16).startswith(b"ACK"):
                unless_refused.pop_all()
                return connection
        if time.monotonic() > end:
            raise Misconfigured(
                f"Ryuk did not answer on {LOOPBACK}:{port} within {_ANSWERS_WITHIN_S:g} s; "
                "TESTCONTAINERS_RYUK_DISABLED=true goes on without it"
            )
        time.sleep(_POLL_S)
