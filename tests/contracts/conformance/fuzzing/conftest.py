from pathlib import Path

import pytest

from contracts.conformance.fuzzing.document import Document, read_document

DOCUMENT = Path("contracts/openapi.yaml")


@pytest.fixture(scope="session")
def document() -> Document:
    return Document(read_document(DOCUMENT))
