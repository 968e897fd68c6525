"""The tables about a backend that is not ours: what of it may be harmed, how, and how it is healed.

A permission is written down: no text of these tables is read from the environment.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from harness.target.tables.models import Positive, Table

Argv = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
"""A program and its arguments. No shell reads them, so nothing is split or expanded."""

LONGEST_S = 600
Bounded = Annotated[float, Field(gt=0, le=LONGEST_S, allow_inf_nan=False)]

Role = Literal["api", "worker"]


class ChaosInstance(Table):
    """One instance that runs elsewhere and may be harmed."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
    """What `{instance}` becomes: a pod, a container, a machine."""
    role: Role
    host: str
    """Where it is; it must be one of `allowed_hosts` when it is to be harmed."""


class FaultCommands(Table):
    """A fault as command lines; `{instance}`, `{role}`, `{host}` and `{python}` are filled in."""

    role: Role = "worker"
    """Whose instances it is done to."""
    inject: Argv
    undo: Argv
    """Brings the instance back. Always runs, also when `inject` failed."""
    proof: Argv | None = None
    """Ends with 0 once the fault shows; asked again and again until then. Without it the drill
    judges what was accepted, and is inconclusive."""
    timeout_s: Bounded = 30
    """How long each of the commands may take before it is killed with all its children."""
    hold_s: Bounded = 5
    """How long the fault lasts before it is undone."""


class Abort(Table):
    """When a drill is broken off: whichever of these holds first, at any moment of the fault."""

    failing_probes: Positive = 5
    """So many probes in a row got no answer, or one with a 5xx status."""
    error_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """More than this share of the last 20 requests got none, or a 5xx."""
    no_completion_s: Bounded = 60
    """No export became ready for so long, though some were waited for."""


class Chaos(Table):
    """Which running backends may be harmed, how, and how much of them at once."""

    allowed_hosts: tuple[str, ...] = ()
    max_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Of the declared instances of a role, rounded down: half of three is one, half of one none."""
    instances: tuple[ChaosInstance, ...] = ()
    faults: Mapping[str, FaultCommands] = {}
    abort: Abort = Abort()
    steady_within_s: Bounded = 30
    """How long an export may take when all is well."""
    drain_s: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None
    """How long what was accepted may take after the undo; by default what `[worker]` promises."""
    load_exports: Annotated[int, Field(ge=1, le=1000)] = 60
    """How many exports a drill requests at most, one after the other."""
    load_every_s: Annotated[float, Field(ge=0.05, le=60, allow_inf_nan=False)] = 0.25

    def at_most(self, role: Role) -> int:
        """Give how many instances of a role may be harmed at once."""
        declared = sum(instance.role == role for instance in self.instances)
        # As it stands in the file: in binary, a tenth of ten would be less than one.
        return int(Fraction(str(self.max_share)) * declared)


Removable = Literal["job", "evidence", "export", "organization"]
"""What a run makes on a backend that others use too."""


class CleanupCall(Table):
    """A call that removes one thing; its path has the thing's id, and its job's where it has one.

    The contract knows no such operation: a backend that has one says so here.
    """

    method: Literal["DELETE", "POST", "PUT", "PATCH"] = "DELETE"
    path: Annotated[str, Field(pattern=r"^/")]
