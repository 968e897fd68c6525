"""What must hold of everything that was accepted, as far as the API shows it."""

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
from harness.history import HistoryWriter
from harness.vocabulary.exports import READY

AT_ONCE = 4
"""Requests at a time: other people use this system, too."""


async def final_state_violations(
    stream: Stream, *, history: HistoryWriter, process: str, max_attempts: int
) -> list[Violation]:
    """Read every accepted export, its events and its download; give all that is wrong.

    Fails the check when the API does not answer as it must.
    """
    accepted = stream.accepted
    read = await together(map(_read, accepted.values()), at_once=AT_ONCE)
    exports = [fact for fact, _ in read if fact is not None]
    completions = [event for _, events in read for event in events]
    # It is unknown whose worker was harmed: any export may have taken two attempts.
    found = exactly_once(accepted, exports, completions, harmed=accepted)
    found += impossible_sequences(stream.sightings, max_attempts=max_attempts)
    ready = [fact.id for fact in exports if fact.state == READY]
    found += await broken_downloads(ready, {key: each.owner for key, each in accepted.items()})
    for export_id in ready:
        history.write("ok", "downloadExport", process=process, job=export_id)
    return found


async def _read(each: Accepted) -> tuple[ExportFact | None, list[CompletionFact]]:
    client = each.owner.client
    answer = await client.call("getExport", path={"export_id": each.export_id})
    completions = CompletionFact.from_events(await client.ledger_events(target_id=each.export_id))
    if answer.is_a(404):
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
