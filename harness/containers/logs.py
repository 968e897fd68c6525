"""What a container prints, written to a file as it comes."""

import contextlib
import threading
from pathlib import Path

import requests
from docker.errors import DockerException
from docker.utils.socket import frames_iter

from harness.containers.engine import Engine, explained

_FINISH_S = 5.0


class LogPump:
    """A thread that copies a container's output until it ends.

    It is attached before the container starts, so nothing is missed, and does not depend on the
    engine's logging driver.
    """

    def __init__(
        self, engine: Engine, container: str, log_path: Path, *, from_start: bool = False
    ) -> None:
        """Follow a container; `from_start` takes along what it has printed before."""
        with explained(f"attaching to {container}"):
            wanted = {"stdout": 1, "stderr": 1, "stream": 1, "logs": int(from_start)}
            self._socket = engine.client.api.attach_socket(container, params=wanted)
        self._log_path = log_path
        self._thread = threading.Thread(target=self._copy, name=f"log of {container}", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until the last output of a container that has ended is written."""
        self._thread.join(_FINISH_S)

    def _copy(self) -> None:
        # The client library gives the bare socket, with its response as an attribute.
        with (
            contextlib.closing(self._socket),
            contextlib.closing(self._socket._response),  # noqa: SLF001
            self._log_path.open("ab", buffering=0) as log,
        ):
            try:
                for _, piece in frames_iter(self._socket, tty=False):
                    log.write(piece)
            except (DockerException, requests.RequestException, OSError, ValueError) as error:
                log.write(f"[shakedown: the engine gave no more of this log: {error}]\n".encode())
