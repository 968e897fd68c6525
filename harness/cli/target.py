"""`shakedown target`: checks a target file and says what it means; the JSON Schema of all."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import Misconfigured
from harness.verdict import ExitCode

if TYPE_CHECKING:
    from harness.target import Target


@click.command(
    short_help="check a target file and say what it means; print its JSON Schema for editors",
    epilog="Exit codes: 0 no mistakes, 3 mistakes. docs/target-file.md says what every key means.",
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--schema", is_flag=True, help="Print the JSON Schema of target files.")
def target(file: Path | None, *, schema: bool) -> int:
    """Check a target file and say what it means, without starting anything.

    All mistakes are reported at once, each with its line. What two keys mean together, and which
    names the contract has, is looked at as well.

    \b
      shakedown target shakedown.toml
      shakedown target --schema > shakedown.schema.json

    An editor that knows TOML's schemas (Even Better TOML, and all that use taplo) completes keys,
    shows what they mean and underlines mistakes once the file begins with

    \b
      #:schema ./shakedown.schema.json
    """
    # Loaded here: `--help` does without them.
    from harness.target import load_target
    from harness.target.schema import target_schema

    if schema == (file is not None):
        raise Misconfigured("name a target file to check, or --schema, and not both")
    if file is None:
        click.echo(json.dumps(target_schema(), indent=2))
        return ExitCode.PASS
    _print(file, load_target(file))
    return ExitCode.PASS


def _print(file: Path, loaded: "Target") -> None:
    from harness.redaction.redactor import Redactor
    from harness.target.summary import summary

    hide = Redactor(loaded.secrets)
    lines = list(summary(loaded))
    width = max(len(word) for word, _ in lines)
    click.echo(f"{file}: no mistakes")
    for word, meaning in lines:
        click.echo(hide(f"  {word:{width}}  {meaning}"))
    click.echo(f"next: shakedown checks --target {file}, or shakedown run --target {file}")
