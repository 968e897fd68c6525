"""The tables of a target file, as frozen values."""

import shlex
from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from harness.errors import Misconfigured


def _words(value: object) -> object:
    """Accept a command as one string, split as a shell would, besides a list of words."""
    return tuple(shlex.split(value)) if isinstance(value, str) else value


def _texts(value: object) -> object:
    """Accept `PORT = 8080` in an environment: everything there is text in the end."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: str(each) if isinstance(each, int | float) and not isinstance(each, bool) else each
        for name, each in value.items()
    }


def _nothing(value: object) -> object:
    """Accept `false` where there may be nothing: TOML has no null."""
    return None if value is False else value


def _release(value: object) -> object:
    """Accept `binaries = 17`: a release is written without quotes as well."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def several(value: object) -> object:
    """Accept one name where several may stand."""
    return (value,) if isinstance(value, str) else value


# What a validator accepts besides is said again for the JSON Schema of editors.
_One = str | Annotated[tuple[str, ...], Field(min_length=1)]
Command = Annotated[
    tuple[str, ...], BeforeValidator(_words, json_schema_input_type=_One), Field(min_length=1)
]
Environment = Annotated[
    Mapping[str, str],
    BeforeValidator(_texts, json_schema_input_type=Mapping[str, str | int | float]),
]
Names = Annotated[
    tuple[str, ...], BeforeValidator(several, json_schema_input_type=_One), Field(min_length=1)
]
"""One name, or several of the same meaning."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
Image = Annotated[str, Field(pattern=r"^[^\s-]\S*$")]
UrlPath = Annotated[str, Field(pattern=r"^/")]


class Table(BaseModel):
    """A table of the target file: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Api(Table):
    """The API instances."""

    command: Command | None = None
    """Starts one instance, which must listen on `{host}` and `{port}`.
    In a container it takes the place of the image's own command; without it that one runs."""
    image: Image | None = None
    """What a container is made from (driver `docker`); without it what `[build]` makes."""
    instances: Count = 3
    """How many are started."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """A fixed port, for a backend whose port cannot be set; as processes, `instances = 1`."""
    ready_path: UrlPath = "/readyz"
    """Answers 2xx once the instance can serve."""
    ready_timeout_s: Seconds = 20
    """How long that may take."""
    stop_grace_s: Seconds = 10
    """How long an instance may take to end after SIGTERM before it is killed."""
    environment: Environment = {}
    """On top of the common one."""
    base_urls: tuple[str, ...] = ()
    """Where the instances of a backend that already runs are (driver `external`)."""


class Worker(Table):
    """The worker processes, and the timing they run with."""

    command: Command | None = None
    """Starts one worker; as for the API."""
    image: Image | None = None
    """What a container is made from (driver `docker`); without it what `[build]` makes."""
    instances: Count = 2
    """How many are started."""
    ready_path: Annotated[
        UrlPath | None, BeforeValidator(_nothing, json_schema_input_type=UrlPath | Literal[False])
    ] = "/metrics"
    """Answers 2xx once the worker works; `false`: it has no port, and is ready when it runs."""
    ready_timeout_s: Seconds = 20
    """How long that may take."""
    stop_grace_s: Seconds = 10
    """How long a worker may take to end after SIGTERM before it is killed."""
    drain_grace_s: Seconds | None = None
    """Within how long a worker that gets SIGTERM ends by itself: it has finished or given back
    all its exports. Without it `stop_grace_s`. A drill that sets `{drain_grace_s}` goes faster."""
    environment: Environment = {}
    """On top of the common one."""
    stuck_timeout_s: Seconds = 300
    """How long an export may go without a heartbeat before another worker takes it over."""
    sweep_interval_s: Seconds = 5
    """How often workers look for exports that are stuck."""
    heartbeat_interval_s: Seconds = 30
    """How often a worker says that it still works on an export."""
    poll_interval_s: Seconds = 1
    """How often an idle worker looks for work when nothing wakes it. A target that fills in
    `{poll_interval_s}` says that NOTIFY wakes its workers: drills make the interval long then."""
    work_table: str | None = None
    """A table that the work on every export reads. Drills lock it for some seconds, so that work
    does not end before they have looked. Without it the table of evidence."""

    @property
    def grace_s(self) -> float:
        """Within how many seconds a worker that gets SIGTERM ends by itself."""
        return self.stop_grace_s if self.drain_grace_s is None else self.drain_grace_s

    @model_validator(mode="after")
    def _ends_before_it_is_killed(self) -> Self:
        if self.grace_s > self.stop_grace_s:
            raise ValueError(
                f"drain_grace_s = {self.grace_s:g} must be at most stop_grace_s = "
                f"{self.stop_grace_s:g}, or a worker is killed while it still drains"
            )
        return self

    @model_validator(mode="after")
    def _heartbeat_beats_the_timeout(self) -> Self:
        if self.heartbeat_interval_s >= self.stuck_timeout_s:
            raise ValueError(
                f"heartbeat_interval_s = {self.heartbeat_interval_s:g} must be less than "
                f"stuck_timeout_s = {self.stuck_timeout_s:g}, or healthy exports count as stuck"
            )
        return self


class Migrate(Table):
    """The program that brings an empty database to the backend's schema, then ends with 0."""

    command: Command | None = None
    """In a container it takes the place of the image's own command."""
    image: Image | None = None
    """What its container is made from (driver `docker`); without it what `[build]` makes."""
    environment: Environment = {}
    """On top of the common one."""
    timeout_s: Seconds = 60
    """How long it may take."""


