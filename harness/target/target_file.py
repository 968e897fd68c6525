"""What a target file may say, table by table."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from harness.target.contract.dialect import Contract
from harness.target.tables.accepted import Accepted, AllowedGap
from harness.target.tables.catalog import Catalog
from harness.target.tables.chaos import Chaos, CleanupCall, Removable
from harness.target.tables.claim import Claim
from harness.target.tables.ledger import Ledger
from harness.target.tables.models import (
    Api,
    Build,
    Database,
    Environment,
    Failpoints,
    Limits,
    Storage,
    Table,
    Worker,
    Zoo,
)
from harness.target.tables.pace import Pace
from harness.target.tokens.tokens import Tokens

Driver = Literal["process", "docker", "external"]


class TargetFile(Table):
    """One backend, described well enough to be started and tested."""

    name: Annotated[str, Field(min_length=1)]
    """The backend's name in reports."""
    driver: Driver = "process"
    """`process`: started from commands. `docker`: started in containers. `external`: runs already,
    nothing is started."""
    directory: str | None = None
    """Where commands run. In the file: relative to it, by default the file's own directory.
    Once loaded: an absolute path, or None for a directory of the run's own."""
    environment: Environment = Field(default={})
    """What migration, API and workers all get; their own tables add to it."""
    build: Build | None = None
    """Makes the image of every piece that names none (driver `docker`)."""
    api: Api
    worker: Worker | None = None
    database: Database = Database()
    storage: Storage | None = None
    tokens: Tokens
    contract: Contract = Contract()
    ledger: Ledger | None = None
    catalog: Catalog = Catalog()
    limits: Limits = Limits()
    failpoints: Failpoints | None = None
    claim: Claim | None = None
    pace: Pace = Pace()
    chaos: Chaos = Chaos()
    cleanup: Mapping[Removable, CleanupCall] = Field(default={})
    """How `shakedown run --cleanup` removes what a run has made, by what it is."""
    zoo: Zoo | None = None
    accepted: tuple[Accepted, ...] = ()
    """Findings that are known and do not count."""
    allow_inconclusive: tuple[AllowedGap, ...] = ()
    """Checks that may be inconclusive, beside those of `--allow-inconclusive`."""
