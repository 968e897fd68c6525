"""What the environment says about this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All knobs of API, worker and migration; times in seconds, sizes in bytes.

    `data_dir` is shared by all processes: the database, the vault and the bundles lie in it.
    `work_delay_s` makes each bundle take at least that long, so that a drill can hit its worker.
    """

    data_dir: Path
    admin_token: str
    journal_salt: str
    journal_salt_id: str
    host: str
    port: int
    max_file_bytes: int
    running_per_tenant: int
    max_tries: int
    lease_s: float
    poll_s: float
    drain_s: float
    work_delay_s: float
    worker_name: str
    worker_slots: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises `KeyError` with the name of a variable that has no default and is missing.
        """
        return cls(
            data_dir=Path(environment["DEPOT_DIR"]),
            admin_token=environment["DEPOT_ADMIN_TOKEN"],
            journal_salt=environment["DEPOT_JOURNAL_SALT"],
            journal_salt_id=environment.get("DEPOT_JOURNAL_SALT_ID", "s1"),
            host=environment.get("DEPOT_HOST", "127.0.0.1"),
            port=int(environment.get("DEPOT_PORT", "8000")),
            max_file_bytes=int(environment.get("DEPOT_MAX_FILE_BYTES", str(50 * _MEBIBYTE))),
            running_per_tenant=int(environment.get("DEPOT_RUNNING_PER_TENANT", "3")),
            max_tries=int(environment.get("DEPOT_MAX_TRIES", "3")),
            lease_s=float(environment.get("DEPOT_LEASE_S", "300")),
            poll_s=float(environment.get("DEPOT_POLL_S", "0.2")),
            drain_s=float(environment.get("DEPOT_DRAIN_S", "8")),
            work_delay_s=float(environment.get("DEPOT_WORK_DELAY_S", "0")),
            worker_name=environment.get("DEPOT_WORKER_NAME", "worker"),
            worker_slots=int(environment.get("DEPOT_WORKER_SLOTS", "2")),
        )
