"""The `shakedown` command. Each command is a file of its own, loaded only when it is used."""

import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import click

from harness.errors import CheckFailed, Inconclusive, Misconfigured
from harness.machine.streams import guard_outputs, open_missing, reader_is_gone
from harness.verdict import ExitCode

_SIGPIPE = 141
"""What a shell shows for a program whose reader wanted no more."""

COMMANDS: Mapping[str, str] = {
    "run": "start a system, run the checks on it, give a verdict",
    "drill": "harm a system on purpose, and judge what became of its exports",
    "up": "start a system and keep it running; print what a client needs",
    "init": "write a first target file from an OpenAPI document and a database",
    "doctor": "take the steps of a first run, and show the lines to write where one fails",
    "accept": "write what a run found into a baseline, so that it no longer counts",
    "target": "check a target file and say what it means; print its JSON Schema for editors",
    "checks": "list every check and whether the target offers what it needs",
    "explain": "say what a check demands, and what a rule means and how to fix it",
    "explore": "run every interleaving of the claim protocol's SQL steps on a real database",
    "prove": "run the gate on every seeded bug: the kill matrix",
    "recheck": "judge an old run again, from its history alone",
    "recover": "remove what killed runs left behind",
}
"""Name and one-line help: known here, so that `--help` need not load what the commands need."""


_BACKEND = "the backend does not give what this command needs"


class _LazyGroup(click.Group):
    """Loads a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"harness.cli.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; refuse an empty value, which is a variable that is not set."""
        _refuse_empty(args)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


_MAY_BE_EMPTY = ("--allow-inconclusive",)
"""Options of which an empty value means what leaving them out does."""


def _refuse_empty(args: Sequence[str]) -> None:
    """Refuse `--out "$DIR"`, `--only "$IDS"` or `"$FOLDER"` where the variable is empty.

    An empty path is the current folder, an empty target the reference backend, an empty
    pattern every check: the command would do something else than it was asked for.
    """
    ours = args[: args.index("--")] if "--" in args else args
    for before, word in zip(["", *ours], ours, strict=False):
        name, equals, value = word.partition("=")
        if not word and before not in _MAY_BE_EMPTY:
            what = f"the value after {before}" if before.startswith("-") else "an argument"
            raise Misconfigured(f"{what} is empty; is a variable not set?")
        if word.startswith("--") and equals and not value and name not in _MAY_BE_EMPTY:
            raise Misconfigured(f"{name} has an empty value; is a variable not set?")


def _version(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version  # slow to load, and needed nowhere else

        click.echo(f"shakedown {version('shakedown')}")
        ctx.exit()


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 misconfigured, 4 internal error; "
        "128 + signal when interrupted."
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version.",
)
def cli() -> None:
    """Test a backend before it ships.

    \b
      shakedown run                           all checks, on the reference backend
      shakedown run --target shakedown.toml   on your backend
      shakedown run --only 'golden.*'         some checks only
      shakedown run -- -x --pdb               everything after -- goes to pytest
      shakedown drill all                     workers killed, paused, stopped in mid-work
    """


def main() -> None:
    """Run the command line and exit with its code."""
    open_missing()
    outputs = guard_outputs()
    try:
        exit_code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as asked:
        exit_code = asked.exit_code
    except click.Abort:
        exit_code = 130
    except click.ClickException as error:
        error.show()
        exit_code = ExitCode.MISCONFIGURED
    except Misconfigured as error:
        click.echo(_redacted(f"shakedown: {error}"), err=True)
        exit_code = ExitCode.MISCONFIGURED
    except CheckFailed as failure:
        click.echo(_redacted(f"shakedown: {_BACKEND}:\n{failure}"), err=True)
        exit_code = ExitCode.FAIL
    except Inconclusive as gap:
        click.echo(_redacted(f"shakedown: {_BACKEND}: {gap}"), err=True)
        exit_code = ExitCode.INCONCLUSIVE
    except KeyboardInterrupt:
        exit_code = 130
    except Exception as error:
        exit_code = _report_full_disk(error) or _report_crash(traceback.format_exc())
    if outputs and outputs[0].lost and _as_number(exit_code) == ExitCode.PASS:
        exit_code = _report_lost(outputs[0].lost)
    sys.exit(_as_number(exit_code))


def _report_lost(error: OSError) -> int:
    """Report that what the command was asked to print is not there."""
    if reader_is_gone(error):
        return _SIGPIPE
    click.echo(f"shakedown: standard output cannot be written: {error.strerror}", err=True)
    return ExitCode.MISCONFIGURED


def _report_full_disk(error: Exception) -> int:
    """Report that the machine, not the command, is why it could not go on; 0 if it is not."""
    from harness.machine.room import full_disk  # loaded here: it is rarely needed

    if problem := full_disk(error):
        click.echo(_redacted(f"shakedown: {problem}"), err=True)
        return ExitCode.MISCONFIGURED
    return 0


def _report_crash(trace: str) -> int:
    """Report an error of our own, which no command expected."""
    click.echo(_redacted(trace), err=True)
    click.echo(
        "shakedown: an error in shakedown itself; please report it with the traceback above",
        err=True,
    )
    return ExitCode.INTERNAL_ERROR


def _redacted(text: str) -> str:
    from harness.redaction.redactor import Redactor  # loaded here: `--help` does without it

    return Redactor()(text)


def _as_number(result: Any) -> int:  # noqa: ANN401 - click gives back what a command returns
    return int(result) if isinstance(result, int) else ExitCode.PASS
