"""What the files in an export's ZIP are called."""

from harness.doctor.package import of_package
from harness.target.contract.dialect import Archive, Contract


def test_nothing_is_told_where_both_are_there() -> None:
    assert of_package(["a.png", "manifest.json", "ledger.json"], Contract()) is None
    contract = Contract(archive=Archive(ledger="activity.json"))
    assert of_package(["manifest.json", "activity.json"], contract) is None


def test_a_file_is_found_by_its_word() -> None:
    told = of_package(["manifest.json", "activity.json", "report.json"], Contract())
    assert told is not None
    assert told.lines == ("[contract.archive]", 'ledger = "activity.json"')


def test_the_only_one_that_is_left_is_it() -> None:
    told = of_package(["manifest.json", "chain.json", "a.png"], Contract())
    assert told is not None
    assert told.lines[1] == 'ledger = "chain.json"'


def test_what_cannot_be_found_is_left_to_the_team() -> None:
    told = of_package(["a.png"], Contract())
    assert told is not None
    assert told.lines == ("[contract.archive]", 'manifest = "…"', 'ledger = "…"')
