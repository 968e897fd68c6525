"""Starting one instance and waiting until it is ready."""

from collections.abc import Mapping
from dataclasses import replace

from harness.errors import InstanceFailed, Misconfigured
from harness.instances.description import Role
from harness.instances.handle import InstanceHandle
from harness.instances.plan import Plan, PortTaken
from harness.instances.readiness import READY, wait_until_ready
from harness.machine.logs import describe_end, tail
from harness.machine.ports import LOOPBACK, free_port, is_free
from harness.redaction.redactor import Redactor

_PORT_TRIES = 5
_PORT_TAKEN = ("address already in use", "eaddrinuse", "address in use")


async def start_instance(
    plan: Plan, name: str, role: Role, extra: Mapping[str, str], port: int | None = None
) -> InstanceHandle:
    """Start an instance and wait until it is ready, on the given port or a free one.

    Raises `InstanceFailed` with its last log lines when it dies or its time is over, and
    `Misconfigured` when it cannot be started at all. Nothing of it is left then.
    """
    if plan.network is not None:
        own = {**plan.own_values, **await plan.network.values_for(name)}
        plan = replace(plan, own_values=own)
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
        try:
            return await _start_on(chosen, plan, name, role, extra)
        except PortTaken as error:
            if fixed is not None or len(tried) >= _PORT_TRIES:
                raise InstanceFailed(f"{name}: {error}") from error


async def _start_on(
    port: int, plan: Plan, name: str, role: Role, extra: Mapping[str, str]
) -> InstanceHandle:
    """As `start_instance`; raises `PortTaken` if another program took the port first."""
    table, log_path = plan.table(role), plan.log_path(name)
    since = log_path.stat().st_size if log_path.exists() else 0
    handle = await plan.driver.start(plan, name, role, extra, port)
    try:
        answer = READY
        if table.ready_path is not None:
            added = plan.target.added_to_probes(role)
            answer = await wait_until_ready(
                handle,
                added.target(table.ready_path),
                table.ready_timeout_s,
                headers=added.headers,
            )
        if handle.is_alive() and answer.is_ready:
            return handle
        what = (
            f"was not ready within {table.ready_timeout_s:g} s: "
            f"GET {handle.instance.base_url}{table.ready_path} got: {answer.text}"
        )
        if not handle.is_alive():
            code = handle.exit_code()
            how = "ended" if code is None else describe_end(code)
            what = f"{how} before it was ready"
        last = tail(log_path, since=since)
        failure = Redactor(plan.secrets)(f"{name} {what}; its last log lines:\n{last}")
        raise (PortTaken if _lost_port(handle, port, last) else InstanceFailed)(failure)
    except BaseException:
        handle.end()
        raise


def _lost_port(handle: InstanceHandle, port: int, log: str) -> bool:
    """Say whether another program took the port before the instance could bind it."""
    return any(words in log.lower() for words in _PORT_TAKEN) or (
        not handle.is_alive() and not is_free(port)
    )
