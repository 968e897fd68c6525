"""The organization's ledger: listed, shown, verified.

Answers contain events as the JSON text of the ledger module, so that the digits of every number in
`metadata` arrive as they were hashed: a client can recompute the hash from them.
"""

import json
from dataclasses import asdict

from aiohttp import web

from reference_backend.api import pagination, problems
from reference_backend.api.context import Services, services, transaction
from reference_backend.api.identifiers import parse_id
from reference_backend.api.resources import absent, requested_id
from reference_backend.database import Connection, fetch_all, service_transaction
from reference_backend.ledger import verify
from reference_backend.ledger.event import LedgerEvent


async def list_ledger_events(request: web.Request) -> web.Response:
    """GET /api/ledger/events?target_id=."""
    page = pagination.parse_page(request.query)
    query, parameters = "api/list_ledger_events", page.parameters
    if "target_id" in request.query:
        target_id = parse_id(request.query["target_id"])
        if target_id is None:
            raise problems.invalid("target_id", "must be an id")
        query, parameters = f"{query}_of_target", {**parameters, "target_id": target_id}
    async with transaction(request) as connection:
        rows = await fetch_all(connection, query, **parameters)
    shown, next_cursor = pagination.cut(rows, page, pagination.by_ledger_seq)
    events = ", ".join(LedgerEvent(**row).as_json() for row in shown)
    return _json(f'{{"data": [{events}], "next_cursor": {json.dumps(next_cursor)}}}')


async def get_ledger_event(request: web.Request) -> web.Response:
    """GET /api/ledger/events/{event_id}."""
    async with transaction(request) as connection:
        event = await _requested(request, connection)
    return _json(f'{{"data": {event.as_json()}}}')


async def verify_ledger_event(request: web.Request) -> web.Response:
    """GET /api/ledger/events/{event_id}/verify: recomputed here, not in the database."""
    shared = services(request)
    async with transaction(request) as connection:
        event = await _requested(request, connection)
        found = await verify.verify_event(connection, event, shared.settings.ledger_salts)
    if not found.chain_ok:
        await count_broken_chain(shared)
    return web.json_response({"data": asdict(found)})


async def count_broken_chain(shared: Services) -> None:
    """Count a verification that found the ledger broken."""
    async with service_transaction(shared.pool) as connection:
        await fetch_all(connection, "count", name="ledger_hash_mismatch_total", amount=1)


async def _requested(request: web.Request, connection: Connection) -> LedgerEvent:
    event = await verify.read_event(connection, requested_id(request, "event"))
    if event is None:
        raise absent("event")
    return event


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")
