"""What must hold of everything that was accepted, as the API alone can show it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from chaos.exports.final_state import broken_downloads
from chaos.staging.stream import Accepted, Stream
from harness.checkers import (
    CompletionFact,
    ExportFact,
    Violation,
    exactly_once,
    impossible_sequences,
)
from harness.client import together
from harness.expect import expect_status
from harness.history import HistoryWriter, read_history
from harness.vocabulary.exports import READY

AT_ONCE = 4
"""Requests at a time: others use this system too."""


async def final_state_violations(
    stream: Stream, *, history: HistoryWriter, process: str, max_attempts: int
) -> list[Violation]:
    """Ask for every accepted export, its events and its download; give all that is wrong.

    Fails the check when the API does not answer as it must.
    """
    known = stream.accepted
    accepted = [*accepted_in(history.path, process), *known]
    looked = await together(map(_looked_at, known.values()), at_once=AT_ONCE)
    exports = [fact for fact, _ in looked if fact is not None]
    completions = [event for _, events in looked for event in events]
    # Whose worker was hit cannot be seen from here: any of them may have taken two attempts.
    found = exactly_once(accepted, exports, completions, harmed=set(accepted))
    found += impossible_sequences(stream.sightings, max_attempts=max_attempts)
    ready = [fact.id for fact in exports if fact.state == READY]
    found += await broken_downloads(ready, {key: each.owner for key, each in known.items()})
    for export_id in ready:
        history.write("ok", "downloadExport", process=process, job=export_id)
    return found


def accepted_in(path: Path, process: str) -> Sequence[str]:
    """The exports that the history says were accepted: it forgets none."""
    return [
        operation.job
        for operation in read_history(path)
        if operation.process == process
        and (operation.f, operation.type) == ("requestExport", "ok")
        and operation.job is not None
    ]


async def _looked_at(each: Accepted) -> tuple[ExportFact | None, Iterable[CompletionFact]]:
    client = each.owner.client
    answer = await client.call("getExport", path={"export_id": each.export_id})
    events = await client.ledger_events(target_id=each.export_id)
    completions = [
        CompletionFact(export_id=each.export_id)
        for event in events
        if event["event_name"] == "export.completed"
    ]
    if answer.status == 404:
        return None, completions
    shown = expect_status(answer, 200).data
    fact = ExportFact(
        id=each.export_id,
        state=shown["state"],
        attempt=shown["attempt"],
        organization_id=each.owner.id,
        error_code=shown.get("error_code"),
    )
    return fact, completions
