"""The download handler reads the token and does not verify it."""

import jwt
from aiohttp import web

from reference_backend.api import auth, middleware
from reference_backend.api.context import services
from reference_backend.api.routes import Access
from reference_backend.defects import Defect


def _patch() -> None:
    clean = middleware._admitted  # noqa: SLF001

    def admitted(request: web.Request, access: Access) -> auth.Principal:
        if not request.path.endswith("/download"):
            return clean(request, access)
        settings = services(request).settings
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return clean(request, access)
        signed_again = jwt.encode(claims, settings.jwt_secret, algorithm="HS256")
        return auth.authenticate(
            [f"Bearer {signed_again}"], secret=settings.jwt_secret, audience=settings.jwt_audience
        )

    middleware._admitted = admitted  # noqa: SLF001


DEFECT = Defect(
    title="The download route accepts tokens with any signature",
    source="L9: one route forgotten",
    expected=("tenancy.matrix", "tenancy.tokens"),
    patch=_patch,
)
