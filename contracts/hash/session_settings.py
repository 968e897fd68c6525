"""Instances with another time zone and date style, of their process and database session."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.client import Client, together
from harness.errors import CheckFailed, InstanceFailed
from harness.plugin.fixtures import OwnSystem

PROBE_DEADLINE_S = 8.0


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """Settings of a database session."""

    time_zone: str
    date_style: str

    @property
    def name(self) -> str:
        """The settings as a message shows them."""
        return f"TimeZone {self.time_zone}, DateStyle {self.date_style}"

    def all(self) -> Mapping[str, str]:
        """These settings, and others that change how PostgreSQL writes values."""
        return {
            "TimeZone": self.time_zone,
            "DateStyle": self.date_style,
            "IntervalStyle": "iso_8601",
            "extra_float_digits": "-15",
            "bytea_output": "escape",
        }

    def environment(self) -> Mapping[str, str]:
        """The time zone for a process (some drivers pass it to the session) and for libpq."""
        return {"TZ": self.time_zone, "PGTZ": self.time_zone}


async def restart_with(own: OwnSystem, settings: SessionSettings) -> None:
    """Make these settings the database's defaults, and restart every instance."""
    database = own.control_database
    for name, value in settings.all().items():
        await database.fetch(f"ALTER DATABASE {own.system.database.name} SET {name} = '{value}'")
    await together(
        own.system.restart(instance, settings.environment())
        for instance in (*own.system.api, *own.system.workers)
    )


async def works(own: OwnSystem, client: Client) -> bool:  # noqa: ARG001
    """Whether the system can make an export.

    The contract asks for right hashes, not for a driver that reads every DateStyle: a driver
    that refuses one has written no wrong hash.
    """
    try:
        job = await client.create_job()
        export = await client.new_export(job["id"], client.light_type)
        await client.wait_for_export(export["id"], deadline_s=PROBE_DEADLINE_S)
    except CheckFailed:
        return False
    return True


async def restart_with_first_accepted(
    own: OwnSystem, client: Client, choices: tuple[SessionSettings, ...]
) -> SessionSettings:
    """Restart with the first of these settings that the driver accepts, or else the last."""
    *others, safe = choices
    for settings in others:
        try:
            await restart_with(own, settings)
        except InstanceFailed:
            continue
        if await works(own, client):
            return settings
    await restart_with(own, safe)
    return safe
