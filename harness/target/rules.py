"""What single values cannot show: tables of a target that contradict each other."""

from collections.abc import Iterator, Mapping

from harness.target.lines import KeyPath
from harness.target.models import OPTIONAL_COLUMNS, Api, Migrate, Worker
from harness.target.target import Target
from harness.target.template import SECRET_NAMES, placeholders, unknown_placeholder
from harness.vocabulary.exports import STATES

Broken = Iterator[tuple[KeyPath, str]]

_OF_INSTANCES = frozenset({"port", "storage_dir", "instance"})


def broken_rules(target: Target) -> Broken:
    """Find every contradiction: where it stands, and what was expected instead."""
    yield from _driver(target)
    yield from _images(target)
    yield from _database(target)
    yield from _claim(target)
    yield from _ports(target)
    yield from _placeholders(target)


def _driver(target: Target) -> Broken:
    worker = target.worker
    if target.driver == "external":
        if not target.api.base_urls:
            yield ("api", "base_urls"), 'missing; driver = "external" needs the URLs of the API'
        for number, url in enumerate(target.api.base_urls):
            if not url.startswith(("http://", "https://")):
                yield ("api", "base_urls", number), f'expected http://… or https://…, got "{url}"'
        if target.api.command:
            yield ("api", "command"), 'driver = "external" starts nothing; remove it'
        return
    if target.api.base_urls:
        yield ("api", "base_urls"), f'only driver = "external" has them, not "{target.driver}"'
    if target.driver == "process":
        if target.api.command is None:
            yield ("api", "command"), 'missing; driver = "process" starts the API with it'
        if target.api.instances < 1:
            yield ("api", "instances"), "expected at least 1, got 0"
        if worker and worker.instances and worker.command is None:
            yield ("worker", "command"), 'missing; driver = "process" starts the workers with it'
    else:
        yield from _pieces_in_containers(target)


def _images(target: Target) -> Broken:
    """Where images are named without a driver that makes containers from them."""
    if target.driver == "docker":
        return
    if target.build is not None:
        yield ("build",), f'only driver = "docker" builds images, not "{target.driver}"'
    for path, table in _pieces(target):
        if table.image is not None:
            yield (*path, "image"), f'only driver = "docker" runs images, not "{target.driver}"'
    migrate = target.database.migrate
    if migrate is not None and migrate.command is None:
        yield ("database", "migrate", "command"), "missing; the database is migrated with it"


def _pieces_in_containers(target: Target) -> Broken:
    if target.api.instances < 1:
        yield ("api", "instances"), "expected at least 1, got 0"
    for path, table in _pieces(target):
        if table.image is None and target.build is None:
            what = 'missing; driver = "docker" makes containers from it, or from what [build] makes'
            yield (*path, "image"), what
    if target.database.source == "embedded":
        what = 'containers cannot reach "embedded", which listens on loopback; expected "docker"'
        yield ("database", "source"), what


def _pieces(target: Target) -> Iterator[tuple[KeyPath, Api | Worker | Migrate]]:
    yield ("api",), target.api
    if target.worker is not None:
        yield ("worker",), target.worker
    if target.database.migrate is not None:
        yield ("database", "migrate"), target.database.migrate


def _database(target: Target) -> Broken:
    database = target.database
    if database.source == "external" and database.url is None:
        yield ("database", "url"), 'missing; source = "external" needs a read-only DSN'
    if database.source != "external" and database.url is not None:
        yield ("database", "url"), f'only source = "external" has one, not "{database.source}"'
    if database.source in {"none", "external"}:
        for key, given in (("migrate", database.migrate), ("settings", database.settings)):
            if given:
                yield ("database", key), f'source = "{database.source}" is not ours to change'
        if database.instrument:
            yield ("database", "instrument"), f'source = "{database.source}" is not ours to change'
    if database.image is not None and database.source != "docker":
        yield ("database", "image"), f'only source = "docker" has one, not "{database.source}"'
    if database.instrument and target.claim is None:
        yield ("database", "instrument"), "needs [claim] table, the table it records changes of"


def _claim(target: Target) -> Broken:
    claim = target.claim
    if claim is None:
        return
    for name, column in claim.columns.items():
        if not column and name not in OPTIONAL_COLUMNS:
            what = f"empty; only {', '.join(OPTIONAL_COLUMNS)} may be missing from the table"
            yield ("claim", "columns", name), what
    if claim.lease_until is not None and target.worker is None:
        yield ("claim", "lease_until"), "needs [worker] stuck_timeout_s, for which a lease lasts"
    words = claim.states or target.contract.values.get("export", {}).get("state", {})
    where = ("claim", "states") if claim.states else ("contract", "values", "export", "state")
    if bad := [word for each in words.values() for word in each if set("%{}") & set(word)]:
        yield where, f"{bad[0]!r} has a %, {{ or }}: it cannot be looked for in the database"
    if unknown := sorted(set(claim.states) - STATES):
        what = f"unknown state {unknown[0]!r}; expected one of {', '.join(sorted(STATES))}"
        yield ("claim", "states", unknown[0]), what


def _ports(target: Target) -> Broken:
    shares = target.driver != "docker"  # a container has all ports to itself
    if target.api.port is not None and target.api.instances > 1 and shares:
        shared = f"{target.api.instances} instances cannot share port {target.api.port}"
        yield ("api", "port"), f"{shared}; use {{port}}, or instances = 1"


def _placeholders(target: Target) -> Broken:
    database = {"database_url"} if target.database.source != "none" else set()
    static = set(target.values)
    instances = static | database | _OF_INSTANCES
    for name, table in (("api", target.api), ("worker", target.worker)):
        if table is not None:
            yield from _in_command((name, "command"), table.command or (), instances)
            yield from _in_environment((name, "environment"), table.environment, instances)
    if migrate := target.database.migrate:
        path = ("database", "migrate")
        yield from _in_command((*path, "command"), migrate.command or (), static | database)
        yield from _in_environment((*path, "environment"), migrate.environment, static | database)
    yield from _in_environment(("environment",), target.environment, static | database)
    if target.zoo:
        yield from _in_command(("zoo", "list_command"), target.zoo.list_command, static)


def _in_command(path: KeyPath, command: tuple[str, ...], known: set[str]) -> Broken:
    for name in (name for word in command for name in placeholders(word)):
        if name not in known:
            yield path, unknown_placeholder(name, known - SECRET_NAMES)
        elif name in SECRET_NAMES:
            yield (
                path,
                f"{{{name}}} is secret, and a process's arguments are not; use the environment",
            )


def _in_environment(path: KeyPath, environment: Mapping[str, str], known: set[str]) -> Broken:
    for variable, text in environment.items():
        for name in placeholders(text):
            if name not in known:
                yield (*path, variable), unknown_placeholder(name, known)
