"""Which operations a scenario can come to by the links of its document."""

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.expectations import _reached
from contracts.shared.tenants.present_document import present_document
from harness.target.contract.dialect import Contract


def test_all_of_the_contract_is_reached(document: Document) -> None:
    assert _reached(document) == set(document.operations)


def test_what_only_an_absent_field_leads_to_is_not(document: Document) -> None:
    contract = Contract(absent=("evidence.ledger_event_id",))
    left = Document(present_document(document.raw, contract))
    assert set(left.operations) - _reached(left) == {"getLedgerEvent", "verifyLedgerEvent"}
