"""A backend that already runs (driver `external`): found, never started, never controlled."""

import time
from collections.abc import Callable
from contextlib import suppress

from harness.errors import Misconfigured
from harness.instances.database_access import DatabaseAccess
from harness.instances.description import Instance
from harness.instances.plan import Plan
from harness.instances.readiness import Answer, ask
from harness.machine.journal import Journal
from harness.redaction.redactor import Redactor
from harness.system.infrastructure import attach_driver
from harness.system.reader import refuse_unfit_reader
from harness.system.system import System
from harness.target.target import Target
from harness.waiting import wait_until

_POLL_S = 0.05
_TIMEOUT_S = 5.0


async def find_external(
    target: Target, journal: Journal, on_progress: Callable[[str], None], name: str
) -> System:
    """Take a backend that already runs: nothing is started, all its API instances must answer."""
    began = time.monotonic()
    url = target.database.url.get_secret_value() if target.database.url else None
    version = None if url is None else await refuse_unfit_reader(url)
    database = DatabaseAccess(readonly_url=url, version=version)
    driver = attach_driver(target, journal, {})
    system = System(
        Plan(name=name, target=target, journal=journal, driver=driver, database=database)
    )
    end = began + target.api.ready_timeout_s
    for number, base_url in enumerate(target.api.base_urls, start=1):
        instance = Instance(
            name=f"api-{number}",
            role="api",
            base_url=base_url.rstrip("/"),
            log_path=system.log_dir / f"api-{number}.log",
        )
        await _wait_until_ready(system, instance, end - time.monotonic())
        system.adopt(driver.attach(instance))
        on_progress(f"{instance.base_url} is ready")
    system.bring_up_seconds = time.monotonic() - began
    return system


async def _wait_until_ready(system: System, instance: Instance, within_s: float) -> None:
    api = system.target.api
    answer: Answer

    async def is_over() -> bool:
        nonlocal answer
        answer = await ask(instance.base_url, api.ready_path, _TIMEOUT_S)
        return answer.is_ready or answer.is_final

    with suppress(TimeoutError):
        await wait_until(is_over, within_s, "an answer", poll_s=_POLL_S, error=TimeoutError)
    if not answer.is_ready:
        within = "" if answer.is_final else f" within {api.ready_timeout_s:g} s"
        raise Misconfigured(
            f"api.base_urls: {instance.base_url} was not ready{within}: GET {api.ready_path} "
            "got: " + Redactor(system.secrets)(answer.text)
        )
