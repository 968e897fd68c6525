"""The reference backend by somebody who logs and answers everything: a process of the tests."""

import os
import sys
from base64 import b64encode
from urllib.parse import quote

from aiohttp import web

from reference_backend import __main__ as reference
from reference_backend.api import middleware
from reference_backend.api.auth import Principal
from reference_backend.api.problems import Problem
from reference_backend.api.routes import Access


def chatter(request: web.Request) -> str:
    """What a debugging page tells: the request's headers in several codings, the settings."""
    told = request.headers.get("Authorization", "")
    encoded = b64encode(f"header={told}".encode()).decode()
    known = {
        name: os.environ.get(name, "") for name in ("JWT_SECRET", "LEDGER_SALT", "MARKED_SECRET")
    }
    return f"{told} {quote(told)} {encoded} {known!r} {os.environ.get('DATABASE_URL')}"


def talk() -> None:
    """Put it into every error, and fail where a client asks for a manifest."""
    clean, admitted = middleware._problem_of, middleware._admitted

    def problem_of(error: Exception, request: web.Request) -> Problem:
        problem = clean(error, request)
        problem.detail = f"{problem.detail} {chatter(request)}"
        return problem

    def admit(request: web.Request, access: Access) -> Principal:
        sys.stderr.write(f"{request.method} {request.path} {chatter(request)}\n")
        if request.path.endswith("/manifest"):
            raise RuntimeError(f"no manifest for {chatter(request)}")
        return admitted(request, access)

    middleware._problem_of = problem_of
    middleware._admitted = admit


if __name__ == "__main__":
    sys.stderr.write(f"settings: {dict(os.environ)!r}\n")
    sys.stderr.flush()
    talk()
    sys.exit(reference.main(sys.argv[1:]))
