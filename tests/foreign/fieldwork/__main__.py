"""`python -m tests.foreign.fieldwork api | migrate`, from the root of the repository."""

import logging
import os
import sys

from tests.foreign.fieldwork.app import make_app
from tests.foreign.fieldwork.defects import switch_on
from tests.foreign.fieldwork.migrate import migrate
from tests.foreign.fieldwork.server import serve
from tests.foreign.fieldwork.service import Service
from tests.foreign.fieldwork.settings import Settings
from tests.foreign.fieldwork.worker import Worker


def main(arguments: list[str]) -> int:
    """Run one of the two commands; 2 means that it could not begin, and why is on stderr."""
    logging.basicConfig(level=logging.WARNING)
    try:
        (command,) = arguments
        switch_on(os.environ.get("FOREIGN_DEFECT", ""))
        if command == "migrate":
            migrate(os.environ["DATABASE_URL"], os.environ["ACTIVITY_SALT"])
            return 0
        if command != "api":
            raise ValueError(command)
        settings = Settings.from_environment(os.environ)
    except (ValueError, KeyError) as error:
        print(f"usage: api | migrate; {error!r}", file=sys.stderr)  # noqa: T201
        return 2
    service = Service.open(settings)
    worker = Worker(service=service)
    thread = worker.start() if settings.worker else None
    serve(make_app(service), settings.host, settings.port, before_end=worker.stopping.set)
    if thread is not None:
        thread.join(settings.drain_s * 0.6)
        if thread.is_alive():  # something hangs that it waits for
            try:
                worker.give_back()
            finally:  # an error would wait for the thread that hangs, and the grace is over soon
                os._exit(1)
    service.database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
