from pathlib import Path

import pytest

from harness.client.routes import Routes, load_routes
from harness.errors import Misconfigured

DOCUMENT = {
    "openapi": "3.1.0",
    "security": [{"bearer": []}],
    "paths": {
        "/api/jobs/{job_id}/export/{export_type}": {
            "parameters": [],
            "post": {"operationId": "requestExport"},
        },
        "/livez": {"get": {"operationId": "live", "security": []}},
        "/internal": {"get": {"summary": "has no operationId"}},
    },
}


def test_operations_are_found_by_their_id() -> None:
    routes = Routes.from_document(DOCUMENT)
    assert list(routes) == ["requestExport", "live"]
    route = routes["requestExport"]
    assert (route.method, route.parameters) == ("POST", ("job_id", "export_type"))
    assert (route.secured, routes["live"].secured) == (True, False)


def test_an_id_never_becomes_another_path() -> None:
    route = Routes.from_document(DOCUMENT)["requestExport"]
    path = route.path({"job_id": "../../admin?x=1#é", "export_type": "proof-pack"})
    assert path == "/api/jobs/..%2F..%2Fadmin%3Fx%3D1%23%C3%A9/export/proof-pack"


def test_a_missing_parameter_is_our_mistake_and_is_named() -> None:
    with pytest.raises(Misconfigured, match="export_type"):
        Routes.from_document(DOCUMENT)["requestExport"].path({"job_id": "1"})


def test_an_unknown_operation_says_what_there_is() -> None:
    with pytest.raises(Misconfigured, match=r"'listJobs'.*requestExport, live"):
        Routes.from_document(DOCUMENT)["listJobs"]


def test_a_dialect_changes_method_or_path() -> None:
    routes = Routes.from_document(DOCUMENT).overridden(
        {"live": (None, "/health"), "ping": ("get", "/ping")}
    )
    assert (routes["live"].method, routes["live"].template) == ("GET", "/health")
    assert routes["live"].secured is False
    assert routes["ping"].method == "GET"
    with pytest.raises(Misconfigured, match="both method and path"):
        routes.overridden({"unheard": ("GET", None)})


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not YAML"), ("[]", "not an OpenAPI"), ("paths: {}", "not an OpenAPI")],
)
def test_a_bad_document_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=said):
        load_routes(path)
    with pytest.raises(Misconfigured, match="cannot read"):
        load_routes(tmp_path / "absent.yaml")


def test_the_contracts_document_has_every_route_of_the_contract() -> None:
    routes = load_routes(Path(__file__).parents[3] / "contracts" / "openapi.yaml")
    assert set(routes) == {
        "createJob", "listJobs", "getJob", "uploadEvidence", "listEvidence", "getEvidence",
        "getEvidenceContent", "requestExport", "listExports", "getExport", "cancelExport",
        "retryExport", "downloadExport", "getManifest", "verifyManifest", "listLedgerEvents",
        "getLedgerEvent", "verifyLedgerEvent", "live", "ready", "health", "metrics", "openapi",
    }  # fmt: skip
    open_to_all = {name for name, route in routes.items() if not route.secured}
    assert open_to_all == {"live", "ready", "health", "metrics", "openapi"}
