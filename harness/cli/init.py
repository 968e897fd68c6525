"""`shakedown init`: writes a first target file from what can be seen of a backend."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.backend_url import VARIABLE
from harness.cli.options import DATABASE_VARIABLE
from harness.errors import Misconfigured
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.init.catalog import Catalog
    from harness.init.fetching import Found
    from harness.init.project import Project

DEFAULT_OUT = Path("shakedown.toml")


@click.command()
@click.option(
    "--openapi",
    metavar="FILE|URL",
    help="The backend's OpenAPI document (3.x or Swagger 2.0, JSON or YAML).",
)
@click.option(
    "--url",
    metavar="URL",
    help="A backend that runs: its document is looked for in the usual places (/openapi.json, "
    "/docs/openapi.json, /swagger.json, /v3/api-docs and others). Default: the variable "
    f"{VARIABLE}, if --openapi is not given.",
)
@click.option(
    "--database-url",
    metavar="DSN",
    help="The backend's database: only its catalog is read, in a read-only transaction. A DSN with "
    f"a password is safer in the variable {DATABASE_VARIABLE}.",
)
@click.option(
    "--project",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The backend's folder: package.json, compose file, the names in .env files (never their "
    "values), and an OpenAPI document in it.",
)
@click.option("--name", metavar="NAME", help="What to call the backend (default: as its document).")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
def init(
    *,
    openapi: str | None,
    url: str | None,
    database_url: str | None,
    project: Path | None,
    name: str | None,
    out: Path,
    force: bool,
) -> int:
    """Write a first target file from what can be seen of a backend.

    It compares the backend's routes, fields, states, tables and columns with the contract's, by
    their structure and by the words of the field (a case or a project is a job; a document or a
    photo is evidence; a bundle or a report is an export; an audit trail is the ledger). Each line
    says why, and how sure it is; what is doubtful is written as a comment, for you to decide. No
    secret is guessed or copied: the file names variables, {env:JWT_TOKEN}.

    \b
      shakedown init --openapi openapi.json
      shakedown init --url http://127.0.0.1:3000 --project .
      shakedown init --openapi https://api.example.org/openapi.json --name "our API"
      SHAKEDOWN_DATABASE_URL=postgresql://… shakedown init --openapi openapi.json

    Nothing is written but --out; no host is asked but those named; redirects are not followed.
    Then: shakedown doctor --target shakedown.toml

    Exit codes: 0 the file was written, 3 it was not, and why.
    """
    # Loaded here: `--help` does without them.
    from harness.init.checking import readable, variables_of
    from harness.init.draft import Draftsman
    from harness.init.fetching import read_file
    from harness.init.guess import Certainty
    from harness.init.project import read_project
    from harness.init.writing import Surroundings, count, written
    from harness.target.document.api_document import contract_document

    _refuse_to_overwrite(out, force=force)
    dsn = database_url or os.environ.get(DATABASE_VARIABLE)
    url = url or (None if openapi else os.environ.get(VARIABLE))
    seen = read_project(project) if project is not None else None
    if not (openapi or url or dsn or (seen and seen.document)):
        raise Misconfigured(
            "nothing to look at; name at least one of --openapi FILE|URL, --url URL, "
            "--database-url DSN, or a --project DIR that has an OpenAPI document"
        )
    found, catalog = asyncio.run(_look(openapi, url, dsn, seen))
    contract = contract_document()
    assert contract is not None, "the contract's document comes with the checks"
    served_at = found.path if found and url and found.shown.startswith(url.rstrip("/")) else ""
    draft = Draftsman(read_file(contract).document).draft(
        found.document if found else None, catalog, served_at
    )
    text = written(
        draft,
        Surroundings(
            name=name or _title(found, seen),
            sources=_sources(found, catalog, seen),
            url=url or "",
            database=catalog is not None,
            project=seen,
        ),
    )
    text = readable(text)
    _write(out, text)
    counts = count(draft)
    click.echo(
        f"wrote {out}: {counts[Certainty.SURE]} lines are sure, {counts[Certainty.LIKELY]} likely, "
        f"{counts[Certainty.DOUBTFUL]} doubtful and left as comments"
    )
    for line in draft.notes:
        click.echo(f"  {line}")
    click.echo(f"it reads these variables: {', '.join(variables_of(text))}")
    click.echo(f"set them, then: shakedown doctor --target {out}")
    return ExitCode.PASS


async def _look(
    openapi: str | None, url: str | None, dsn: str | None, seen: "Project | None"
) -> "tuple[Found | None, Catalog | None]":
    from harness.init.catalog import read_catalog
    from harness.init.fetching import fetch, find, read_file

    found = None
    if openapi is not None:
        is_url = openapi.lower().startswith(("http://", "https://"))
        found = await fetch(openapi) if is_url else read_file(Path(openapi))
        click.echo(f"read {found.shown}")
    elif url is not None:
        found = await find(url, click.echo)
        if found is None and not (dsn or (seen and seen.document)):
            raise Misconfigured(
                f"--url {url}: the backend answers, but none of the usual places has an OpenAPI "
                "document; name it by --openapi FILE|URL"
            )
    if found is None and seen is not None and seen.document is not None:
        found = read_file(seen.document)
        click.echo(f"read {found.shown}")
    catalog = None
    if dsn:
        catalog = await read_catalog(dsn)
        click.echo(f"read the database's catalog: {len(catalog.tables)} tables")
    return found, catalog


def _title(found: "Found | None", seen: "Project | None") -> str:
    from harness.untrusted.members import table

    title = str(table(found.document.root, "info").get("title", "")) if found else ""
    return title or (seen.name if seen else "") or "my backend"


def _sources(found: "Found | None", catalog: "Catalog | None", seen: "Project | None") -> list[str]:
    sources = [found.shown] if found else []
    if catalog is not None:
        sources.append(f"a database with {len(catalog.tables)} tables")
    if seen is not None and seen.files:
        sources.append(", ".join(seen.files))
    return sources


def _refuse_to_overwrite(out: Path, *, force: bool) -> None:
    if out.exists() and not force:
        raise Misconfigured(
            f"--out {out}: the file exists; name another one, or add --force to overwrite it"
        )


def _write(out: Path, text: str) -> None:
    unfinished = out.with_name(f"{out.name}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(out)
    except OSError as error:
        raise Misconfigured(f"--out {out}: cannot be written ({error.strerror})") from error
