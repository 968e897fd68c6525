"""Running PostgreSQL's programs, and what else is run beside it, to their end or ours."""

import asyncio
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from harness.errors import Misconfigured
from harness.machine import processes
from harness.machine.logs import describe_end, tail
from harness.machine.processes import RUN_MARKER, Process
from harness.postgres.account import Account

_POLL_S = 0.002


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
    """Run a program to its end; its children do not outlive it, however that comes.

    Raises `Misconfigured` with what it printed when it fails or takes longer than `deadline_s`.
    """
    name = Path(command[0]).name
    with log_path.open("wb") as log:
        program = start_program(command, account, run_id, log)
    leader = Process.of(program.pid)
    end = time.monotonic() + deadline_s
    try:
        while program.poll() is None:
            if time.monotonic() > end:
                raise Misconfigured(f"{name} did not end within {deadline_s:g} s")
            await asyncio.sleep(_POLL_S)
    finally:
        if program.poll() is None and leader is not None:
            processes.kill_tree(leader)
        program.wait()
    if program.returncode != 0:
        end_of_it = describe_end(program.returncode)
        raise Misconfigured(f"{name} {end_of_it}; its last words:\n{tail(log_path)}")
