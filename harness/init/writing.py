"""A draft as the text of a target file: sure lines as they are, doubtful ones as comments."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.init.draft import Draft
from harness.init.guess import Certainty, Guess, TomlValue
from harness.init.project import Project
from harness.untrusted.sanitizing import sanitize

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_REASON = 110
_ORDER = (
    *(
        "ledger",
        "ledger.columns",
        "ledger.names",
        "claim",
        "claim.arguments",
        "claim.result",
        "claim.columns",
        "catalog",
    ),
    *(
        "contract",
        "contract.without",
        "contract.constants",
        "contract.redirects",
        "contract.envelope",
        "contract.headers",
        "contract.problem",
        "contract.refusals",
    ),
    *("contract.archive", "contract.operations", "contract.fields", "contract.values"),
)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the file says beside what was matched."""

    name: str
    sources: Sequence[str]
    """What it was made from, one a line."""
    url: str = ""
    """Where the backend runs; empty: `{env:BACKEND_URL}`."""
    database: bool = False
    project: Project | None = None


def written(draft: Draft, around: Surroundings) -> str:
    """Give the text of the file."""
    lines = [*_head(draft, around), *_start(draft, around), *_tokens(around)]
    tables: dict[tuple[str, ...], list[Guess]] = {}
    for guess in draft.guesses:
        tables.setdefault(guess.table, []).append(guess)
    if draft.has_ledger:
        tables.setdefault(("ledger",), [])
    if draft.absent:
        tables.setdefault(("contract",), [])
    for path in sorted(tables, key=_place):
        extra: tuple[str, ...] = ()
        if path == ("ledger",) and draft.has_ledger:
            keyed = not any(
                one.key == ("salt_key_id",) and one.value == "" for one in draft.guesses
            )
            extra = tuple(_salts(around.project, keyed=keyed))
        if path == ("contract",):
            extra = tuple(_absent(draft.absent))
        lines += ["", *_table(path, tables[path], extra)]
    return "\n".join(lines) + "\n"


def _place(path: tuple[str, ...]) -> tuple[int, bool]:
    """Tables in the order in which the documentation has them; equal ones stay in their order."""
    name = ".".join(path)
    best = max((each for each in _ORDER if name == each or name.startswith(f"{each}.")), key=len)
    return _ORDER.index(best), name != best


def _head(draft: Draft, around: Surroundings) -> Iterator[str]:
    yield "# A first target file, written by `shakedown init` from:"
    for source in around.sources:
        yield f"#   {_plain(source)}"
    yield "# Each line says why. What is sure or likely counts; what is doubtful is a comment: take"
    yield "# its # away where it is right. docs/target-file.md says what every key means."
    if draft.notes:
        yield "#"
        yield "# What the backend calls the contract's things:"
        for note in draft.notes:
            yield f"#   {_plain(note)}"


def _start(draft: Draft, around: Surroundings) -> Iterator[str]:
    yield ""
    name = _plain(around.name).replace("{env:", "{") or "my backend"
    yield f"name = {_value(name)}"
    yield '# It runs already. With "process" or "docker" Shakedown starts it and checks more.'
    yield 'driver = "external"'
    yield from _how_to_start(around.project)
    yield ""
    yield "[api]"
    url = around.url or "{env:BACKEND_URL}"
    yield f"base_urls = [{_value(url)}]"
    if draft.ready_path:
        yield f"ready_path = {_value(draft.ready_path)} # as in [contract.operations] below"
    if draft.has_lease:
        yield ""
        yield "[worker]"
        yield "# stuck_timeout_s = 300 # for how long a claim holds without a sign of life"
    if around.database:
        yield ""
        yield "[database]"
        yield 'source = "external"'
        yield "# Of a role that can read everything and change nothing:"
        yield 'url = "{env:SHAKEDOWN_DATABASE_URL}"'


