"""Reads from the API the facts that checkers judge, where nobody may look into the database."""

from collections.abc import Iterable, Mapping
from itertools import chain

from harness.checkers.facts import CompletionFact, ExportFact
from harness.checkers.observed import Observed
from harness.client import Organization, Record, together
from harness.vocabulary.events import EXPORT_REQUESTED

_AT_ONCE = 8


async def shown_exports(
    exports: Iterable[str], owners: Mapping[str, Organization]
) -> dict[str, Record]:
    """Give these exports as the API shows them now, by their ids; `owners` has whose each is."""
    shown = await together(
        (owners[each].client.get_export(each) for each in exports), at_once=_AT_ONCE
    )
    return {str(export["id"]): export for export in shown}


async def shown_completions(owners: Mapping[str, Organization]) -> list[CompletionFact]:
    """Give every completion that the ledgers of their owners tell of these exports."""
    events = await together(
        (owner.client.ledger_events(target_id=each) for each, owner in owners.items()),
        at_once=_AT_ONCE,
    )
    return CompletionFact.among(chain.from_iterable(events))


async def observe_shown(
    organizations: Iterable[Organization], told: Mapping[str, Organization]
) -> Observed:
    """Read what `observe_exports` reads, as far as the API shows it: no changes in between.

    The exports are those in the ledgers of these organizations, and those in `told`, each with its
    owner: what somebody was told to be accepted. Unlike a database's, these facts are not of one
    moment; ask once more when nothing changes any longer.
    """
    made = list(organizations)
    ledgers = await together((each.client.ledger_events() for each in made), at_once=_AT_ONCE)
    owners = dict(told)
    for organization, events in zip(made, ledgers, strict=True):
        owners |= {
            event["target_id"]: organization
            for event in events
            if event["event_name"] == EXPORT_REQUESTED
        }
    shown = await shown_exports(owners, owners)
    return Observed(
        exports=[ExportFact.shown(each, owners[name].id) for name, each in shown.items()],
        completions=CompletionFact.among(chain.from_iterable(ledgers)),
        transitions=None,
    )
