"""Polling one export until it is ready: what each of its answers must be, cell by cell."""

import itertools
from dataclasses import dataclass, field
from functools import partial

from contracts.golden.export_states import expect_export, expect_step
from contracts.golden.fields import EXPORT, expect_field
from contracts.shared.resources.conventions import expect_retry_after
from harness.client import LIVE_STATES, Answer, Organization
from harness.client.client import EXPORT_DEADLINE_S, POLL_INTERVAL_S
from harness.errors import CheckFailed
from harness.expect import expect_status
from harness.findings.exchanges import recall
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.vocabulary.exports import READY, TERMINAL_STATES
from harness.waiting import wait_until

RULE = "export.becomes-ready"
MOST_KEPT = 20
"""Answers that are judged: the first, and each that shows something else, up to this many."""


@dataclass(kw_only=True)
class ExportWatch:
    """Follows an export from its request until it is ready."""

    org: Organization
    requested: Answer
    kept: list[Answer] = field(default_factory=list)
    """The request's answer, and those of getExport that showed something new."""

    async def until_ready(self) -> Answer:
        """Poll until the export is ready, and give that answer."""
        client, export_id = self.org.client, self.requested.data["id"]
        self.kept.append(self.requested)
        last, broken = self.requested, client.transport.broken
        seconds = client.pace.wait_s(EXPORT_DEADLINE_S)
        seconds = broken.wait_s(RULE, seconds) if broken else seconds
        wanted = f"export {export_id} to become ready"

        async def is_ready() -> bool:
            nonlocal last
            last = await client.call("getExport", path={"export_id": export_id})
            expect_status(last, 200)
            if len(self.kept) < MOST_KEPT and last.data != self.kept[-1].data:
                self.kept.append(last)
            state = str(last.data["state"])
            if state != READY and state in TERMINAL_STATES:
                raise CheckFailed(expected=wanted, got=last.describe(), subject="getExport")
            return state == READY

        def not_ready(waited: str) -> CheckFailed:
            got = f"{last.data['state']} at attempt {last.data['attempt']}: {waited}"
            expected = f"{wanted} within {seconds:g} s"
            return CheckFailed(expected=expected, got=got, subject="getExport")

        with precondition(RULE):
            poll_s = client.pace.poll_s(POLL_INTERVAL_S)
            await wait_until(is_ready, seconds, "state ready", poll_s=poll_s, error=not_ready)
        return last

    async def look_at_answers(self, cells: Cells, export_type: str) -> None:
        """Judge what was shown on the way.

        Which states a poll meets differs between runs, so no cell names them.
        """
        right: list[Answer] = []
        for answer in self.kept:
            cell = partial(cells.of, operation=answer.operation_id, type=export_type)
            for name, kind in EXPORT.items():
                async with cell(field=name):
                    recall(answer.exchange)
                    answer.data.needs(name)
                    expect_field(answer.data, name, kind)
            async with cell(what="fields that belong to its state"):
                recall(answer.exchange)
                expect_export(answer.data, self.org)
                right.append(answer)
            if answer.data.get("state") in LIVE_STATES:
                async with cell(header="Retry-After"):
                    recall(answer.exchange)
                    expect_retry_after(answer, "a live export")
        async with cells.of(operation="getExport", type=export_type, what="changes"):
            for before, after in itertools.pairwise(right):
                recall(before.exchange)
                recall(after.exchange)
                expect_step(before.data, after.data)
