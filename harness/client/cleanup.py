"""Removing what a run made on a system that others use too, as far as its API allows."""

from collections.abc import Mapping

from harness.client.http.transport import Transport
from harness.client.routes import Route, Routes
from harness.client.run_mark import Created, RunMark
from harness.errors import CheckFailed, Inconclusive
from harness.target.tables.chaos import CleanupCall, Removable
from harness.target.values.template import fill
from harness.vocabulary.paths import ORGANIZATION, ORGANIZATION_PARAMETER

_DEADLINE_S = 10.0
_GONE = frozenset({404, 410})
_ORDER: Mapping[Removable, int] = {"export": 0, "evidence": 1, "job": 2, "organization": 3}


async def clean_up(
    mark: RunMark, transport: Transport, routes: Routes, calls: Mapping[Removable, CleanupCall]
) -> None:
    """Cancel the live exports of a run, and remove what the target has calls for.

    Touches only what this run made, with the token that made it. The mark records what became
    of each. Never raises for what the backend does.
    """
    made, mark.created = mark.created, []
    for one in sorted(made, key=lambda each: _ORDER[each.kind]):
        try:
            how, why = await _remove(one, transport, routes, calls)
        except CheckFailed as failure:
            how, why = "", failure.got
        except (
            Inconclusive
        ) as unknown:  # a gateway that lets nothing through, or a token that ran out
            how, why = "", unknown.reason
        if how:
            mark.removed(one, how)
        else:
            mark.left(one, why)


async def _remove(
    one: Created, transport: Transport, routes: Routes, calls: Mapping[Removable, CleanupCall]
) -> tuple[str, str]:
    """Give how it was removed, or nothing and why it was not."""
    why = f"the target file has no [cleanup] {one.kind}"
    if one.kind == "export":
        why = f"{await _cancel(one, transport, routes)}; {why}"
    call = calls.get(one.kind)
    if call is None:
        return "", why
    values = {"job_id": one.job_id, f"{one.kind}_id": one.id, ORGANIZATION_PARAMETER: ORGANIZATION}
    route = Route(
        operation_id=f"cleanup of {one.kind}",
        method=call.method,
        template=call.path,
        by_target=True,
    )
    status = await _send(one, transport, route, fill(call.path, values))
    if 200 <= status < 300 or status in _GONE:
        return f"{call.method} answered {status}", ""
    return "", f"{call.method} answered {status}"


async def _cancel(one: Created, transport: Transport, routes: Routes) -> str:
    if "cancelExport" not in routes:
        return "the target declares cancelExport absent"
    route = routes["cancelExport"]
    status = await _send(one, transport, route, route.path({"export_id": one.id}))
    if status == 409:
        return "it had ended"
    return "canceled" if 200 <= status < 300 else f"cancelExport answered {status}"


async def _send(one: Created, transport: Transport, route: Route, path: str) -> int:
    answer = await transport.send(
        route, path, instance=None, deadline_s=_DEADLINE_S, headers=one.headers
    )
    return answer.status
