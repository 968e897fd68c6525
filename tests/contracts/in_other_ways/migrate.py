"""Brings a database to the reference backend's schema, then runs more SQL files on it.

`python migrate.py FILE.sql …`, with `DATABASE_URL` and all else that the reference backend's own
migration reads.
"""

import os
import subprocess
import sys
from pathlib import Path

import psycopg


def main(files: list[str]) -> None:
    """Migrate."""
    subprocess.run([sys.executable, "-m", "reference_backend", "migrate"], check=True)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        for file in files:
            connection.execute(Path(file).read_text(encoding="utf-8").encode())


if __name__ == "__main__":
    main(sys.argv[1:])
