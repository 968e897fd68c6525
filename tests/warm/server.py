"""`python -m tests.warm.server FD`: forks a child for each run that is asked for on a socket."""

import ast
import atexit
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Never

from _pytest.config import default_plugins

PRELOADED = (
    "harness.cli.checks",
    "harness.cli.run",
    "harness.plugin.session.run",
    "harness.plugin.fixtures",
    "harness.reports.plain",
    "harness.system",
    "aiohttp",
    "psycopg",
    "hypothesis",
    "pytest_asyncio.plugin",
    "xdist.plugin",
    "_hypothesis_pytestplugin",
    "contracts.conftest",
)
"""What nearly every run imports. None of it may start a thread or an event loop."""

MOST_BYTES = 1_000_000

_READ_AT_THE_START = ("PYTHON", "SSL_CERT")
"""Variables that Python or a library reads only once: a run whose values are not those of this
process starts a Python of its own."""


BUILT_IN = ("contracts", "load", "chaos")


def imported_by_checks() -> Iterator[str]:
    """Give what the files of built-in checks import; pytest imports these files themselves."""
    for file in (file for folder in BUILT_IN for file in Path(folder).rglob("check_*.py")):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                yield node.module


def serve(requests: socket.socket) -> None:
    """Fork for each request until the other side closes the socket."""
    waiting = selectors.DefaultSelector()
    waiting.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is requests:
                message, descriptors, _, _ = socket.recv_fds(requests, MOST_BYTES, 4)
                if not message:
                    return
                *streams, answers = descriptors
                pid = os.fork()
                if pid == 0:
                    os.close(answers)
                    _become(json.loads(message), streams)
                for stream in streams:
                    os.close(stream)
                answer = socket.socket(fileno=answers)
                answer.send(f"{pid}\n".encode())
                waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, answer))
            else:
                pid, answer = key.data
                _, status, usage = os.wait4(pid, 0)
                waiting.unregister(key.fd)
                os.close(key.fd)
                code = os.waitstatus_to_exitcode(status)
                answer.send(f"{code} {usage.ru_maxrss}\n".encode())
                answer.close()


def _become(request: dict[str, Any], streams: list[int]) -> Never:
    """Be what `python -m harness WORDS` is, in the folder and with the environment asked for."""
    code: object = 70
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 1024)
        os.chdir(request["cwd"])
        if any(
            name.startswith(_READ_AT_THE_START) and value != os.environ.get(name)
            for name, value in request["env"].items()
        ):
            command = [sys.executable, "-m", "harness", *request["words"]]
            os.execve(sys.executable, command, request["env"])  # noqa: S606
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = [importlib.import_module("harness.__main__").__file__ or "", *request["words"]]
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, closefd=False, encoding="utf-8")  # noqa: SIM115
            for number, mode in enumerate("rww")
        )
        random.seed()
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        importlib.import_module("harness.cli").main()
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for written in (sys.stdout, sys.stderr):
            written.flush()
        os._exit(code if isinstance(code, int) else 1)


def main() -> None:
    """Import, then serve."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    plugins = (f"_pytest.{name}" for name in default_plugins)
    for name in (*PRELOADED, *plugins, *imported_by_checks()):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
