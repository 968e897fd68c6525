"""Running PostgreSQL's programs, and those that are run beside it."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from harness.errors import Misconfigured
from harness.machine.commands import wait_for_end
from harness.machine.logs import describe_end, tail
from harness.machine.processes import RUN_MARKER
from harness.postgres.account import Account


def start_program(
    command: Sequence[str], account: Account, run_id: str, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, with an environment that holds nothing of ours.

    Raises `Misconfigured` when it cannot be started at all.
    """
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", RUN_MARKER: run_id}
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
            **account.popen(),
        )
    except OSError as error:
        as_whom = f" as user {account.uid}" if account.is_another else ""
        raise Misconfigured(f"cannot start {command[0]}{as_whom}: {error}") from error


async def run_program(
    command: Sequence[str], account: Account, run_id: str, log_path: Path, deadline_s: float
) -> None:
    """Run a program to its end; a program that is killed is killed with its children.

    Raises `Misconfigured` with what it printed when it fails or takes longer than `deadline_s`.
    """
    name = Path(command[0]).name
    with log_path.open("wb") as log:
        program = start_program(command, account, run_id, log)
    if problem := await wait_for_end(program, deadline_s):
        raise Misconfigured(f"{name} {problem}")
    if program.returncode:
        ended = describe_end(program.returncode)
        raise Misconfigured(f"{name} {ended}; its last log lines:\n{tail(log_path)}")
