"""A backend that names nothing but the contract's claim function, and a column of leases."""

import pytest

from harness.explore import Exploration, ExploredDatabase, contract_claim, explore, plan
from harness.postgres.cluster import Cluster
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import Claim

from .conftest import HERE, queue_of

pytestmark = pytest.mark.integration

SQL = (HERE / "queues" / "contract_leases.sql").read_text(encoding="utf-8")


async def explored(cluster: Cluster, sql: str, lease_until: str | None) -> Exploration:
    async with queue_of(cluster, sql) as queue:
        claim = Claim(lease_until=lease_until)
        table = ExportTable(claim=claim, words={}, stuck_timeout_s=2)
        protocol = await contract_claim(queue.dsn, table=table)
        database = await ExploredDatabase.open(queue.dsn, protocol, ["a", "b"])
        try:
            scenarios = plan(
                protocol.kinds(), workers=2, takes_over=protocol.takes_over, brief=True
            )
            return await explore(database, scenarios, seed=1)
        finally:
            assert await database.close() == []


async def test_leases_that_ran_out_are_taken_over(cluster: Cluster) -> None:
    found = await explored(cluster, SQL, "lease_until")
    assert found.findings == {}
    assert found.is_conclusive
    titles = [each.planned.scenario.title for each in found.covered]
    assert "two claims of what has run out" in titles
    without = await explored(cluster, SQL, None)
    assert without.is_conclusive
    assert len(without.covered) < len(found.covered)


async def test_a_takeover_of_what_has_not_run_out(cluster: Cluster) -> None:
    found = await explored(
        cluster, SQL.replace("AND e.lease_until < clock", "AND now() < clock"), "lease_until"
    )
    assert "claimed-twice" in found.findings
