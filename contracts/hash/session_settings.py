"""Instances that believe to be elsewhere: the zone of process and session, the notation."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.client import Client, together
from harness.errors import CheckFailed, InstanceFailed
from harness.plugin.fixtures import OwnSystem

PROBE_DEADLINE_S = 8.0


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """What a session of the database is set to."""

    time_zone: str
    date_style: str

    @property
    def name(self) -> str:
        """How a message speaks of it."""
        return f"TimeZone {self.time_zone}, DateStyle {self.date_style}"

    def all(self) -> Mapping[str, str]:
        """These, and others that change how PostgreSQL writes values."""
        return {
            "TimeZone": self.time_zone,
            "DateStyle": self.date_style,
            "IntervalStyle": "iso_8601",
            "extra_float_digits": "-15",
            "bytea_output": "escape",
        }

    def environment(self) -> Mapping[str, str]:
        """For a process: its own zone, which some drivers hand on to the session, and libpq's."""
        return {"TZ": self.time_zone, "PGTZ": self.time_zone}


async def restart_with(own: OwnSystem, settings: SessionSettings) -> None:
    """Make these the database's defaults, and let every instance begin anew under them."""
    database = own.control_database
    for name, value in settings.all().items():
        await database.fetch(f"ALTER DATABASE {own.system.database.name} SET {name} = '{value}'")
    await together(
        own.system.restart(instance, settings.environment())
        for instance in (*own.system.api, *own.system.workers)
    )


async def works(own: OwnSystem, client: Client) -> bool:  # noqa: ARG001
    """Say whether the system does anything at all.

    The contract asks for right hashes, not for a driver that reads every DateStyle: one that
    refuses to has written nothing wrong.
    """
    try:
        job = await client.create_job()
        export = await client.new_export(job["id"], "ledger")
        await client.wait_for_export(export["id"], deadline_s=PROBE_DEADLINE_S)
    except CheckFailed:
        return False
    return True


async def restart_with_first_accepted(
    own: OwnSystem, client: Client, choices: tuple[SessionSettings, ...]
) -> SessionSettings:
    """Restart under the first of these settings that the driver bears, at worst the last."""
    *daring, safe = choices
    for settings in daring:
        try:
            await restart_with(own, settings)
        except InstanceFailed:
            continue
        if await works(own, client):
            return settings
    await restart_with(own, safe)
    return safe
