"""What the environment says about one process, checked as a whole before anything starts."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

Command = Literal["migrate", "api", "worker"]

MAX_UPLOAD_BYTES = 50 * 1024 * 1024
EXIT_MISCONFIGURED = 3

T = TypeVar("T")


class SettingsError(Exception):
    """The environment does not make sense; the message has one line per variable that is wrong."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one process. Durations are seconds."""

    database_url: str = field(repr=False)  # may hold a password
    host: str = "127.0.0.1"
    port: int = 0  # 0: a worker serves no metrics, an API takes any free port
    storage_dir: Path = Path("storage")
    jwt_secret: str = field(default="", repr=False)
    jwt_audience: str = "authenticated"
    ledger_salt_key_id: str = "1"
    ledger_salts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Every salt by its key id: the active one and those that older events were hashed with."""
    max_upload_bytes: int = MAX_UPLOAD_BYTES
    max_exports_per_org: int = 3
    stuck_timeout_s: float = 300.0
    """An export without a heartbeat for this long is taken back from its worker."""
    heartbeat_interval_s: float = 15.0
    sweep_interval_s: float = 15.0
    poll_interval_s: float = 1.0
    """How often an idle worker looks for work when no notification comes."""
    worker_concurrency: int = 16
    worker_name: str = ""
    drain_grace_s: float = 20.0
    """From SIGTERM on: time to finish or give back what is running."""
    run_worker: bool = False
    failpoints: str = ""
    log_level: str = "INFO"
    db_pool_size: int = 8
    db_timeout_s: float = 10.0
    """No request or worker step waits longer for the database."""

    @classmethod
    def from_environment(
        cls, command: Command = "api", environment: Mapping[str, str] | None = None
    ) -> Settings:
        """The settings that ``command`` needs; raises SettingsError naming all that is wrong."""
        read = _Reader(os.environ if environment is None else environment)
        stuck_timeout_s = read.number("STUCK_TIMEOUT_S", 300.0, least=0.1)
        key_id = read.text("LEDGER_SALT_KEY_ID", "1")
        salts = dict(read.pairs("LEDGER_RETIRED_SALTS"))
        if command != "worker":
            salts[key_id] = read.text("LEDGER_SALT")
        settings = cls(
            database_url=read.text("DATABASE_URL"),
            host=read.text("HOST", "127.0.0.1"),
            port=read.whole("PORT", 0, least=0),
            storage_dir=Path(read.text("STORAGE_DIR", "" if command == "migrate" else None)),
            jwt_secret=read.text("JWT_SECRET", None if command == "api" else ""),
            jwt_audience=read.text("JWT_AUDIENCE", "authenticated"),
            ledger_salt_key_id=key_id,
            ledger_salts=salts,
            max_upload_bytes=read.whole("MAX_UPLOAD_BYTES", MAX_UPLOAD_BYTES, least=1),
            max_exports_per_org=read.whole("MAX_EXPORTS_PER_ORG", 3, least=1),
            stuck_timeout_s=stuck_timeout_s,
            heartbeat_interval_s=read.number(
                "HEARTBEAT_INTERVAL_S", min(15.0, stuck_timeout_s / 5), least=0.01
            ),
            sweep_interval_s=read.number(
                "SWEEP_INTERVAL_S", min(15.0, stuck_timeout_s / 5), least=0.01
            ),
            poll_interval_s=read.number("POLL_INTERVAL_S", 1.0, least=0.01),
            worker_concurrency=read.whole("WORKER_CONCURRENCY", 16, least=1),
            worker_name=read.text("WORKER_NAME", "") or f"{socket.gethostname()}-{os.getpid()}",
            drain_grace_s=read.number("DRAIN_GRACE_S", 20.0, least=0.0),
            run_worker=read.flag("RUN_WORKER"),
            failpoints=read.text("FAILPOINTS", ""),
            log_level=read.choice(
                "LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
            ),
            db_pool_size=read.whole("DB_POOL_SIZE", 8, least=1),
            db_timeout_s=read.number("DB_TIMEOUT_S", 10.0, least=0.1),
        )
        if settings.heartbeat_interval_s > stuck_timeout_s / 2:
            read.problems.append(
                f"HEARTBEAT_INTERVAL_S={settings.heartbeat_interval_s:g}: expected at most half of "
                f"STUCK_TIMEOUT_S={stuck_timeout_s:g}, or living workers would lose their exports"
            )
        if read.problems:
            raise SettingsError("\n".join(read.problems))
        return settings


class _Reader:
    """Reads variables one by one and keeps a line for each that is missing or wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self._environment.get(name, "")
        if not value and default is None:
            self.problems.append(f"{name}: expected a value, but it is not set or empty")
        return value or default or ""

    def whole(self, name: str, default: int, *, least: int) -> int:
        return self._parse(name, default, int, least, f"a whole number of at least {least}")

    def number(self, name: str, default: float, *, least: float) -> float:
        return self._parse(name, default, float, least, f"a number of at least {least:g}")

    def flag(self, name: str) -> bool:
        return self.choice(name, "0", ("0", "1", "false", "true")) in {"1", "true"}

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self._environment.get(name, "") or default
        if value not in allowed:
            self.problems.append(f"{name}={value!r}: expected one of {', '.join(allowed)}")
        return value

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """``key=value;key=value``; the values are secrets and are not repeated in messages."""
        pairs = [item.partition("=") for item in self._environment.get(name, "").split(";") if item]
        if not all(key and value for key, _, value in pairs):
            self.problems.append(f"{name}: expected key=value pairs with ; between them")
        return [(key, value) for key, _, value in pairs]

    def _parse(
        self, name: str, default: T, parse: Callable[[str], T], least: T, expected: str
    ) -> T:
        value = self._environment.get(name, "")
        if not value:
            return default
        try:
            parsed = parse(value)
            if parsed >= least:  # type: ignore[operator]  # int and float only; NaN is refused here too
                return parsed
        except ValueError:
            pass
        self.problems.append(f"{name}={value!r}: expected {expected}")
        return default
