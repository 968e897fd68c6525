"""`python -m harness.containers.unpause ENGINE CONTAINER`: what undoes a pause after a kill -9."""

import asyncio
import sys

from harness.containers.container import Container
from harness.containers.engine import Engine


def main(host: str, name: str) -> None:
    """Let a container go on; one that runs, or is gone, is as it should be."""
    container = Container(Engine.connect(host), name, network="")
    if container.is_paused():
        asyncio.run(container.resume())


if __name__ == "__main__":
    main(*sys.argv[1:])
