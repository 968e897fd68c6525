"""Waiting until an export is in a state."""

from collections.abc import Awaitable, Callable, Collection

from harness.client.answers.record import Record
from harness.errors import CheckFailed
from harness.findings.log_window import LogWindow, workers_evidence
from harness.vocabulary.exports import TERMINAL_STATES
from harness.waiting import wait_until


async def wait_for_state(
    export_id: str,
    read: Callable[[], Awaitable[Record]],
    states: Collection[str],
    *,
    deadline_s: float,
    poll_s: float,
    logs: Collection[LogWindow] = (),
) -> Record:
    """Poll by `read` until the export is in one of `states`, and give its data.

    Fails the check at the deadline, or at once when it ended in another terminal state; what the
    workers logged meanwhile (`logs`) is its evidence.
    """
    wanted = f"export {export_id} to become {' or '.join(sorted(states))}"
    export = Record()

    async def is_there() -> bool:
        nonlocal export
        export = await read()
        if not isinstance(export["state"], str):  # what a backend sends may be anything
            raise CheckFailed(
                expected="a state of the export, as text",
                got=repr(export["state"]),
                rule="answer.fields",
                subject="state in getExport",
            )
        if export["state"] in TERMINAL_STATES - set(states):
            raise CheckFailed(
                expected=wanted,
                got=f"it became {export['state']} ({export.get('error_code')}: "
                f"{export.get('error_message')}) at attempt {export.get('attempt')}",
                subject="getExport",
                evidence=workers_evidence(logs),
            )
        return export["state"] in states

    def too_late(_: str) -> CheckFailed:
        return CheckFailed(
            expected=f"{wanted} within {deadline_s:g} s",
            got=f"it is still {export['state']} at attempt {export.get('attempt')}, "
            f"progress {export.get('progress')}, claimed by {export.get('claimed_by')}",
            subject="getExport",
            evidence=workers_evidence(logs),
        )

    await wait_until(is_there, deadline_s, wanted, poll_s=poll_s, error=too_late)
    return export
