"""`python -m tests.foreign.flask api | worker | migrate`, from the root of the repository."""

import logging
import os
import signal
import sys

from tests.foreign.flask.defects import switch_on
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.server import serve
from tests.foreign.flask.settings import Settings
from tests.foreign.flask.web.app import make_app
from tests.foreign.flask.worker import Worker


def main(arguments: list[str]) -> int:
    """Run one of the three commands; 2 means that it could not begin, and why is on stderr."""
    logging.basicConfig(level=logging.WARNING)
    try:
        (command,) = arguments
        switch_on(os.environ.get("FOREIGN_DEFECT", ""))
        settings = Settings.from_environment(os.environ)
    except (ValueError, KeyError) as error:
        print(f"usage: api | worker | migrate; {error!r}", file=sys.stderr)  # noqa: T201
        return 2
    depot = Depot.open(settings)  # which is also all that a migration is
    match command:
        case "migrate":
            return 0
        case "api":
            serve(make_app(depot), settings.host, settings.port)
            return 0
        case "worker":
            worker = Worker(depot=depot)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: worker.drain())
            worker.run()
            return 0
    print(f"no such command: {command}", file=sys.stderr)  # noqa: T201
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
