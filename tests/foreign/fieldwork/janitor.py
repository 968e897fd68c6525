"""Files of the bucket that belong to no record, because a process ended before it was written."""

import time
from pathlib import Path

from tests.foreign.fieldwork.service import Service

KNOWN = "SELECT 1 FROM documents WHERE storage_key = %s"
STOPPED = "SELECT 1 FROM proof_packages WHERE id = %s AND status = 'cancelled'"


def tidy(service: Service) -> None:
    """Remove those that are older than `tidy_s` seconds."""
    before = time.time() - service.settings.tidy_s
    for path in (service.bucket.directory / "incoming").iterdir():
        if older(path, before):
            path.unlink(missing_ok=True)
    for path in (service.bucket.directory / "documents").rglob("*"):
        if path.is_file() and older(path, before) and not known(service, path):
            path.unlink(missing_ok=True)
    for path in (service.bucket.directory / "packages").rglob("*.zip"):
        if older(path, before) and stopped(service, path.stem):
            path.unlink(missing_ok=True)


def older(path: Path, moment: float) -> bool:
    """Whether a file was last written before that."""
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:
        return False


def known(service: Service, path: Path) -> bool:
    """Whether a record has this file."""
    key = str(path.relative_to(service.bucket.directory))
    with service.database.as_service() as connection:
        return connection.execute(KNOWN, [key]).fetchone() is not None


def stopped(service: Service, package: str) -> bool:
    """Whether a package will never be completed, whatever a slow worker has written for it."""
    with service.database.as_service() as connection:
        return connection.execute(STOPPED, [package]).fetchone() is not None
