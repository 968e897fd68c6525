"""An export that has failed, to be retried: the file of its evidence was away for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.exports.backlog import Backlog
from harness.client import Organization
from harness.plugin.fixtures import OwnSystem
from harness.target import Target
from harness.vocabulary.exports import FAILED, TERMINAL_STATES
from harness.waiting import becomes_true

FAILS_WITHIN_S = 4.0
"""How long it may take to fail: at once, or not at this attempt."""

_POLL_S = 0.05


async def failed_export(
    own: OwnSystem, target: Target, backlog: Backlog
) -> tuple[Organization, str, bool] | None:
    """Request an export whose file is away; give its owner, its id and whether it has failed.

    None where the target does not say where files are: nothing was requested then.
    """
    directory = own.system.storage_dir
    if target.storage is None or directory is None:
        return None
    owner, job_id, evidence = await backlog.job_with_evidence()
    if evidence.lacks("storage_path"):
        return None
    path = (directory / str(evidence["storage_path"])).resolve()
    if not path.is_relative_to(directory.resolve()) or not path.is_file():
        return None
    client = owner.client

    async def has_ended() -> bool:
        return (await client.get_export(export))["state"] in TERMINAL_STATES

    with _away(path):
        export = await backlog.request_one(owner, job_id)
        await becomes_true(has_ended, FAILS_WITHIN_S, poll_s=_POLL_S)
    return owner, export, (await client.get_export(export))["state"] == FAILED


@contextmanager
def _away(path: Path) -> Iterator[None]:
    """Have a file under another name for the block."""
    aside = path.with_name(f"{path.name}.away")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)
