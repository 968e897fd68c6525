"""What all tests share: none of them sees the environment of the person who runs it."""

import pytest

_OURS = (
    *("BACKEND_URL", "JWT_TOKEN", "JOB_ID", "JWT_ORG_A", "JWT_ORG_B", "JOB_ID_ORG_A"),
    *("JOB_ID_ORG_B", "DATABASE_URL", "REFERENCE_BACKEND_DEFECT", "FAILPOINTS"),
    *("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"),
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _OURS:
        monkeypatch.delenv(name, raising=False)
