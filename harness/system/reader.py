"""Whether the role that a database is read with can only read."""

from pathlib import Path

import psycopg

from harness.database import Database
from harness.errors import Inconclusive, Misconfigured
from harness.redaction.redactor import Redactor

_FOLDER = Path(__file__).parent
_MOST_NAMED = 8

NAMED_BY = "the database URL (--database-url, SHAKEDOWN_DATABASE_URL or [database] url)"


async def refuse_unfit_reader(url: str) -> str:
    """Look at the role of a DSN, and give the server's version.

    Raises `Misconfigured` where it may change anything (with the SQL that makes one that may not),
    where row security hides rows from it, and where there is no connection.
    """
    redact = Redactor([url])
    try:
        async with Database(url) as database:
            unfit = [row["what"] for row in await database.fetch(_text("reader_role.sql"))]
            shown = await database.fetch_one("SELECT current_user AS role, version() AS version")
    except (Inconclusive, psycopg.Error) as error:
        raise Misconfigured(redact(f"{NAMED_BY}: {error}")) from None
    if unfit:
        raise Misconfigured(redact(_message(shown["role"], unfit)))
    return str(shown["version"].split()[1])


def _message(role: str, unfit: list[str]) -> str:
    named = unfit[:_MOST_NAMED]
    if len(unfit) > len(named):
        named.append(f"… and {len(unfit) - len(named)} more")
    reasons = "\n".join(f"  {each}" for each in named)
    return (
        f"{NAMED_BY}: expected a role that reads everything and changes nothing, got "
        f"{role}:\n{reasons}\nA superuser can make a fit one:\n{_text('make_reader.sql')}"
    )


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
