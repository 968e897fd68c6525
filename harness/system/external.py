"""A backend that already runs (driver `external`): found, never started, never controlled."""

import time
from collections.abc import Callable

from harness.errors import Misconfigured
from harness.instances.database_access import DatabaseAccess
from harness.instances.description import Instance
from harness.instances.plan import Plan
from harness.instances.readiness import wait_until_ready
from harness.machine.journal import Journal
from harness.redaction.redactor import Redactor
from harness.system.infrastructure import attach_driver
from harness.system.reader import refuse_unfit_reader
from harness.system.system import System
from harness.target.environment import ENVIRONMENT_TARGETS, name_of
from harness.target.target import Target

_TIMEOUT_S = 5.0

UNREACHABLE_S = 1.5
"""How long an address may refuse connections before that is reported."""


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
    # Who has written how long it may take has a backend that is only just being started.
    is_patient = "ready_timeout_s" in target.api.model_fields_set
    added = target.added_to_probes("api")
    for number, base_url in enumerate(target.api.base_urls, start=1):
        instance = Instance(
            name=f"api-{number}",
            role="api",
            base_url=base_url.rstrip("/"),
            log_path=system.log_dir / f"api-{number}.log",
        )
        handle = driver.attach(instance)
        left_s = end - time.monotonic()
        answer = await wait_until_ready(
            handle,
            added.target(target.api.ready_path),
            left_s,
            _TIMEOUT_S,
            headers=added.headers,
            unreachable_s=left_s if is_patient else UNREACHABLE_S,
            has_gateway=True,
        )
        if not answer.is_ready:
            name = name_of(target.file, ("api", "base_urls", number - 1))
            got = Redactor(system.secrets)(answer.text)
            if answer.is_unreachable:
                raise Misconfigured(
                    f"{name}: expected a backend at {instance.base_url}, but nothing can be "
                    f"reached there: {got}; start the backend, or correct the address"
                )
            if answer.is_limit:
                raise Misconfigured(
                    f"{name}: a rate limit lets no request through to {instance.base_url}: "
                    f"GET {target.api.ready_path} got: {got}, and [api] ready_timeout_s is "
                    f"{target.api.ready_timeout_s:g}; raise the limit for this run, or wait longer"
                )
            within = "" if answer.is_final else f" within {target.api.ready_timeout_s:g} s"
            raise Misconfigured(
                f"{name}: {instance.base_url} was not ready{within}: "
                f"GET {target.api.ready_path} got: {got}"
                f"{_another_path(target) if answer.status is not None else ''}"
            )
        system.adopt(handle)
        on_progress(f"{instance.base_url} is ready")
    system.bring_up_seconds = time.monotonic() - began
    return system


def _another_path(target: Target) -> str:
    """Say what helps where a backend answers, but is not ready by the path that it is asked for."""
    if target.file in ENVIRONMENT_TARGETS:
        return (
            f"\nThe backend answers. One that has no {target.api.ready_path} needs a target file "
            'that names another path, such as [api] ready_path = "/health": any that answers 2xx '
            "once it can serve. `shakedown init` writes a first file from its OpenAPI document, "
            "which it looks for at BACKEND_URL; --openapi FILE|URL names another one. Then: "
            "`shakedown doctor --target shakedown.toml` (docs/your-backend.md)"
        )
    return "\nIf it is ready by another path, name that: [api] ready_path"
