"""What every process of this backend has in hand."""

from dataclasses import dataclass
from typing import Self

from tests.foreign.flask.journal import Journal
from tests.foreign.flask.settings import Settings
from tests.foreign.flask.store import Store
from tests.foreign.flask.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Depot:
    """Settings, database, bytes and the way of sealing."""

    settings: Settings
    store: Store
    vault: Vault
    journal: Journal

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the data directory, making what is missing in it."""
        depot = cls(
            settings=settings,
            store=Store(settings.data_dir / "depot.sqlite"),
            vault=Vault(root=settings.data_dir),
            journal=Journal(salt=settings.journal_salt, salt_id=settings.journal_salt_id),
        )
        depot.store.migrate()
        depot.vault.prepare()
        return depot
