"""What a target file means, in lines for a person: nothing is started to find it out."""

import shlex
from collections.abc import Iterator

from harness.target.tables.models import Api, Worker
from harness.target.target import Target

Line = tuple[str, str]
"""A word, and what the file says about it."""


def summary(target: Target) -> Iterator[Line]:
    """Say what a loaded target means. Secrets are not in it; URLs may hold passwords."""
    yield "name", target.name
    yield from _programs(target)
    yield "database", _database(target)
    yield "tokens", _tokens(target)
    yield "offers", ", ".join(sorted(target.capabilities()))
    yield from _departures(target)
    for each in target.accepted:
        yield "accepted", f"{each.named} ({each.reason})"
    for gap in target.allow_inconclusive:
        yield "may be inconclusive", f"{gap.check} ({gap.reason})"


def _programs(target: Target) -> Iterator[Line]:
    if target.driver == "external":
        yield "runs already", ", ".join(target.api.base_urls)
        yield "ready", _ready(target.api)
        return
    kind = {"process": "as processes", "docker": "in containers"}[target.driver]
    yield "API", f"{target.api.instances} {kind}{_by(target.api)}; {_ready(target.api)}"
    if worker := target.worker:
        yield "worker", f"{worker.instances} {kind}{_by(worker)}; {_ready(worker)}"
    else:
        yield "worker", "none: no [worker]"


def _by(program: Api | Worker) -> str:
    shown = program.image or shlex.join(program.command or ())
    return f": {shown}" if shown else ""


def _ready(program: Api | Worker) -> str:
    if program.ready_path is None:
        return "ready when it runs"
    return f"ready when GET {program.ready_path} answers 2xx within {program.ready_timeout_s:g} s"


def _database(target: Target) -> str:
    database = target.database
    if target.database.source == "none":
        return "none that the harness can see"
    if database.source == "external":
        return "one that runs already, read-only"
    server = {
        "embedded": database.binaries or "the built-in PostgreSQL",
        "docker": database.image or "postgres:17 in a container",
    }[database.source]
    steps = [f"prelude {', '.join(database.prelude)}"] if database.prelude else []
    if database.migrate is not None:
        steps.append(f"migrated by {shlex.join(database.migrate.command or ()) or 'its image'}")
    if database.instrument and target.claim:
        steps.append(f"every change of {target.claim.table} recorded")
    return "; ".join([server, *steps])


def _tokens(target: Target) -> str:
    ways = {
        "mint": "signed by the harness",
        "given": "made elsewhere",
        "calls": "made by calls of the backend's API",
    }
    named = [
        ways.get(name, f"[tokens.{name}]")
        for name in type(target.tokens).model_fields
        if getattr(target.tokens, name) is not None
    ]
    return ", ".join(named)


def _departures(target: Target) -> Iterator[Line]:
    contract = target.contract
    if contract.absent:
        yield "absent", ", ".join(contract.absent)
    differs = [
        f"{len(value)} {name}" if isinstance(value, dict) else name
        for name in type(contract).model_fields
        if name not in {"openapi", "absent"}
        and name in contract.model_fields_set
        and (value := getattr(contract, name))
    ]
    yield "differs", ", ".join(differs) or "in nothing from the contract"