class Build(Table):
    """A Dockerfile that makes the image of every piece that names none (driver `docker`)."""

    context: str = "."
    """The directory that goes into the build. In the file: relative to it, or a package; once
    loaded: absolute."""
    dockerfile: str = "Dockerfile"
    """Within the context."""


class Database(Table):
    """Where the backend's database comes from."""

    source: Literal["embedded", "docker", "external", "none"] = "none"
    """`embedded`: a server of the harness's own. `docker`: one in a container. `external`: one
    that runs already, read-only. `none`: only the backend reads its database."""
    migrate: Migrate | None = None
    url: SecretStr | None = None
    """A read-only DSN of a database that already runs (source `external`)."""
    image: Image | None = None
    """What the server's container is made from (source `docker`), by default `postgres:17`."""
    instrument: bool = False
    """Whether the harness adds a trigger that records every change of `[claim] table`."""
    binaries: Annotated[str | None, BeforeValidator(_release, json_schema_input_type=str | int)] = (
        None
    )
    """An installed PostgreSQL that runs instead of the built-in one (source `embedded`): a
    directory with `bin/postgres`, or a release such as `17`. In the file: relative to it, or
    within an installed package; once loaded: absolute."""
    prelude: Annotated[
        tuple[str, ...], BeforeValidator(several, json_schema_input_type=str | tuple[str, ...])
    ] = ()
    """Files of SQL that a superuser runs before `migrate` (source `embedded`, `docker`).
    In the file: relative to it, or within an installed package; once loaded: absolute."""
    settings: Environment = {}
    """PostgreSQL's own settings, on top of the harness's (source `embedded`, `docker`)."""


class Storage(Table):
    """Where stored objects are, so that a check can tamper with one."""

    layout: Literal["directory"]
    """`directory`: an object's `storage_path` is a path below `{storage_dir}`."""
    tidy_s: Seconds | None = None
    """Within how long what a killed process left in the storage is gone, while a worker runs.
    Without it nothing of that is looked at. A drill that sets `{tidy_s}` goes faster."""


class Limits(Table):
    """The limits the backend promises."""

    max_upload_bytes: Positive = 52_428_800
    per_org_in_progress: Positive = 3
    max_attempts: Positive = 3
    key_lease_s: Seconds = 10
    """Within how long an Idempotency-Key is free again whose holder died."""


Failpoint = Literal[
    "after_claim",
    "while_working",
    "before_store",
    "after_store",
    "before_commit",
    "after_commit",
]
"""The edges of an export's life, by the contract's names."""


class Failpoints(Table):
    """How a worker is made to misbehave at an edge of a job's life."""

    variable: str = "FAILPOINTS"
    names: tuple[Failpoint, ...] = get_args(Failpoint)
    """Those of the contract's that the backend has."""
    format: str = "{name}={action}"
    separator: str = ";"

    def environment(self, actions: Mapping[str, str]) -> dict[str, str]:
        """Give the environment that arms failpoints: `{"after_claim": "sleep:30"}`.

        Actions are `sleep:<seconds>`, `raise` and `exit[:code]`.
        Raises `Misconfigured` for a name that the target does not have.
        """
        if unknown := sorted(set(actions) - set(self.names)):
            raise Misconfigured(
                f"unknown failpoint {', '.join(unknown)}; expected one of {', '.join(self.names)}"
            )
        armed = [
            self.format.replace("{name}", name).replace("{action}", action)
            for name, action in actions.items()
        ]
        return {self.variable: self.separator.join(armed)}


class Zoo(Table):
    """The backend's own seeded bugs, for proving the gate."""

    list_command: Command
    """Prints the defects as a JSON list of `{id, title, family, source, expected}`."""
    variable: str
    """The environment variable that switches one on."""
    every_check: bool = False
    """Whether each check is the business of some defect: then one that never fails is a fault."""
