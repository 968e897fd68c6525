"""Hand-written histories of entries, short enough to read, that a checker must accept or reject."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.checkers.as_entries import FIXED, of_transition
from harness.checkers.examples import transitions_of
from harness.checkers.facts import Transition
from harness.history.entries import Entry, EntryType, Operation, Promise


@dataclass(frozen=True, kw_only=True)
class EntryExample:
    """A history as entries."""

    title: str
    """What it shows."""
    entries: tuple[Entry, ...]
    rule: str = ""
    """The rule that it breaks, for one that is to be rejected."""


def entry_example(title: str, entries: Iterable[Entry], *, rule: str = "") -> EntryExample:
    """Build an example."""
    return EntryExample(title=title, entries=tuple(entries), rule=rule)


def request(
    kind: EntryType,
    f: str,
    job: str,
    *,
    org: str = "o1",
    process: str = "user-1",
    status: int | None = None,
    t_s: float = 0.0,
    worker: str | None = None,
    key: str | None = None,
    sha256: str | None = None,
) -> Operation:
    """Build the entry of an operation, at a second of the machine's clock."""
    return Operation(
        type=kind,
        f=f,
        job=job,
        org=org,
        process=process,
        status=status,
        worker=worker,
        key=key,
        sha256=sha256,
        **(FIXED | {"t_ns": int(t_s * 1e9)}),
    )


PROMISE = Promise(
    cap=3,
    max_attempts=3,
    stuck_timeout_s=2.0,
    sweep_interval_s=0.5,
    slack_s=0.5,
    grace_s=5.0,
    **FIXED,
)
"""What is promised in examples."""


def steps(text: str, tokens: dict[int, str] | None = None) -> list[Entry]:
    """Give the changes that these steps (`examples.py`) are; `tokens` by the number of a claim.

    The row keeps a token from its claim until the export leaves its worker.
    """
    held: dict[str, str | None] = {}
    issued = tokens or {}
    return [of_transition(_with_token(step, held, issued)) for step in transitions_of(text)]


def _with_token(
    step: Transition, held: dict[str, str | None], tokens: dict[int, str]
) -> Transition:
    before = held.get(step.export_id)
    if step.n in tokens:
        held[step.export_id] = tokens[step.n]
    elif step.new_state == "queued":
        held[step.export_id] = None
    return replace(step, old_token=before, token=held.get(step.export_id))
