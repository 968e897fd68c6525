"""docs/error-codes.md is what the contract's document says of error codes."""

from pathlib import Path

from harness.target.document.api_document import contract_document, words_of
from harness.target.document.document_files import parse_document
from harness.target.document.error_codes import COMMAND, codes_as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "error-codes.md"


def test_the_page_is_current() -> None:
    document = contract_document()
    assert document is not None
    current = codes_as_markdown(words_of(document))
    assert PAGE.read_text(encoding="utf-8") == current, f"write it anew: {COMMAND}"


def test_every_code_of_the_document_is_explained() -> None:
    document = contract_document()
    assert document is not None
    code = parse_document(document)["components"]["schemas"]["Problem"]["properties"]["code"]
    assert set(code["enum"]) == set(code["x-codes"])
