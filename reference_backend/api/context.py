"""What a handler gets with its request: services, principal, transaction, request id."""

import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import web

from reference_backend.api.auth import Principal
from reference_backend.api.keys_in_flight import KeysInFlight
from reference_backend.api.requests_in_flight import RequestsInFlight
from reference_backend.database import Connection, Pool, tenant_transaction
from reference_backend.settings import Settings
from reference_backend.storage.directory import Storage

_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass(frozen=True, kw_only=True)
class Services:
    """What all requests of one process share."""

    settings: Settings
    pool: Pool
    storage: Storage
    keys_in_flight: KeysInFlight
    requests: RequestsInFlight


SERVICES = web.AppKey("services", Services)
PRINCIPAL = web.RequestKey("principal", Principal)
REQUEST_ID = web.RequestKey("request_id", str)


def services(request: web.Request) -> Services:
    """The services of the application that serves this request."""
    return request.config_dict[SERVICES]


def transaction(request: web.Request) -> AbstractAsyncContextManager[Connection]:
    """A transaction with the claims of the request's principal. Raises DatabaseUnavailable."""
    return tenant_transaction(services(request).pool, request[PRINCIPAL].claims)


def request_id_for(sent: str | None) -> str:
    """The client's own request id if it is valid, else a new one."""
    if sent is not None and _VALID_REQUEST_ID.fullmatch(sent):
        return sent
    return str(uuid4())
