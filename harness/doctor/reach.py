"""Whether a backend that runs already can be reached, and where it says that it is ready."""

from collections.abc import AsyncIterator

from harness.doctor.advice import of_gateway_key
from harness.doctor.step import Step
from harness.instances.readiness import Answer, ask
from harness.target import Target

TIMEOUT_S = 5.0

USUAL = (
    *("/readyz", "/ready", "/health/ready", "/api/ready", "/health", "/healthz", "/api/health"),
    *("/status", "/livez", "/live", "/up", "/ping", "/"),
)
"""Where backends usually say that they are ready, for one that has no `ready_path` yet."""


async def reach(target: Target) -> AsyncIterator[Step]:
    """Ask every instance at its ready path, and at the usual ones where that does not answer."""
    added = target.added_to_probes("api")
    path = added.target(target.api.ready_path)
    for number, base_url in enumerate(target.api.base_urls, 1):
        name = "reach" if len(target.api.base_urls) == 1 else f"reach instance {number}"
        answer = await ask(base_url.rstrip("/"), path, TIMEOUT_S, added.headers)
        if answer.status is None:
            yield Step(
                name=name,
                how="does not hold",
                seen=f"{base_url}: {answer.text}",
                hint="start the backend, or correct the address",
                lines=("[api]", f'base_urls = ["{base_url}"]'),
            )
            continue
        yield Step(name=name, how="holds", seen=base_url)
        yield await _ready(base_url.rstrip("/"), target, answer)


async def _ready(base_url: str, target: Target, answer: Answer) -> Step:
    path = target.api.ready_path
    if answer.is_ready:
        return Step(name="ready", how="holds", seen=f"GET {path}: {answer.status}")
    if answer.status in (401, 403) and (key := of_gateway_key(answer.text, target)):
        return Step(
            name="ready",
            how="does not hold",
            seen=f"GET {path}: {answer.text}",
            hint=key.hint,
            lines=key.lines,
        )
    added = target.added_to_probes("api")
    for other in USUAL:
        found = await ask(base_url, added.target(other), TIMEOUT_S, added.headers)
        if found.is_ready:
            return Step(
                name="ready",
                how="does not hold",
                seen=f"GET {path}: {answer.text}",
                hint=f"GET {other} answers {found.status}",
                lines=("[api]", f'ready_path = "{other}"'),
            )
    return Step(
        name="ready",
        how="does not hold",
        seen=f"GET {path}: {answer.text}",
        hint="none of the usual paths answers 2xx either: which one says that it can serve?",
        lines=("[api]", 'ready_path = "/…"'),
    )
