"""What a worker process of xdist gets from the controller, and how it ends."""

import asyncio
import json
import os
import signal
from types import FrameType
from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.plugin.context import REDACTOR, SYSTEM, TARGET
from harness.plugin.settings import SETTINGS, RunSettings
from harness.redaction.redactor import Redactor
from harness.system import System, SystemDescription

WORKER_INPUT = "shakedown"

_SETTINGS = TypeAdapter(RunSettings)


def worker_input(settings: RunSettings, system: System) -> str:
    """Give what a worker needs to know, as text for the wire."""
    return json.dumps(
        {
            "settings": _SETTINGS.dump_python(settings, mode="json"),
            "system": system.describe().to_json(),
        }
    )


def pytest_configure(config: pytest.Config) -> None:
    """In a worker: take over settings and system from the controller."""
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is None:
        return
    plain = json.loads(given[WORKER_INPUT])
    settings = _SETTINGS.validate_python(plain["settings"])
    system = System.attach(SystemDescription.from_json(plain["system"]))
    config.stash[SETTINGS] = settings
    config.stash[TARGET] = system.target
    config.stash[SYSTEM] = system
    config.stash[REDACTOR] = Redactor(system.secrets)
    _leave_the_terminal()


def _leave_the_terminal() -> None:
    """Let the controller alone decide when the worker is interrupted.

    Ctrl-C reaches every process of the terminal's group at once. A worker gets its signal from
    the controller instead, once, so that its fixtures can be taken down undisturbed.
    """
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    """In a worker: end what its checks have started and not ended."""
    if hasattr(config, "workerinput") and SYSTEM in config.stash:
        asyncio.run(config.stash[SYSTEM].close())


def pytest_keyboard_interrupt() -> None:
    """Take the fixtures down undisturbed: the first interruption was enough."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        pass

    signal.signal(signal.SIGINT, ignore)
