"""The database of a system: migrated once into a template, cloned for every system."""

from psycopg import sql

from harness.errors import Misconfigured
from harness.instances.plan import Plan
from harness.machine.logs import tail
from harness.postgres.database_server import DatabaseServer
from harness.postgres.prelude import run_prelude
from harness.postgres.server import Connection, connect
from harness.redaction.redactor import Redactor
from harness.system.claim_function import expect_claim_function
from harness.system.instrument import install_instrument
from harness.system.migrate_hints import migrate_hints
from harness.waiting import wait_until

_POLL_S = 0.005
_QUIET_DEADLINE_S = 10.0
_TRACE_LINES = 400


async def migrate(plan: Plan) -> None:
    """Run the target's migrate command to its end.

    Raises `Misconfigured` with its last lines when it fails or takes too long.
    """
    wanted = plan.target.database.migrate
    if wanted is None:
        return
    if problem := await plan.driver.migrate(plan, wanted):
        log = plan.log_path("migrate")
        # A driver may print a long trace after the error itself.
        hints = migrate_hints(tail(log, lines=_TRACE_LINES), plan.target.database)
        message = f"the migrate command {problem}; its last log lines:\n{tail(log)}{hints}"
        raise Misconfigured(Redactor(plan.secrets)(message))


async def make_template(server: DatabaseServer, plan: Plan) -> None:
    """Prepare and migrate the server's empty database, put the instrument in, and close it.

    `plan.database` says how it will be called. No connection can be made to it any more.
    """
    name = plan.database.name
    assert name is not None
    await server.rename_blank(name)
    await run_prelude(server, name, plan.target.database)
    await migrate(plan)
    async with connect(server.url(name)) as connection:
        await expect_claim_function(connection, plan.target)
        if plan.target.database.instrument:
            await install_instrument(connection, plan.target)
    async with connect(server.url("postgres")) as connection:
        await connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        )
        await _wait_until_quiet(connection, name)


async def _wait_until_quiet(connection: Connection, name: str) -> None:
    """Wait until no client is connected: CREATE DATABASE itself looks only every 0.1 s."""
    connected = ""

    async def is_quiet() -> bool:
        nonlocal connected
        found = await connection.execute(
            "SELECT application_name || ' (' || query || ')' FROM pg_stat_activity"
            " WHERE datname = %s AND backend_type = 'client backend'",
            [name],
        )
        connected = ", ".join([str(who) for (who,) in await found.fetchall()])
        return not connected

    def problem(_: str) -> Misconfigured:
        return Misconfigured(
            f"database.migrate.command: {connected} is still connected to the database "
            f"{_QUIET_DEADLINE_S:g} s after the command has ended; it must leave nothing running"
        )

    await wait_until(is_quiet, _QUIET_DEADLINE_S, "no connection", poll_s=_POLL_S, error=problem)
