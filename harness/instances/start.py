"""Starting one instance and waiting until it is ready."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from harness.errors import InstanceFailed, Misconfigured
from harness.instances.description import Instance, Role
from harness.instances.handle import InstanceHandle
from harness.instances.plan import Plan, PortTaken
from harness.instances.readiness import Answer, ask
from harness.machine.logs import describe_end, tail
from harness.machine.ports import LOOPBACK, free_port, is_free
from harness.redaction.redactor import Redactor
from harness.target.models import Api, Worker

_POLL_S = 0.01
_PORT_TRIES = 5
_PORT_TAKEN = ("address already in use", "eaddrinuse", "address in use")


async def start_instance(
    plan: Plan, name: str, role: Role, extra: Mapping[str, str], port: int | None = None
) -> InstanceHandle:
    """Start an instance and wait until it is ready, on the given port or a free one.

    Raises `InstanceFailed` with its last log lines when it dies or its time is over, and
    `Misconfigured` when it cannot be started at all. Nothing of it is left then.
    """
    table = plan.table(role)
    fixed = port if port is not None else plan.fixed_port(role)
    if fixed is not None and not is_free(fixed):
        raise Misconfigured(
            f"{name}: port {fixed} on {LOOPBACK} is in use by another program; "
            "stop it, or let the target use {port}"
        )
    tried: frozenset[int] = frozenset()
    while True:
        chosen = fixed if fixed is not None else free_port(tried)
        tried |= {chosen}
        since = _size(plan.log_path(name))
        try:
            running = await plan.driver.start(plan, name, role, extra, chosen)
        except PortTaken as error:
            if fixed is not None or len(tried) >= _PORT_TRIES:
                raise InstanceFailed(f"{name}: {error}") from error
            continue
        try:
            await _wait_until_ready(plan, running, table, since)
            return running
        except InstanceFailed:
            lost = _lost_port(running, chosen, plan.log_path(name), since)
            running.end()
            if not lost or fixed is not None or len(tried) >= _PORT_TRIES:
                raise
        except BaseException:
            running.end()
            raise


async def _wait_until_ready(
    plan: Plan, running: InstanceHandle, table: Api | Worker, since: int
) -> None:
    instance = running.instance
    end_at = time.monotonic() + table.ready_timeout_s
    answer = Answer(status=None, text="it was not asked yet")
    while True:
        if not running.is_alive():
            code = running.exit_code()
            how = "ended" if code is None else describe_end(code)
            raise InstanceFailed(_failure(plan, instance, f"{how} before it was ready", since))
        if table.ready_path is None:
            return
        left = end_at - time.monotonic()
        if left <= 0:
            what = (
                f"was not ready within {table.ready_timeout_s:g} s: "
                f"GET {instance.base_url}{table.ready_path} got: {answer.text}"
            )
            raise InstanceFailed(_failure(plan, instance, what, since))
        answer = await ask(instance.base_url, table.ready_path, max(0.2, min(left, 2.0)))
        if answer.is_ready and running.holds_its_port():
            return
        await asyncio.sleep(_POLL_S)


def _lost_port(running: InstanceHandle, port: int, log_path: Path, since: int) -> bool:
    """Say whether somebody took the port between our choosing and the instance's binding it."""
    said = tail(log_path, since=since).lower()
    return any(words in said for words in _PORT_TAKEN) or (
        not running.is_alive() and not is_free(port)
    )


def _failure(plan: Plan, instance: Instance, what: str, since: int) -> str:
    last = tail(instance.log_path, since=since)
    return Redactor(plan.secrets)(f"{instance.name} {what}; its last log lines:\n{last}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
