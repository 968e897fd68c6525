"""A browser cannot send a header with a link, so downloads accept the token in the URL."""

from aiohttp import web

from reference_backend.api import auth, middleware
from reference_backend.api.context import services
from reference_backend.api.routes import Access
from reference_backend.defects import Defect


def _patch() -> None:
    clean = middleware._admitted  # noqa: SLF001

    def admitted(request: web.Request, access: Access) -> auth.Principal:
        linked = request.query.get("token")
        if linked and request.path.endswith("/download") and "Authorization" not in request.headers:
            settings = services(request).settings
            return auth.authenticate(
                [f"Bearer {linked}"], secret=settings.jwt_secret, audience=settings.jwt_audience
            )
        return clean(request, access)

    middleware._admitted = admitted  # noqa: SLF001


DEFECT = Defect(
    title="Downloads accept the token in the query, where logs, histories and referrers keep it",
    source="L9 family: RFC 6750, section 2.3",
    expected=("tenancy.tokens", "tenancy.signed-addresses"),
    patch=_patch,
)
