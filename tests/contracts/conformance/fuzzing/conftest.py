from pathlib import Path

import pytest

from contracts.conformance.fuzzing.document import Document
from contracts.shared.tenants.document import load_document
from harness.target.contract.dialect import Contract

DOCUMENT = Path("contracts/openapi.yaml")


@pytest.fixture(scope="session")
def document() -> Document:
    return Document(load_document(Contract(openapi=str(DOCUMENT))))
