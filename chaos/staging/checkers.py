"""What must hold of everything that was accepted, as far as the API shows it."""

from chaos.exports.final_state import read_downloads
from chaos.staging.stream import Accepted, Stream
from harness.checkers import CompletionFact, ExportFact, Looks, Violation, download_fields
from harness.client import together
from harness.expect import expect_status
from harness.history.entries import Event
from harness.vocabulary.events import EXPORT_COMPLETED
from harness.vocabulary.exports import READY

AT_ONCE = 4
"""Requests at a time: other people use this system, too."""


async def final_state_violations(
    stream: Stream, looks: Looks, *, process: str, what: str
) -> list[Violation]:
    """Read every accepted export, its events and its download; give all that is wrong.

    Fails the check when the API does not answer as it must.
    """
    accepted = stream.accepted
    # It is unknown whose worker was harmed: any export may have taken two attempts.
    looks.harmed({"job": each} for each in accepted)
    ready = []
    for each, fact, completions in await together(map(_read, accepted.values()), at_once=AT_ONCE):
        looks.export(fact, job=each.export_id, org=each.owner.id)
        for completion in completions:
            looks.history.append(Event, job=completion.export_id, name=EXPORT_COMPLETED)
        if fact is not None and fact.state == READY:
            ready.append(fact.id)
    for got in await read_downloads(ready, {key: each.owner for key, each in accepted.items()}):
        looks.download(download_fields(got))
        looks.history.write("ok", "downloadExport", process=process, job=got.export_id)
    return looks.judge(what, ended=True)


async def _read(each: Accepted) -> tuple[Accepted, ExportFact | None, list[CompletionFact]]:
    client = each.owner.client
    answer = await client.call("getExport", path={"export_id": each.export_id})
    completions = CompletionFact.from_events(await client.ledger_events(target_id=each.export_id))
    if answer.is_a(404):
        return each, None, completions
    shown = expect_status(answer, 200).data
    fact = ExportFact(
        id=each.export_id,
        state=shown["state"],
        attempt=shown["attempt"],
        organization_id=each.owner.id,
        error_code=shown.get("error_code"),
    )
    return each, fact, completions
