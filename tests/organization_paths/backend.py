"""The reference backend with the organization in its paths: a process of the tests.

`/api/jobs` is at `/api/organizations/{organization}/jobs`, and so is all else that needs a token.
`PATH_DEFECT` names a bug of it.
"""

import os
import sys
from dataclasses import replace
from functools import partial

from aiohttp import web

from reference_backend import __main__ as reference
from reference_backend.api import application
from reference_backend.api.context import PRINCIPAL
from reference_backend.api.identifiers import parse_id
from reference_backend.api.problems import Problem
from reference_backend.api.routes import Access, Route, all_routes

BELOW = "/api/"
_ON = os.environ.get("PATH_DEFECT", "")

DEFECTS = {
    "path-trusted-by-reads": "who reads in another organization's path is taken for its member",
    "told-apart": "an organization that exists is refused in another way than one that does not",
}
"""What it can have wrong."""

_seen: set[str] = set()
"""The organizations that have asked."""


def in_organization(route: Route) -> Route:
    """The route below the path of its organization, where it needs a token."""
    if route.access is Access.PUBLIC:
        return route
    path = route.path.replace(BELOW, f"{BELOW}organizations/{{organization}}/", 1)
    return replace(route, path=path, handler=partial(answered, route))


async def answered(route: Route, request: web.Request) -> web.StreamResponse:
    """Answer whoever asks in the own organization, and nobody else."""
    named, user = request.match_info["organization"], request[PRINCIPAL]
    organization = parse_id(named)
    if organization != user.organization_id:
        is_trusted = _ON == "path-trusted-by-reads" and route.method == "GET"
        if organization is None or not is_trusted:
            is_known = _ON == "told-apart" and named in _seen
            code = "forbidden" if is_known else "not_found"
            raise Problem(code, "There is no such organization.")
        request[PRINCIPAL] = replace(user, organization_id=organization)
    _seen.add(named)
    answer = await route.handler(request)
    if "Location" in answer.headers:
        location = answer.headers["Location"]
        answer.headers["Location"] = location.replace(BELOW, f"{BELOW}organizations/{named}/", 1)
    return answer


if __name__ == "__main__":
    routes = tuple(in_organization(route) for route in all_routes())
    vars(application)["all_routes"] = lambda: routes
    sys.exit(reference.main(sys.argv[1:]))
