"""Where work cannot be made slow, a drill says which line of the target file would help."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.drills.slow_work import slow_work
from chaos.drills.worker_drill import WorkerDrill
from harness.errors import Inconclusive
from harness.target import Capability


def drill_on(tables: set[str], work_table: str | None) -> WorkerDrill:
    """A drill on a database with these tables, whose target declares one that work reads."""

    async def fetch_one(_: str, parameters: list[str]) -> dict[str, Any]:
        return {"found": 1 if parameters[0] in tables else None}

    return cast(
        "WorkerDrill",
        SimpleNamespace(
            failpoints=None,
            offered={Capability.DATABASE_CONTROL},
            target=SimpleNamespace(
                worker=SimpleNamespace(work_table=work_table),
                tenant_tables={"evidence": "evidence"},
            ),
            own=SimpleNamespace(control_database=SimpleNamespace(fetch_one=fetch_one)),
        ),
    )


async def test_a_table_that_is_not_there_is_named_with_the_line_to_write() -> None:
    with pytest.raises(Inconclusive, match=r"no table 'documnets'.*\[worker\] work_table"):
        async with slow_work(drill_on({"documents"}, "documnets")):
            pass


async def test_the_declared_table_goes_before_that_of_evidence() -> None:
    async with slow_work(drill_on({"documents", "evidence"}, "documents")) as slow:
        assert slow.table == "documents"
    async with slow_work(drill_on({"evidence"}, None)) as slow:
        assert slow.table == "evidence"
