"""A target file for the backend with signed addresses."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.target.load import DEFAULT_TARGET
from tests.redirects.backend import LASTS_S

ROOT = Path(__file__).parents[2]

DECLARED = f"""
[contract.redirects]
hosts = ["127.0.0.1"]
expires_s = {LASTS_S}

[contract.operations.getEvidenceContent]
success = [302]

[contract.operations.downloadExport]
success = [302]
"""

Write = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Write the target file, with these lines about redirects."""

    def write(declared: str) -> Path:
        text = DEFAULT_TARGET.read_text(encoding="utf-8")
        for before, after in (
            ('"reference_backend", "api"', '"tests.redirects.backend", "api"'),
            ('driver = "process"', f'driver = "process"\ndirectory = "{ROOT}"'),
            ("[environment]", "[environment]\nREDIRECT_DEFECT = '{env:REDIRECT_DEFECT?}'\n"),
        ):
            assert before in text
            text = text.replace(before, after, 1)
        file = tmp_path / "shakedown.toml"
        file.write_text(text + declared, encoding="utf-8")
        return file

    return write
