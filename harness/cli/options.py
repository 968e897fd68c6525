"""Options that several commands share."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.errors import Misconfigured

if TYPE_CHECKING:
    from harness.target import Target
    from harness.target.bundled import Choice

DATABASE_VARIABLE = "SHAKEDOWN_DATABASE_URL"

Command = TypeVar("Command", bound=Callable[..., Any])


def target_option(command: Command) -> Command:
    """`--target FILE`."""
    return click.option(
        "--target",
        metavar="FILE",
        callback=_target_file,
        help="How to start and reach the backend (default: the reference backend).",
    )(command)


def target_or_url_option(command: Command) -> Command:
    """`--target FILE|URL`."""
    return click.option(
        "--target",
        metavar="FILE|URL",
        help="How to start and reach the backend (default: the reference backend), or the URL of "
        "one that runs already: http://… or https://…, the same as BACKEND_URL.",
    )(command)


def driver_option(command: Command) -> Command:
    """`--driver embedded|docker`."""
    return click.option(
        "--driver",
        type=click.Choice(["embedded", "docker"]),
        default=None,
        help="How to run the reference backend: as processes, on an embedded PostgreSQL (default), "
        "or in containers. Not with --target: a target file has a driver of its own.",
    )(command)


def _target_file(_ctx: click.Context, _option: click.Parameter, text: str | None) -> Path | None:
    if text is not None and "://" in text:
        raise Misconfigured(
            "--target: this command takes a target file; for the URL of a backend that runs "
            "already use `shakedown run`"
        )
    return None if text is None else Path(text)


def load_chosen(target: Path | None, driver: "Choice | None") -> "Target":
    """Load the target of `--target` and `--driver`."""
    # Loaded here: `--help` does without them.
    from harness.target import load_target
    from harness.target.bundled import choose_target, refuse_contradiction

    loaded = load_target(target if driver is None else choose_target(target, driver))
    refuse_contradiction(loaded, driver)
    return loaded


def refuse_missing(folders: tuple[str, ...]) -> None:
    """Refuse a folder or file of checks that does not exist."""
    for folder in folders:
        try:
            found = Path(folder.partition("::")[0]).exists()
        except PermissionError as error:
            raise Misconfigured(f"{folder}: cannot be read: {error.strerror}") from error
        if not found:
            raise Misconfigured(
                f"{folder}: there is no such folder or file of checks; "
                "to select checks by their id use --only"
            )


def given_database(option: str | None) -> str | None:
    """Give the DSN of `--database-url`, else of the variable; nothing we start inherits that.

    Raises `Misconfigured` for an empty one: the run would silently test less.
    """
    variable = os.environ.pop(DATABASE_VARIABLE, None)
    given, name = (
        (option, "--database-url") if option is not None else (variable, DATABASE_VARIABLE)
    )
    if given is not None and not given.strip():
        raise Misconfigured(f"{name} is empty; expected postgresql://user:password@host/database")
    return given


def read_with(target: "Target", database: str) -> "Target":
    """Give the target with the DSN that was given; the same one where its file reads it itself.

    Then the variable stays: processes of this run load the file again. Raises `Misconfigured` as
    `Target.reading` does.
    """
    reading = target.reading(database)
    if reading is target:
        os.environ[DATABASE_VARIABLE] = database
    return reading


def make_folder(out: Path) -> None:
    """Make the folder that `--out` names. Raises `Misconfigured` where it cannot be made."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"--out {out}: cannot be written: {error}") from error


def random_seed() -> int:
    """Give a seed for a run that was not given one; short enough to be typed."""
    return random.SystemRandom().randrange(2**32)


def split_commas(values: tuple[str, ...]) -> tuple[str, ...]:
    """Give the single values of an option that may be repeated and may hold commas."""
    return tuple(part for value in values for part in map(str.strip, value.split(",")) if part)


def default_processes() -> int:
    """How many processes share the checks of the whole gate: three, where there are two cores.

    The backend under test runs on the same machine, so that more of ours would slow it down; but
    drills wait for timeouts most of the time.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return 3 if (usable or 1) >= 2 else 1
