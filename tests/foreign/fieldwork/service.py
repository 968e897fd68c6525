"""What every part of one process works with."""

from dataclasses import dataclass
from typing import Self

from tests.foreign.fieldwork.bucket import Bucket
from tests.foreign.fieldwork.database import Database
from tests.foreign.fieldwork.settings import Settings
from tests.foreign.fieldwork.tokens import Keys


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process's settings, database, bucket and keys."""

    settings: Settings
    database: Database
    bucket: Bucket
    keys: Keys

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open all of it."""
        bucket = Bucket(
            directory=settings.storage_dir,
            secret=settings.storage_secret,
            signed_url_s=settings.signed_url_s,
        )
        bucket.prepare()
        return cls(
            settings=settings,
            database=Database.open(settings.database_url),
            bucket=bucket,
            keys=Keys(settings.jwks),
        )
