"""A backend that already runs (driver `external`): found, never started, never controlled."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from harness.errors import Misconfigured
from harness.instances.database_access import DatabaseAccess
from harness.instances.description import Instance
from harness.instances.external_handle import ExternalHandle
from harness.instances.plan import plan_for
from harness.instances.process_driver import ProcessDriver
from harness.instances.readiness import ask
from harness.machine.journal import Journal
from harness.redaction.redactor import Redactor
from harness.system.reader import refuse_unfit_reader
from harness.system.system import System
from harness.target.target import Target

_POLL_S = 0.05
_TIMEOUT_S = 5.0


async def find_external(
    target: Target, run_dir: Path, journal: Journal, on_progress: Callable[[str], None], name: str
) -> System:
    """Take a backend that already runs: nothing is started, all its API instances must answer."""
    began = time.monotonic()
    url = target.database.url.get_secret_value() if target.database.url else None
    version = None if url is None else await refuse_unfit_reader(url)
    database = DatabaseAccess(readonly_url=url, version=version)
    system = System(
        name=name,
        target=target,
        run_dir=run_dir,
        journal=journal,
        plan=plan_for(target, journal, ProcessDriver(journal), name, database, None),
        database=database,
        storage_dir=None,
        home=None,
    )
    end = began + target.api.ready_timeout_s
    for number, base_url in enumerate(target.api.base_urls, start=1):
        instance = Instance(
            name=f"api-{number}",
            role="api",
            base_url=base_url.rstrip("/"),
            log_path=system.log_dir / f"api-{number}.log",
        )
        answer = await ask(instance.base_url, target.api.ready_path, _TIMEOUT_S)
        while not answer.is_ready:
            if answer.is_final or time.monotonic() > end:
                within = "" if answer.is_final else f" within {target.api.ready_timeout_s:g} s"
                raise Misconfigured(
                    f"api.base_urls: {instance.base_url} was not ready{within}: "
                    f"GET {target.api.ready_path} came to: " + Redactor(system.secrets)(answer.text)
                )
            await asyncio.sleep(_POLL_S)
            answer = await ask(instance.base_url, target.api.ready_path, _TIMEOUT_S)
        system.adopt(ExternalHandle(instance=instance))
        on_progress(f"{instance.base_url} is ready")
    system.bring_up_seconds = time.monotonic() - began
    return system
