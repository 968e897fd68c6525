"""Exports that a drill requests one by one, each of an organization of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from chaos.drills.worker_drill import WorkerDrill
from harness.client import Organization, Record
from harness.errors import Inconclusive


async def new_job(drill: WorkerDrill, *, evidence: bool = True) -> tuple[Organization, str]:
    """Make an organization with a job; it has one small file as evidence, unless told otherwise."""
    org = await drill.own.organizations.new()
    job_id = str((await org.new_job())["id"])
    if evidence:
        await org.client.new_evidence(job_id, drill.backlog.samples.new())
    return org, job_id


async def request_export(drill: WorkerDrill, org: Organization, job_id: str) -> str:
    """Request an export, which must end well; give its id."""
    export = await org.client.new_export(job_id)
    accepted(drill, org, str(export["id"]))
    return str(export["id"])


def accepted(drill: WorkerDrill, org: Organization, export_id: str) -> None:
    """Note, once, that an export was accepted: in the end it must be ready."""
    if export_id in drill.backlog.owners:
        return
    drill.backlog.owners[export_id] = org
    drill.history.write("ok", "requestExport", process=drill.process, org=org.id, job=export_id)


def evidence_file(drill: WorkerDrill, evidence: Record) -> Path:
    """Give the file of a piece of evidence. `Inconclusive` where it is not known where it is."""
    directory = drill.own.system.storage_dir
    if drill.target.storage is None or directory is None:
        raise Inconclusive(
            'where the backend stores evidence is unknown: write [storage] layout = "directory"'
        )
    root = directory.resolve()
    found = (root / str(evidence["storage_path"])).resolve()
    if not found.is_relative_to(root) or not found.is_file():
        raise Inconclusive(
            f"no object at {evidence['storage_path']!r} below the storage directory, although the "
            'target file says [storage] layout = "directory"'
        )
    return found


@asynccontextmanager
async def damaged_jobs(
    drill: WorkerDrill, count: int
) -> AsyncIterator[Sequence[tuple[Organization, str]]]:
    """Give jobs whose evidence is gone from the storage inside the block, and there again after."""
    made: list[tuple[Organization, str]] = []
    kept: dict[Path, Path] = {}
    try:
        for _ in range(count):
            org = await drill.own.organizations.new()
            job_id = str((await org.new_job())["id"])
            evidence = await org.client.new_evidence(job_id, drill.backlog.samples.new())
            file = evidence_file(drill, evidence)
            aside = drill.own.system.run_dir / f"aside-{evidence['id']}"
            kept[file] = aside
            aside.write_bytes(file.read_bytes())
            file.unlink()
            made.append((org, job_id))
        yield made
    finally:
        for file, aside in kept.items():
            if aside.is_file():
                file.write_bytes(aside.read_bytes())
                aside.unlink()
