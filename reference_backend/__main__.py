"""``python -m reference_backend migrate | api | worker``; settings come from the environment."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from reference_backend import failpoints
from reference_backend.database import DatabaseUnavailable
from reference_backend.settings import EXIT_MISCONFIGURED, Command, Settings, SettingsError

COMMANDS: dict[str, Command] = {"migrate": "migrate", "api": "api", "worker": "worker"}
EXIT_FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """Run one command. 0: done or drained; 1: it failed; 3: wrong arguments or settings."""
    command = COMMANDS.get(arguments[0]) if len(arguments) == 1 else None
    if command is None:
        return _fail(
            f"expected one of {', '.join(COMMANDS)}, got {' '.join(arguments) or 'nothing'}",
            EXIT_MISCONFIGURED,
        )
    if defect := os.environ.get("REFERENCE_BACKEND_DEFECT"):
        from reference_backend import defects  # the bug zoo: only for a defect  # noqa: PLC0415

        try:
            defects.switch_on(defect)
        except defects.DefectError as error:
            return _fail(str(error), EXIT_MISCONFIGURED)
    try:
        settings = Settings.from_environment(command)
        failpoints.configure(settings.failpoints)
    except (SettingsError, failpoints.FailpointSyntaxError) as error:
        return _fail(str(error), EXIT_MISCONFIGURED)
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Each command imports only what it needs: a migration needs no web server.
    if command == "migrate":
        return _migrate(settings)
    if command == "worker":
        from reference_backend.worker import process  # noqa: PLC0415

        return process.main(settings)
    from reference_backend.api import application  # noqa: PLC0415

    return application.main(settings)


def _migrate(settings: Settings) -> int:
    from reference_backend import migrate  # noqa: PLC0415

    try:
        applied = asyncio.run(migrate.migrate(settings))
    except (migrate.MigrationError, DatabaseUnavailable) as error:
        return _fail(str(error), EXIT_FAILED)
    print(f"applied: {', '.join(applied) or 'nothing, the schema is current'}")  # noqa: T201  # the command's output
    return 0


def _fail(message: str, exit_code: int) -> int:
    for line in message.splitlines():
        print(f"reference_backend: {line}", file=sys.stderr)  # noqa: T201  # logging is not set up yet
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
