"""A first target file from everything that was seen: each line a guess with its reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harness.init.absences import guess_without
from harness.init.catalog import Catalog
from harness.init.claiming import guess_function
from harness.init.described import Contract, Described, describe
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon
from harness.init.references import Document
from harness.init.roles import ROLES
from harness.init.tables import TableMatch, find_tables, guess_catalog, guess_claim, guess_ledger
from harness.init.values import guess_values


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What will be written."""

    guesses: tuple[Guess, ...] = ()
    absent: tuple[Guess, ...] = ()
    """Each with the name as its value."""
    notes: tuple[str, ...] = ()
    ready_path: str = ""
    has_ledger: bool = False
    """Whether `[ledger]` is written, which needs a salt."""
    has_lease: bool = False
    """Whether claims are leases, whose length a worker's table says."""


class Draftsman:
    """Puts together what the document and the database say."""

    def __init__(self, contract: Document) -> None:
        self._contract = Contract(contract)

    def draft(
        self, document: Document | None, catalog: Catalog | None, served_at: str = ""
    ) -> Draft:
        """Draft the file. `served_at` is the path at which the backend serves its document.

        Raises `Misconfigured` where the document describes no routes.
        """
        api = describe(self._contract, document, served_at) if document is not None else Described()
        tables = find_tables(api.words, catalog, api.nouns, api.said) if catalog else {}
        of_tables = [*_of_tables(api.words, tables, catalog)] if catalog else []
        listed = _listed(api, tables)
        values = [
            guess
            for resource, fields in listed.items()
            for guess in guess_values(api.words, resource, fields, api.nouns.get("export", ""))
        ]
        without = guess_without(
            api.words, api.routes, values, [*listed.get("export", {}).get("export_type", ())]
        )
        written = [one for one in of_tables if one.certainty.is_written]
        return Draft(
            guesses=tuple(map(_harmless, (*api.guesses, *of_tables, *values, *without))),
            absent=api.absent,
            notes=api.notes,
            ready_path=api.ready_path,
            has_ledger=any(one.table[0] == "ledger" for one in written),
            has_lease=any(one.key == ("lease_until",) for one in written),
        )


def _listed(
    api: Described, tables: Mapping[str, TableMatch]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """The words that each field of each resource may have, by the document or the database."""
    listed = {
        name: {one.field: one.place.words for one in matched.found if one.place.words}
        for name, matched in api.seen.items()
    }
    if api.types:
        listed.setdefault("export", {}).setdefault("export_type", api.types)
    for role, match in tables.items():
        here = listed.setdefault(ROLES[role], {})
        for one in match.columns.found:
            if one.place.words:
                here.setdefault(one.field, one.place.words)
    return listed


def _of_tables(
    words: Lexicon, tables: Mapping[str, TableMatch], catalog: Catalog
) -> Iterator[Guess]:
    if "ledger" in tables:
        yield from guess_ledger(tables["ledger"], catalog)
    if "export" in tables:
        yield from guess_function(words, catalog)
        yield from guess_claim(tables["export"])
    yield from guess_catalog(words, catalog, tables)


def _harmless(guess: Guess) -> Guess:
    """Take a line out of effect that would send a variable of this machine to the backend."""
    values = [guess.value] if isinstance(guess.value, str) else guess.value
    texts = values if isinstance(values, list | tuple) else []
    ours = guess.table == ("contract", "constants")
    if ours or not any("{env:" in str(each) for each in (*texts, *guess.key)):
        return guess
    return replace(guess, certainty=Certainty.DOUBTFUL, why="reads a variable of this machine")
