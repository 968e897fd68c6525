"""What the environment says about this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All knobs of the API; times in seconds, sizes in bytes.

    `worker` is whether this process makes packages, and `worker_every_s` how often it takes one;
    `work_s` is how long each takes at least, `signed_url_s` how long an address of a file works,
    and `tidy_s` how old a file must be that belongs to no record before it is removed.
    """

    database_url: str
    storage_dir: Path
    jwks: str
    jwt_audience: str
    jwt_issuer: str
    api_key: str
    storage_secret: str
    host: str
    port: int
    max_file_bytes: int
    running_per_org: int
    stuck_after_s: float
    heartbeat_s: float
    worker: bool
    worker_every_s: float
    worker_name: str
    work_s: float
    drain_s: float
    signed_url_s: int
    tidy_s: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises `KeyError` with the name of a variable that has no default and is missing.
        """
        return cls(
            database_url=environment["DATABASE_URL"],
            storage_dir=Path(environment["STORAGE_DIR"]),
            jwks=environment["AUTH_JWKS"],
            jwt_audience=environment.get("AUTH_AUDIENCE", "authenticated"),
            jwt_issuer=environment.get("AUTH_ISSUER", ""),
            api_key=environment["ANON_KEY"],
            storage_secret=environment["STORAGE_SECRET"],
            host=environment.get("HOST", "127.0.0.1"),
            port=int(environment.get("PORT", "8000")),
            max_file_bytes=int(environment.get("MAX_FILE_BYTES", str(50 * _MEBIBYTE))),
            running_per_org=int(environment.get("RUNNING_PER_ORG", "3")),
            stuck_after_s=float(environment.get("STUCK_AFTER_S", "300")),
            heartbeat_s=float(environment.get("HEARTBEAT_S", "10")),
            worker=environment.get("WORKER", "on") == "on",
            worker_every_s=float(environment.get("WORKER_EVERY_S", "5")),
            worker_name=environment.get("WORKER_NAME", "api"),
            work_s=float(environment.get("WORK_S", "0")),
            drain_s=float(environment.get("DRAIN_S", "8")),
            signed_url_s=int(environment.get("SIGNED_URL_S", "60")),
            tidy_s=float(environment.get("TIDY_S", "600")),
        )
