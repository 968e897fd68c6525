"""How much of a first target file is right, on backends that speak in words of their own.

The documents are as their framework's generator would write them.
"""

import tomllib
from pathlib import Path

import pytest

from harness.init.catalog import Catalog, read_catalog
from harness.init.checking import readable
from harness.init.draft import Draftsman
from harness.init.fetching import read_file
from harness.init.writing import Surroundings, written
from harness.machine.journal import Journal
from harness.postgres.cluster import Cluster
from harness.postgres.server import SUPERUSER, connect
from harness.postgres.template import OBSERVER, OWNER
from harness.target.document.api_document import contract_document
from harness.target.load import load_target
from tests.harness.init.scoring import Score, score

FOREIGN = Path(__file__).parents[2] / "foreign"


def draft(document: Path, catalog: Catalog | None = None) -> str:
    contract = contract_document()
    assert contract is not None
    made = Draftsman(read_file(contract).document).draft(read_file(document).document, catalog)
    around = Surroundings(name="theirs", sources=[], database=catalog is not None)
    return readable(written(made, around))


def measured(backend: str, catalog: Catalog | None = None) -> Score:
    committed = (FOREIGN / backend / "shakedown.toml").read_text(encoding="utf-8")
    return score(draft(FOREIGN / backend / "openapi.json", catalog), committed)


async def catalog_of(cluster: Cluster, name: str, schema: str, prelude: str = "") -> Catalog:
    """Read the catalog of a schema as `init` does: as a role that reads and changes nothing."""
    await cluster.create_database(name)
    for role, text in ((SUPERUSER, prelude), (OWNER, schema)):
        if text:
            async with connect(cluster.url(name, role)) as connection:
                await connection.execute(text.encode())
    return await read_catalog(cluster.url(name, OBSERVER))


def test_flask_from_its_document_alone() -> None:
    result = measured("flask")
    assert result.wrong == ()
    assert result.share >= 0.8


@pytest.mark.integration
async def test_two_backends_from_their_documents_and_their_databases(journal: Journal) -> None:
    fieldwork = FOREIGN / "fieldwork"
    prelude = (fieldwork / "prelude.sql").read_text(encoding="utf-8")
    migrations = sorted((fieldwork / "migrations").glob("*.sql"))
    schemas = {
        "node": (FOREIGN / "node" / "schema.sql").read_text(encoding="utf-8"),
        "fieldwork": "".join(each.read_text(encoding="utf-8") for each in migrations),
    }
    cluster = await Cluster.start(journal)
    try:
        catalogs = {
            name: await catalog_of(cluster, name, text, prelude if name == "fieldwork" else "")
            for name, text in schemas.items()
        }
    finally:
        await cluster.stop()
    for name, catalog in catalogs.items():
        result = measured(name, catalog)
        assert result.wrong == (), name
        assert result.share >= 0.8, name


def test_a_backend_of_a_hosted_platform_is_described_by_what_sets_it_apart() -> None:
    """Its document is by other hands than the words of the field are."""
    contract = tomllib.loads(draft(FOREIGN / "fieldwork" / "openapi.json"))["contract"]
    operations = contract["operations"]
    assert operations["requestExport"]["path"] == "/rest/v1/work-orders/{job_id}/packages"
    assert operations["listLedgerEvents"]["send"] == {"target_id": "?recordId"}
    assert operations["listExports"]["envelope"] == {"items": "/packages"}
    assert contract["envelope"] == {"data": ""}
    assert contract["constants"] == {"headers": {"apikey": "{env:GATEWAY_APIKEY}"}}
    assert operations["createJob"]["constants"] == {"body": {"source": "web"}}
    assert contract["without"]["pages"] is True
    assert contract["without"]["export_types"] == ["ledger"]
    assert contract["values"]["export"]["state"]["preparing"] == ["generating", "uploading"]
    assert contract["headers"] == {"Idempotency-Key": "Client-Request-Id"}
    assert "export.queue_position" in contract["absent"]


def test_a_draft_can_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_URL", "http://127.0.0.1:3000")
    monkeypatch.setenv("JWT_TOKEN", "a.b.c")
    file = tmp_path / "shakedown.toml"
    for backend in ("flask", "node"):
        file.write_text(draft(FOREIGN / backend / "openapi.json"), encoding="utf-8")
        assert load_target(file).contract.operations["getJob"].path
