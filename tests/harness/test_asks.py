"""What a check asks for is noted: outside its cells it needs it, inside some of them do."""

import asyncio
from pathlib import Path

from harness.asks import Asked, ask, leave_out, noting_asks
from harness.plugin.cells import Cells


def test_what_is_asked_outside_cells_is_needed_as_a_whole() -> None:
    asked = Asked()
    cells = Cells(check_id="own.check", check_path=Path(__file__))

    async def check() -> None:
        ask("createJob")
        async with cells.of(what="export"):
            ask("requestExport")
            ask("createJob")
            leave_out("header Location")

    with noting_asks(asked):
        asyncio.run(check())
    ask("nobody listens")
    assert asked.frozen().whole == ("createJob",)
    assert asked.frozen().part == ("header Location", "requestExport")
    assert asked.frozen().left_out == (("header Location", 1),)
