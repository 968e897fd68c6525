"""The container engine: reached, or refused with what to do instead."""

import os
import socket
from collections.abc import Container, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException
from testcontainers.core.docker_client import get_docker_host

from harness.containers.threads import Threads
from harness.errors import Misconfigured
from harness.machine.processes import Process

NOT_FOUND = 404
CONFLICT = 409
"""The engine's answer to an act that does not fit the state: it does not run, is paused already."""
ANSWERS_WITHIN_S = 60.0
"""How long one request to the engine may take; removing many containers on a busy disk does."""
_CONNECTS_WITHIN_S = 5.0
_CONNECTIONS = 32
"""As many threads may call the engine at once."""
_USUAL = "unix:///var/run/docker.sock"
_HERE = {"localhost", "127.0.0.1", "::1"}

INSTEAD = (
    "start Docker, or run the reference backend without it: shakedown run --driver embedded "
    '(in a target file driver = "process" and [database] source = "embedded")'
)


class Engine:
    """A connection to the engine; may be used by several threads."""

    def __init__(self, client: docker.DockerClient, host: str) -> None:
        self.client = client
        self.host = host
        """The address as docker spells it, so that another process finds the same engine."""
        self.threads = Threads(_CONNECTIONS)

    @classmethod
    def connect(cls, host: str | None = None) -> "Engine":
        """Reach the engine that `docker` itself would, or the one at an address.

        Raises `Misconfigured` where there is none, it may not be used, or it is another machine's:
        ports are published on loopback, and storage is shared through a directory.
        """
        address = host or get_docker_host() or _USUAL
        if not _is_here(address):
            raise Misconfigured(
                f"the Docker engine at {address} is on another machine; the docker driver "
                f"publishes ports on 127.0.0.1 only and needs an engine on this one; {INSTEAD}"
            )
        try:
            _knock(address)
            # Certificates, if there are any, from the environment, as `docker` finds them.
            client = docker.from_env(
                environment={**os.environ, "DOCKER_HOST": address},
                timeout=_CONNECTS_WITHIN_S,
                max_pool_size=_CONNECTIONS,
            )
            client.ping()
        except (DockerException, requests.RequestException, OSError) as error:
            raise Misconfigured(_unreachable(error)) from error
        client.api.timeout = ANSWERS_WITHIN_S
        return cls(client, address)

    def close(self) -> None:
        """Close the connections, except streams: their readers close them."""
        self.threads.finish()
        self.client.close()

    def process_of(self, container: str) -> Process | None:
        """Give the first process of a container, where this machine's /proc shows it.

        It does not where engine and harness number processes differently (a harness within a
        container, an engine within a virtual machine); then None, never another process.
        """
        with explained(f"looking at {container}"):
            found = self.client.api.inspect_container(container)
        pid = int(found["State"]["Pid"])
        if not pid:
            return None
        try:
            with open(f"/proc/{pid}/cgroup", encoding="ascii") as groups:  # noqa: PTH123 - /proc
                is_it = found["Id"] in groups.read()
        except OSError:
            return None
        return Process.of(pid) if is_it else None


@contextmanager
def explained(doing: str, ignore: Container[int] = ()) -> Iterator[None]:
    """Turn what the client library raises into a sentence that begins with what was done.

    `ignore` are statuses of the engine that mean that there is nothing left to do.
    """
    try:
        yield
    except APIError as error:
        if error.status_code in ignore:
            return
        raise Misconfigured(
            f"{doing}: the Docker engine refused: {error.explanation or error}"
        ) from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise Misconfigured(
            f"{doing}: the Docker engine does not answer any more ({_reason(error)}); when it is "
            "back, `shakedown recover` removes what is left"
        ) from error


def _is_here(address: str) -> bool:
    url = urlsplit(address)
    return url.scheme in {"unix", "npipe", "http+unix"} or url.hostname in _HERE


def _knock(address: str) -> None:
    """Try to connect: on failure the client library would leave a socket open."""
    url = urlsplit(address)
    if url.hostname is not None and "unix" not in url.scheme:
        socket.create_connection((url.hostname, url.port or 2375), _CONNECTS_WITHIN_S).close()
    elif "unix" in url.scheme:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_CONNECTS_WITHIN_S)
            probe.connect("/" + address.partition("://")[2].lstrip("/"))


def _unreachable(error: Exception) -> str:
    reason = _reason(error)
    if "Permission denied" in reason:
        return f"the Docker engine may not be used by this user ({reason}); {INSTEAD}"
    return f"no Docker engine can be reached ({reason}); {INSTEAD}"


def _reason(error: BaseException) -> str:
    """Give the innermost cause, without the classes of the libraries in between."""
    text = str(error)
    for known in ("Permission denied", "No such file or directory", "Connection refused"):
        if known in text:
            return known
    return text.splitlines()[0][:200] if text else type(error).__name__
