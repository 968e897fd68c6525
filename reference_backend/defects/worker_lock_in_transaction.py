"""The worker's name is locked in the database, on a connection that is not in autocommit."""

from psycopg import AsyncConnection

from reference_backend.defects import Defect
from reference_backend.worker.loop import Worker

LOCK = "SELECT pg_try_advisory_lock(hashtext(%s))"


def _patch() -> None:
    clean = Worker.run

    async def run(self: Worker) -> None:
        settings = self._settings
        connection = await AsyncConnection.connect(settings.database_url)
        async with connection:
            await connection.execute(LOCK, [settings.worker_name])
            await clean(self)

    Worker.run = run  # type: ignore[method-assign]


DEFECT = Defect(
    title="A worker locks its name and stays in that transaction for as long as it lives: nothing can be vacuumed",
    source="R9: psycopg begins a transaction with the first statement, whatever it is",
    expected=("chaos.health",),
    patch=_patch,
)
