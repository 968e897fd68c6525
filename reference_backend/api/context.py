"""What a handler finds on its request: the services of this process, who asks, and the id."""

import re
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import web

from reference_backend.api.auth import Principal
from reference_backend.api.keys_in_flight import KeysInFlight
from reference_backend.api.requests_in_flight import RequestsInFlight
from reference_backend.database import Pool
from reference_backend.settings import Settings
from reference_backend.storage.interface import Storage

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


def request_id_for(sent: str | None) -> str:
    """The client's own request id where it is sane, else a new one."""
    if sent is not None and _VALID_REQUEST_ID.fullmatch(sent):
        return sent
    return str(uuid4())
