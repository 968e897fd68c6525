"""`python -m harness.containers.unpause ENGINE CONTAINER`: what undoes a pause after a kill -9."""

import sys

from harness.containers.container import Container
from harness.containers.engine import Engine


def main(host: str, name: str) -> None:
    """Let a container run again; one that runs, or is gone, is as it should be."""
    Container(Engine.connect(host), name, network="").pause(paused=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
