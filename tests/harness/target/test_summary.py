from pathlib import Path

from harness.target import load_target
from harness.target.summary import summary
from tests.target_files import write

ROOT = Path(__file__).parents[3]


def said(file: Path | None) -> dict[str, str]:
    return dict(summary(load_target(file)))


def test_a_backend_that_is_started() -> None:
    lines = said(ROOT / "tests/foreign/node/shakedown.toml")
    assert lines["API"].startswith("3 as processes: node api.mjs; ready when GET /health/ready")
    assert lines["worker"].startswith("2 as processes: node worker.mjs; ready when GET")
    assert lines["database"].startswith(
        "the built-in PostgreSQL; migrated by node migrate.mjs; every change of "
    )
    assert lines["tokens"] == "signed by the harness"
    assert "openapi" in lines["absent"]
    assert "operations" in lines["differs"]
    assert "database-control" in lines["offers"]


def test_one_that_runs_elsewhere(tmp_path: Path) -> None:
    text = """\
name = "staging"
driver = "external"
[api]
base_urls = ["https://api.example.org"]
ready_path = "/health"
[tokens.given]
token = "aaaa"
[[allow_inconclusive]]
check = "chaos.*"
reason = "not there"
"""
    lines = said(write(tmp_path, text))
    assert lines["runs already"] == "https://api.example.org"
    assert lines["ready"] == "ready when GET /health answers 2xx within 20 s"
    assert lines["database"] == "none that the harness can see"
    assert lines["tokens"] == "made elsewhere"
    assert lines["differs"] == "in nothing from the contract"
    assert lines["may be inconclusive"] == "chaos.* (not there)"
    assert "aaaa" not in " ".join(lines.values())


def test_every_committed_way_to_tokens_has_words() -> None:
    assert said(ROOT / "tests/foreign/flask/shakedown.toml")["tokens"].startswith("made by calls")
    assert said(None)["database"].startswith("the built-in PostgreSQL; migrated by")
