"""Whether the salts and the form in `[ledger]` give the hashes that are in the database."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.database import Database, Row
from harness.doctor.step import Step
from harness.errors import Inconclusive
from harness.redaction.redactor import Redactor
from harness.target.sql.hashed_text import canonical_sql, hashed_bytes
from harness.target.sql.ledger_table import LedgerTable
from harness.target.tables.ledger import Ledger
from harness.target.tables.ledger_forms import LedgerForm, other_forms

NAME = "hashes of the ledger"
EVENTS = 5
"""How many of the last events are looked at."""

_MOST_SHOWN = 600
_MOST_FORMS = 3


@dataclass(frozen=True, kw_only=True)
class Hashes:
    """The last events of a ledger in a database."""

    database: Database
    ledger: Ledger

    async def look(self) -> Step:
        """Compute their hashes anew."""
        if not self.ledger.knows_salts:
            return Step(
                name=NAME,
                how="not looked at",
                seen="the target file does not say which salts they have",
                lines=("[ledger]", 'salts = { … = "{env:LEDGER_SALT}" } # or false: none'),
            )
        try:
            rows = await self._rows(self.ledger)
            if not rows:
                return Step(name=NAME, how="not looked at", seen="no event is in the table")
            return self._unknown(rows) or await self._judge(rows)
        except Inconclusive as why:
            return Step(name=NAME, how="not looked at", seen=why.reason)

    def _unknown(self, rows: Sequence[Row]) -> Step | None:
        """Say which salts the target file lacks."""
        keys = dict.fromkeys(self._key(row) for row in rows)
        missing = [each for each in keys if each not in self.ledger.plain_salts]
        if not missing:
            return None
        known = ", ".join(map(repr, self.ledger.salts)) or "none"
        return Step(
            name=NAME,
            how="does not hold",
            seen=f"events have the salts {', '.join(map(repr, missing))}, [ledger.salts] has "
            f"{known}",
            lines=("[ledger.salts]", *(f'{each or "…"} = "{{env:…}}"' for each in missing)),
        )

    async def _judge(self, rows: Sequence[Row]) -> Step:
        wrong = [row for row in rows if not self._is_right(self.ledger, row)]
        if not wrong:
            seen = f"those of the last {len(rows)} events are computed as declared"
            return Step(name=NAME, how="holds", seen=seen)
        if fitting := await self._fitting():
            shown = " or ".join(each.lines for each in fitting[:_MOST_FORMS])
            return Step(
                name=NAME,
                how="does not hold",
                seen=f"those of the last {len(rows)} events are computed in another form than "
                "declared",
                hint=f"they fit {shown}",
                lines=("[ledger]", *fitting[0].lines.split(", ")),
            )
        return self._unexplained(wrong[0], len(wrong), len(rows))

    def _unexplained(self, row: Row, wrong: int, all_: int) -> Step:
        key = self._key(row)
        redact = Redactor(self.ledger.plain_salts.values())
        text = redact(str(row["canonical"]))[:_MOST_SHOWN]
        return Step(
            name=NAME,
            how="does not hold",
            seen=f"{wrong} of the last {all_} are not SHA-256 of {self.ledger.hashed}",
            request=f"the text of the event {row['id']}, as declared:\n{text}",
            hint="no other form fits either: is the salt that of this database, and does the text "
            "have these members by these names? [ledger] names and constants say which",
            lines=("[ledger.salts]", f'{key or "…"} = "{{env:…}}"'),
        )

    async def _fitting(self) -> Sequence[LedgerForm]:
        """The forms that fit all of them, of those that differ least from the declared."""
        texts: dict[tuple[str, str, str], Sequence[Row]] = {}
        for forms in other_forms(self.ledger):
            found: list[LedgerForm] = []
            for each in forms:
                other = each.ledger
                written = (other.form, other.nulls, other.created_at_format)
                if written not in texts:
                    texts[written] = await self._rows(other)
                if all(self._is_right(other, row) for row in texts[written]):
                    found.append(each)
            if found:
                return found
        return ()

    async def _rows(self, ledger: Ledger) -> list[Row]:
        table, text = LedgerTable(ledger), canonical_sql(ledger)
        return await self.database.fetch(
            f"""
            SELECT {table.text("id")} AS id, {text.sql} AS canonical,
                   {table.text("prev_hash")} AS prev_hash, {table.text("hash")} AS hash,
                   {table.text("salt_key_id")} AS salt_key_id
            FROM {table.name}
            ORDER BY {table.column("created_at")} DESC, {table.text("id")} LIMIT {EVENTS}
            """,  # noqa: S608 - names of table and columns come from the target file
            text.parameters,
        )

    def _key(self, row: Mapping[str, str | None]) -> str:
        only = self.ledger.only_key
        return (row["salt_key_id"] or "") if only is None else only

    def _is_right(self, ledger: Ledger, row: Mapping[str, str | None]) -> bool:
        stored = row["hash"] or ""
        prefix = "\\x" if stored.startswith("\\x") else ""
        link = (row["prev_hash"] or "").removeprefix(prefix)
        salt = ledger.plain_salts[self._key(row)]
        hashed = hashed_bytes(
            row["canonical"] or "",
            link,
            salt,
            template=ledger.hashed,
            prev_hash_as=ledger.prev_hash_as,
        )
        return hashlib.sha256(hashed).hexdigest() == stored.removeprefix(prefix).lower()
