"""The settings of one process, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

Command = Literal["migrate", "api", "worker"]

MAX_UPLOAD_BYTES = 50 * 1024 * 1024
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_BOOLEANS = {"0": False, "false": False, "1": True, "true": True}


class SettingsError(Exception):
    """The environment is wrong; the message has one line for each wrong variable."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one process. Durations are seconds.

    Each field is read from the environment variable of its name in upper case. Only
    ``ledger_salts`` is put together from LEDGER_SALT and LEDGER_RETIRED_SALTS.
    """

    database_url: str = field(repr=False, metadata={"needed_by": ("migrate", "api", "worker")})
    host: str = "127.0.0.1"
    port: int = field(default=0, metadata={"minimum": 0})
    """0: a worker serves no metrics, an API takes any free port."""
    storage_dir: Path = field(default=Path("storage"), metadata={"needed_by": ("api", "worker")})
    jwt_secret: str = field(default="", repr=False, metadata={"needed_by": ("api",)})
    jwt_audience: str = "authenticated"
    ledger_salt_key_id: str = "1"
    ledger_salts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Every salt by its key id: the active one and those that older events were hashed with."""
    max_upload_bytes: int = field(default=MAX_UPLOAD_BYTES, metadata={"minimum": 1})
    max_exports_per_org: int = field(default=3, metadata={"minimum": 1})
    stuck_timeout_s: float = field(default=300.0, metadata={"minimum": 0.1})
    """Recovery takes back an export without a heartbeat for this long."""
    heartbeat_interval_s: float = field(default=15.0, metadata={"minimum": 0.01})
    sweep_interval_s: float = field(default=15.0, metadata={"minimum": 0.01})
    """Every worker runs the recovery at this interval."""
    poll_interval_s: float = field(default=1.0, metadata={"minimum": 0.01})
    """How often an idle worker looks for work when there is no notification."""
    tidy_s: float = field(default=120.0, metadata={"minimum": 0.3})
    """What a killed process left in the storage is removed within this time."""
    worker_concurrency: int = field(default=16, metadata={"minimum": 1})
    worker_name: str = ""
    drain_grace_s: float = field(default=20.0, metadata={"minimum": 0.0})
    """After SIGTERM: time to finish or release what is running."""
    run_worker: bool = False
    failpoints: str = ""
    log_level: str = field(default="INFO", metadata={"choices": _LOG_LEVELS})
    db_pool_size: int = field(default=8, metadata={"minimum": 1})
    db_timeout_s: float = field(default=10.0, metadata={"minimum": 0.1})
    """No request or worker step waits longer for the database."""

    @classmethod
    def from_environment(
        cls, command: Command = "api", environment: Mapping[str, str] | None = None
    ) -> Settings:
        """The settings for ``command``; raises SettingsError, which names all that is wrong."""
        variables = os.environ if environment is None else environment
        problems: list[str] = []
        values: dict[str, Any] = {"database_url": ""}
        for setting in fields(cls):
            name = setting.name.upper()
            text = variables.get(name, "") if setting.name != "ledger_salts" else ""
            if text:
                try:
                    values[setting.name] = _parse(setting, text)
                except ValueError as error:
                    problems.append(f"{name}={text!r}: expected {error}")
            elif command in setting.metadata.get("needed_by", ()):
                problems.append(_missing(name))
        if command != "worker" and not variables.get("LEDGER_SALT"):
            problems.append(_missing("LEDGER_SALT"))
        try:
            values["ledger_salts"] = _salts(variables)
        except ValueError as error:
            problems.append(str(error))
        stuck_timeout_s = values.get("stuck_timeout_s", cls.stuck_timeout_s)
        for interval in ("heartbeat_interval_s", "sweep_interval_s"):
            values.setdefault(interval, min(15.0, stuck_timeout_s / 5))
        if values["heartbeat_interval_s"] > stuck_timeout_s / 2:
            problems.append(
                f"HEARTBEAT_INTERVAL_S={values['heartbeat_interval_s']:g}: expected at most half of"
                f" STUCK_TIMEOUT_S={stuck_timeout_s:g}, or living workers would lose their exports"
            )
        if problems:
            raise SettingsError("\n".join(problems))
        values.setdefault("worker_name", f"{socket.gethostname()}-{os.getpid()}")
        return cls(**values)


def _parse(setting: Field[Any], text: str) -> object:
    """The value of a variable; raises ValueError with what was expected."""
    minimum, choices = setting.metadata.get("minimum"), setting.metadata.get("choices")
    if isinstance(setting.default, bool):
        choices = tuple(_BOOLEANS)
    if choices:
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return _BOOLEANS.get(text, text)
    if minimum is None:
        return Path(text) if isinstance(setting.default, Path) else text
    whole = isinstance(setting.default, int)
    try:
        value = int(text) if whole else float(text)
        if value >= minimum:  # NaN is refused here too
            return value
    except ValueError:
        pass
    raise ValueError(f"a {'whole number' if whole else 'number'} of at least {minimum:g}")


def _salts(variables: Mapping[str, str]) -> dict[str, str]:
    """The salts by key id. Retired ones are given as ``key=value;key=value``."""
    retired = variables.get("LEDGER_RETIRED_SALTS", "").split(";")
    pairs = [item.partition("=") for item in retired if item]
    if not all(key and value for key, _, value in pairs):  # the values are secrets: not repeated
        raise ValueError("LEDGER_RETIRED_SALTS: expected key=value pairs separated by ;")
    salts = {key: value for key, _, value in pairs}
    if active := variables.get("LEDGER_SALT"):
        salts[variables.get("LEDGER_SALT_KEY_ID") or Settings.ledger_salt_key_id] = active
    return salts


def _missing(name: str) -> str:
    return f"{name}: expected a value, but it is not set or empty"