def _how_to_start(project: Project | None) -> Iterator[str]:
    if project is None:
        return
    starts = [
        name for name in project.scripts if name in {"start", "api", "serve", "server", "dev"}
    ]
    others = [
        name for name in project.scripts if any(w in name for w in ("worker", "migrat", "queue"))
    ]
    for name in (*starts, *others):
        yield f"# package.json has a script {_plain(name)}: {_plain(project.scripts[name])[:80]}"
    for service in project.services:
        yield f"# the compose file has a service {_plain(service)}"
    if project.variables:
        names = _plain(", ".join(project.variables))[:400]
        yield f"# variables that the project reads, by its .env files: {names}"


def _tokens(around: Surroundings) -> Iterator[str]:
    yield ""
    yield "# One user's token. With tokens of two organizations ([tokens.mint], [tokens.calls], or"
    yield "# org_a and org_b here) more can be checked."
    yield "[tokens.given]"
    yield 'token = "{env:JWT_TOKEN}"'
    yield 'job = "{env:JOB_ID?}" # only where this user may not make a job'
    yield '# organization = "…" # its id, where the token does not name it: the doctor finds it out'
    secrets = [
        name
        for name in (around.project.variables if around.project else ())
        if re.search(r"(JWT|TOKEN|AUTH).*(SECRET|KEY)|SECRET_KEY", name)
    ]
    for name in secrets[:3]:
        yield f'# [tokens.mint] secret = "{{env:{name}}}" could sign tokens of any organization'


def _has_key_ids(draft: Draft) -> bool:
    return not any(one.key == ("salt_key_id",) and one.value == "" for one in draft.guesses)


def _salts(project: Project | None, *, keyed: bool) -> Iterator[str]:
    names = [name for name in (project.variables if project else ()) if "SALT" in name.upper()]
    secrets = [name for name in names if not re.search(r"(ID|NAME|VERSION)$", name.upper())]
    name = secrets[0] if secrets else "LEDGER_SALT"
    key, hint = ("k1", " # instead of k1: the key id that events show") if keyed else ("only", "")
    yield f'salts = {{ {key} = "{{env:{name}}}" }}{hint}'


def _absent(absent: Sequence[Guess]) -> Iterator[str]:
    if not absent:
        return
    if not any(one.certainty.is_written for one in absent):
        yield "# absent = [ # what the backend does not have"
    else:
        yield "absent = [ # what the backend does not have; take out what it has"
    for one in absent:
        mark = "" if one.certainty.is_written else "# "
        yield f"    {mark}{_value(one.value)}, # {_how_sure(one)}"
    yield "]" if any(one.certainty.is_written for one in absent) else "# ]"


def _table(path: tuple[str, ...], guesses: Sequence[Guess], extra: Sequence[str]) -> Iterator[str]:
    counts = bool(extra) or any(one.certainty.is_written for one in guesses)
    if path == ("contract",) and not guesses and not any(not x.startswith("#") for x in extra):
        counts = False
    yield ("" if counts else "# ") + "[" + ".".join(map(_key, path)) + "]"
    yield from extra
    for one in sorted(guesses, key=lambda each: not each.certainty.is_written):
        mark = "" if one.certainty.is_written else "# "
        yield f"{mark}{'.'.join(map(_key, one.key))} = {_value(one.value)} # {_how_sure(one)}"


def _how_sure(one: Guess) -> str:
    return f"{one.certainty.name.lower()}: {_plain(one.why)[:_LONGEST_REASON]}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: TomlValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "[" + ", ".join(_value(each) for each in value) + "]"


def _plain(text: str) -> str:
    """One line of a comment: no control characters of a document get into the file."""
    return " ".join(sanitize(text).split())


def count(draft: Draft) -> Mapping[Certainty, int]:
    """How many lines there are of each certainty."""
    every: Iterable[Guess] = (*draft.guesses, *draft.absent)
    counts = dict.fromkeys(Certainty, 0)
    for one in every:
        counts[one.certainty] += 1
    return counts
