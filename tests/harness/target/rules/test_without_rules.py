"""`[contract.without]` is held against the contract: every name in it must be meant."""

from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.target import load_target
from harness.target.target import Target
from tests.target_files import write

MINIMAL = """\
name = "mine"
driver = "external"
api = { base_urls = ["http://127.0.0.1:8000"] }
tokens.given = { token = "t" }
"""


def _loaded(folder: Path, contract: str) -> Target:
    return load_target(write(folder, MINIMAL + contract))


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ('headers = ["Locatoin"]', "unknown header 'Locatoin'"),
        ('headers = ["Locatoin"]', "did you mean Location?"),
        ('headers = ["getJbo.Location"]', "did you mean getJob?"),
        ('headers = ["Authorization"]', "cannot be absent"),
        ('export_types = ["legder"]', "did you mean ledger?"),
        ('export_types = ["ledger", "proof-pack"]', "requestExport"),
        ('parameters = ["target_id"]', "operation.member"),
        ('parameters = ["listLedgerEvent.target_id"]', "did you mean listLedgerEvents?"),
        ('parameters = ["listLedgerEvents.target"]', "did you mean target_id?"),
        ('pages = ["listJbos"]', "did you mean listJobs?"),
        ('order = ["getJob"]', "unknown list 'getJob'"),
        ("pages = 3", "pages"),
        ('header = ["Location"]', "did you mean headers?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(
    tmp_path: Path, declared: str, told: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        _loaded(tmp_path, f"[contract.without]\n{declared}\n")
    assert f"shakedown.toml:{len(MINIMAL.splitlines()) + 2}" in str(refused.value)
    assert told in str(refused.value)


def test_a_header_is_either_absent_or_called_otherwise(tmp_path: Path) -> None:
    both = '[contract]\nwithout.headers = ["location"]\nheaders = { Location = "X-Where" }\n'
    with pytest.raises(Misconfigured, match="one or the other"):
        _loaded(tmp_path, both)


def test_a_parameter_is_either_absent_or_sent_elsewhere(tmp_path: Path) -> None:
    sent = '[contract.operations.listLedgerEvents]\nsend = { target_id = "?about" }\n'
    without = '[contract.without]\nparameters = ["listLedgerEvents.target_id"]\n'
    with pytest.raises(Misconfigured, match="one or the other"):
        _loaded(tmp_path, sent + without)


def test_what_is_declared_is_known_by_its_operation(tmp_path: Path) -> None:
    declared = """
[contract.without]
headers = ["Retry-After", "createJob.Location"]
export_types = ["ledger"]
parameters = ["listLedgerEvents.target_id"]
pages = true
order = ["listJobs"]
"""
    without = _loaded(tmp_path, declared).contract.without
    assert without.header("retry-after", "getExport")
    assert without.header("location", "createJob")
    assert not without.header("location", "uploadEvidence")
    assert without.parameter("target_id", "listLedgerEvents")
    assert without.has_no_pages("listExports")
    assert without.has_no_order("listJobs")
    assert not without.has_no_order("listExports")
