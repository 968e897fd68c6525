"""Whether the requests of users under load were served, from the history that they wrote."""

import re
from collections.abc import Iterable, Sequence

from harness.errors import CheckFailed, Inconclusive, PreconditionNotMet
from harness.history import CRASH, Operation
from load.users.downloads import rule_of
from load.users.expired_token import RAN_OUT
from load.users.gateway import REFUSED
from load.users.redirects import NOT_FOLLOWED

OPERATIONS = ("createJob", "uploadEvidence", "requestExport", "getExport", "downloadExport")
"""What users send; the history calls polling until an export is ready `becomeReady`."""

_OPERATION_OF = {"becomeReady": "getExport"}


def by_operation(history: Iterable[Operation]) -> dict[str, list[Operation]]:
    """Give what users did by operation, also those of which the history tells nothing."""
    found: dict[str, list[Operation]] = {name: [] for name in OPERATIONS}
    for each in history:
        if each.f != CRASH:
            found.setdefault(_OPERATION_OF.get(each.f, each.f), []).append(each)
    return found


def expect_served(operation_id: str, operations: Sequence[Operation]) -> None:
    """Fail unless every such request of every user was answered as the contract says.

    `Inconclusive` where a gateway alone is in the way, a token that ran out, or a redirect that is
    not declared.
    """
    wrong = [each for each in operations if each.error]
    if not wrong:
        return
    unfollowed = [each for each in wrong if (each.error or "").startswith(NOT_FOLLOWED)]
    if len(unfollowed) == len(wrong):
        raise Inconclusive((unfollowed[0].error or "").removeprefix(NOT_FOLLOWED))
    expired = [each for each in wrong if (each.error or "").startswith(RAN_OUT)]
    if len(expired) == len(wrong):
        raise Inconclusive((expired[0].error or "").removeprefix(RAN_OUT))
    refused = [each for each in wrong if (each.error or "").startswith((REFUSED, RAN_OUT))]
    if len(refused) == len(wrong):
        raise Inconclusive(
            f"{len(refused)} requests of users were refused by a gateway or rate limit, the "
            f"first: {refused[0].f}, {refused[0].error}; raise the limit for this run"
        )
    first = next(each for each in wrong if each not in refused)
    failure = CheckFailed(
        expected=f"success of every {operation_id} of many users at once",
        got=f"{first.f} of export {first.job or '(none yet)'} by {first.process}: {first.error}",
        detail=f"{len(wrong)} failed of {len(operations)} lines of history",
        rule=_rule_of(first),
        subject=operation_id,
    )
    never = not any(each.type == "ok" for each in operations)
    if never and operation_id in _NEEDED:
        raise PreconditionNotMet.of(failure, _NEEDED[operation_id])
    raise failure


_NEEDED = {
    "createJob": "job.created",
    "uploadEvidence": "upload.accepted",
    "requestExport": "export.requested",
    "getExport": "export.becomes-ready",
}
"""What users need to go on: where it never succeeds, load is not what is wrong."""


def _rule_of(failed: Operation) -> str:
    error = failed.error or ""
    if failed.f == "becomeReady":
        return "export.becomes-ready"
    if re.match(r"5\d\d: ", error):
        return "answer.no-server-error"
    return rule_of(error)
