"""docs/contract.md holds every sentence that a check quotes, so that a failure can be looked up."""

import re
from pathlib import Path

import pytest

from harness.check import CheckSpec
from tests.harness.reports.test_eighty_columns import SHIPPED

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs/contract.md").read_text(encoding="utf-8").split())

QUOTING = [spec for spec in SHIPPED if 'Contract: "' in spec.description]


def test_checks_quote_it() -> None:
    assert len(QUOTING) >= 10


@pytest.mark.parametrize("spec", QUOTING, ids=lambda spec: spec.id)
def test_what_a_check_quotes_stands_there(spec: CheckSpec) -> None:
    quoted = re.findall(r'"([^"]+)"', spec.description.partition("Contract: ")[2])
    assert quoted
    for piece in (part.strip() for quote in quoted for part in quote.split("…")):
        assert piece in PAGE, f"{spec.id} quotes {piece!r}"


def test_the_readme_leads_there() -> None:
    assert "(docs/contract.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
