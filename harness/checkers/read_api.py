"""Reads the facts that checkers judge from the API, without database access."""

from collections.abc import Iterable, Mapping
from itertools import chain

from harness.checkers.facts import CompletionFact, ExportFact
from harness.checkers.read_database import ExportFacts
from harness.client import Organization, Record, together
from harness.vocabulary.events import EXPORT_REQUESTED

_AT_ONCE = 8


async def get_exports(
    exports: Iterable[str], owners: Mapping[str, Organization]
) -> dict[str, Record]:
    """Give these exports as the API shows them now, by their ids; `owners` has whose each is."""
    shown = await together(
        (owners[each].client.get_export(each) for each in exports), at_once=_AT_ONCE
    )
    return {str(export["id"]): export for export in shown}


async def get_completions(owners: Mapping[str, Organization]) -> list[CompletionFact]:
    """Give every completion of these exports in the ledgers of their owners."""
    events = await together(
        (owner.client.ledger_events(target_id=each) for each, owner in owners.items()),
        at_once=_AT_ONCE,
    )
    return CompletionFact.from_events(chain.from_iterable(events))


async def read_exports_over_http(
    organizations: Iterable[Organization], accepted: Mapping[str, Organization]
) -> ExportFacts:
    """Read what `read_exports` reads, as far as the API shows it: no changes in between.

    The exports are those in the ledgers of these organizations, and those in `accepted`, each
    with its owner. Unlike a database's, these facts are not of one
    moment; ask once more when nothing changes any longer.
    """
    made = list(organizations)
    ledgers = await together((each.client.ledger_events() for each in made), at_once=_AT_ONCE)
    owners = dict(accepted)
    for organization, events in zip(made, ledgers, strict=True):
        owners |= {
            event["target_id"]: organization
            for event in events
            if event["event_name"] == EXPORT_REQUESTED
        }
    shown = await get_exports(owners, owners)
    return ExportFacts(
        exports=[ExportFact.from_api(each, owners[name].id) for name, each in shown.items()],
        completions=CompletionFact.from_events(chain.from_iterable(ledgers)),
        transitions=None,
    )
