"""Cancel and retry were added later, without the check for viewers."""

from dataclasses import replace

from reference_backend.api import application, routes
from reference_backend.defects import Defect


def _patch() -> None:
    clean = routes.all_routes

    def all_routes() -> tuple[routes.Route, ...]:
        return tuple(
            replace(route, access=routes.READERS)
            if route.operation_id in {"cancelExport", "retryExport"}
            else route
            for route in clean()
        )

    application.all_routes = all_routes  # type: ignore[attr-defined]


DEFECT = Defect(
    title="A viewer may cancel and retry the organization's exports",
    source="known: the role check is a decorator, and two routes lack it",
    expected=("tenancy.viewer", "tenancy.matrix"),
    patch=_patch,
)
