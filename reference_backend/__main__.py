"""``python -m reference_backend migrate | api | worker``; settings come from the environment."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from typing import cast, get_args

from reference_backend import failpoints
from reference_backend.database import DatabaseUnavailable
from reference_backend.settings import Command, Settings, SettingsError
from reference_backend.storage.objects import StorageUnavailable

EXIT_FAILED = 1
EXIT_MISCONFIGURED = 3
COMMANDS: tuple[str, ...] = get_args(Command)


def main(arguments: Sequence[str]) -> int:
    """Run one command. 0: done or drained; 1: it failed; 3: wrong arguments or settings."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        got = " ".join(arguments) or "nothing"
        return _fail(f"expected one of {', '.join(COMMANDS)}, got {got}", EXIT_MISCONFIGURED)
    command = cast("Command", arguments[0])
    if defect := os.environ.get("REFERENCE_BACKEND_DEFECT"):
        from reference_backend import defects  # the bug zoo: only for a defect  # noqa: PLC0415

        try:
            defects.switch_on(defect)
        except defects.DefectError as error:
            return _fail(str(error), EXIT_MISCONFIGURED)
    try:
        settings = Settings.from_environment(command)
        failpoints.configure(settings.failpoints)
        logging.basicConfig(
            level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
        return _run(command, settings)
    except (SettingsError, failpoints.FailpointSyntaxError, StorageUnavailable) as error:
        return _fail(str(error), EXIT_MISCONFIGURED)


def _run(command: Command, settings: Settings) -> int:
    # Each command imports only what it needs: a migration needs no web server.
    match command:
        case "migrate":
            from reference_backend import migrate  # noqa: PLC0415

            try:
                applied = asyncio.run(migrate.migrate(settings))
            except (migrate.MigrationError, DatabaseUnavailable) as error:
                return _fail(str(error), EXIT_FAILED)
            print(f"applied: {', '.join(applied) or 'nothing, the schema is current'}")  # noqa: T201
            return 0
        case "worker":
            from reference_backend.worker import process  # noqa: PLC0415

            return process.main(settings)
        case "api":
            from reference_backend.api import application  # noqa: PLC0415

            try:
                return application.main(settings)
            except OSError as error:  # the address is not available
                return _fail(str(error), EXIT_MISCONFIGURED)


def _fail(message: str, exit_code: int) -> int:
    for line in message.splitlines():
        print(f"reference_backend: {line}", file=sys.stderr)  # noqa: T201  # logging is not set up yet
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
