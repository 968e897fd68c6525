"""Contradictions between the tables of a target."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from harness.target.rules.claim_rules import broken_claim_rules
from harness.target.tables.models import Api, Migrate, Worker
from harness.target.target import Target
from harness.target.tokens.given_tokens import ORGANIZATIONS_OF
from harness.target.tokens.minted_tokens import KEY_PLACEHOLDERS
from harness.target.toml.lines import KeyPath
from harness.target.values.pasted import id_problem, token_problem, url_problem
from harness.target.values.template import SECRET_NAMES, placeholders, unknown_placeholder

Broken = Iterator[tuple[KeyPath, str]]

_OF_DATABASE = frozenset({"database_url", "database_host", "database_port", "database_name"})
_OF_INSTANCES = frozenset({"port", "storage_dir", "instance"})


def broken_rules(target: Target) -> Broken:
    """Find every contradiction: where it stands, and what was expected instead."""
    yield from _misplaced(target)
    yield from _missing(target)
    yield from _counts(target)
    yield from _database(target)
    yield from broken_claim_rules(target)
    yield from _placeholders(target)
    yield from _pasted(target)


def _misplaced(target: Target) -> Broken:
    """What is given, but has no use with this driver or this source of the database."""
    database, chaos = target.database, target.chaos
    external, docker, source = 'driver = "external"', 'driver = "docker"', "[database] source = "
    used = {f'driver = "{target.driver}"', f'{source}"{database.source}"'}
    given: list[tuple[KeyPath, object, str]] = [
        (("api", "base_urls"), target.api.base_urls, external),
        (("chaos", "allowed_hosts"), chaos.allowed_hosts, external),
        (("chaos", "instances"), chaos.instances, external),
        (("chaos", "faults"), chaos.faults, external),
        (("cleanup",), target.cleanup, external),
        (("build",), target.build, docker),
        *(((*path, "image"), table.image, docker) for path, table in _programs(target)),
        (("database", "url"), database.url, f'{source}"external"'),
        (("database", "image"), database.image, f'{source}"docker"'),
        (("database", "binaries"), database.binaries, f'{source}"embedded"'),
    ]
    for path, value, wanted in given:
        if value and wanted not in used:
            yield path, f"only {wanted} uses it; remove it"
    if target.driver == "external" and target.api.command:
        yield ("api", "command"), 'driver = "external" starts nothing; remove it'
    if database.source in {"none", "external"}:
        for key in ("migrate", "prelude", "settings", "instrument"):
            if getattr(database, key):
                what = f'source = "{database.source}": the database is not ours to change'
                yield ("database", key), what


def _missing(target: Target) -> Broken:
    """What this driver or this source of the database cannot do without."""
    driver, worker = f'missing; driver = "{target.driver}"', target.worker
    if target.driver == "external" and not target.api.base_urls:
        yield ("api", "base_urls"), f"{driver} needs the URLs of the API"
    if target.driver == "process" and target.api.command is None:
        yield ("api", "command"), f"{driver} starts the API with it"
    if target.driver == "process" and worker and worker.instances and worker.command is None:
        yield ("worker", "command"), f"{driver} starts the workers with it"
    migrate = target.database.migrate
    if target.driver != "docker" and migrate is not None and migrate.command is None:
        yield ("database", "migrate", "command"), "missing; the database is migrated with it"
    if target.driver == "docker" and target.build is None:
        for path, table in _programs(target):
            if table.image is None:
                yield (*path, "image"), f"{driver} needs it, or a [build] that makes it"
    if target.database.source == "external" and target.database.url is None:
        yield ("database", "url"), 'missing; source = "external" needs a read-only DSN'


def _programs(target: Target) -> Iterator[tuple[KeyPath, Api | Worker | Migrate]]:
    yield ("api",), target.api
    if target.worker is not None:
        yield ("worker",), target.worker
    if target.database.migrate is not None:
        yield ("database", "migrate"), target.database.migrate


def _counts(target: Target) -> Broken:
    api = target.api
    for number, url in enumerate(api.base_urls):
        if problem := url_problem(url):
            yield ("api", "base_urls", number), problem
    if target.driver != "external" and api.instances < 1:
        yield ("api", "instances"), "expected at least 1, got 0"
    # A container has all ports to itself.
    if api.port is not None and api.instances > 1 and target.driver != "docker":
        shared = f"{api.instances} instances cannot share port {api.port}"
        yield ("api", "port"), f"{shared}; use {{port}}, or instances = 1"


def _database(target: Target) -> Broken:
    if target.driver == "docker" and target.database.source == "embedded":
        what = 'containers cannot reach "embedded", which listens on loopback; expected "docker"'
        yield ("database", "source"), what
    if target.database.instrument and target.claim is None:
        yield ("database", "instrument"), "needs [claim] table, the table it records changes of"


def _pasted(target: Target) -> Broken:
    given, calls = target.tokens.given, target.tokens.calls
    if given is not None:
        for name in ("token", "org_a", "org_b"):
            token: SecretStr | None = getattr(given, name)
            if token and (problem := token_problem(token.get_secret_value())):
                yield ("tokens", "given", name), problem
        for name in ("job", "job_org_a", "job_org_b", *ORGANIZATIONS_OF):
            id_: str | None = getattr(given, name)
            if id_ and (problem := id_problem(id_)):
                yield ("tokens", "given", name), problem
        for name, of in ORGANIZATIONS_OF.items():
            if getattr(given, name) and getattr(given, of) is None:
                yield ("tokens", "given", name), f"says whose {of} is, and there is no {of}"
    admin = calls and calls.admin_token
    if admin and (problem := token_problem(admin.get_secret_value())):
        yield ("tokens", "calls", "admin_token"), problem


def _placeholders(target: Target) -> Broken:
    database = _OF_DATABASE if target.database.source != "none" else frozenset()
    static = set(target.values)
    mint = target.tokens.mint
    started = static | (set(KEY_PLACEHOLDERS) if mint and not mint.is_symmetric else set())
    instances = started | database | _OF_INSTANCES
    for path, table in _programs(target):
        known = instances if isinstance(table, Api | Worker) else started | database
        yield from _in_command((*path, "command"), table.command or (), known)
        yield from _in_environment((*path, "environment"), table.environment, known)
    yield from _in_environment(("environment",), target.environment, started | database)
    if target.zoo:
        yield from _in_command(("zoo", "list_command"), target.zoo.list_command, static)


def _in_command(path: KeyPath, command: tuple[str, ...], known: set[str]) -> Broken:
    for name in (name for word in command for name in placeholders(word)):
        if name not in known:
            yield path, unknown_placeholder(name, known - SECRET_NAMES) + _hint(name)
        elif name in SECRET_NAMES:
            yield (
                path,
                f"{{{name}}} is secret, and a process's arguments are not; use the environment",
            )


def _in_environment(path: KeyPath, environment: Mapping[str, str], known: set[str]) -> Broken:
    for variable, text in environment.items():
        for name in placeholders(text):
            if name not in known:
                yield (*path, variable), unknown_placeholder(name, known) + _hint(name)


def _hint(placeholder: str) -> str:
    """Say what a placeholder goes with: a line of `[tokens.mint]`, or an instance."""
    if placeholder in _OF_INSTANCES:
        where = "[api] and [worker], such as [api.environment]"
        return f"; {{{placeholder}}} is of one instance: it is known under {where}"
    if placeholder in KEY_PLACEHOLDERS:
        return f'; {{{placeholder}}} needs [tokens.mint] with an algorithm such as "ES256"'
    if placeholder == "jwt_secret":
        return '; {jwt_secret} needs [tokens.mint] with a secret, as "HS256" has one'
    return ""
