"""`shakedown init` on the command line."""

from pathlib import Path

import pytest

from harness.cli.init import init
from harness.errors import Misconfigured

DOCUMENT = Path(__file__).parents[2] / "foreign" / "flask" / "openapi.json"


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable names a backend or a database, and the folder is empty."""
    for name in ("BACKEND_URL", "SHAKEDOWN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> object:
    return init.main(list(words), standalone_mode=False)


def test_it_writes_the_file_and_says_what_comes_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--openapi", str(DOCUMENT)) == 0
    shown = capsys.readouterr().out
    assert "wrote shakedown.toml" in shown
    assert "lines are sure" in shown
    assert "shakedown doctor --target shakedown.toml" in shown
    assert 'path = "/projects/{job_id}/files"' in Path("shakedown.toml").read_text()


def test_a_file_that_is_there_is_overwritten_only_by_force() -> None:
    Path("mine.toml").write_text("mine")
    with pytest.raises(Misconfigured, match="the file exists"):
        run("--openapi", str(DOCUMENT), "--out", "mine.toml")
    assert Path("mine.toml").read_text() == "mine"
    assert run("--openapi", str(DOCUMENT), "--out", "mine.toml", "--force") == 0
    assert "[contract]" in Path("mine.toml").read_text()


def test_with_nothing_to_look_at_it_says_what_to_name() -> None:
    with pytest.raises(Misconfigured, match="name at least one of --openapi"):
        run()
    assert not Path("shakedown.toml").exists()


def test_a_document_that_is_none_writes_nothing() -> None:
    Path("x.json").write_text("{}")
    with pytest.raises(Misconfigured, match="not an OpenAPI document"):
        run("--openapi", "x.json")
    assert not Path("shakedown.toml").exists()


def test_a_folder_that_cannot_be_written_to_is_said_by_name() -> None:
    with pytest.raises(Misconfigured, match="cannot be written"):
        run("--openapi", str(DOCUMENT), "--out", "nowhere/shakedown.toml")


def test_a_project_gives_the_document_and_names_of_secrets() -> None:
    Path("p").mkdir()
    Path("p/openapi.json").write_bytes(DOCUMENT.read_bytes())
    Path("p/.env").write_text("JWT_SECRET=hunter2\n")
    assert run("--project", "p") == 0
    text = Path("shakedown.toml").read_text()
    assert "{env:JWT_SECRET}" in text
    assert "hunter2" not in text


def test_a_database_that_cannot_be_reached_names_no_password(unused_tcp_port: int) -> None:
    dsn = f"postgresql://reader:hunter2@127.0.0.1:{unused_tcp_port}/app"
    with pytest.raises(Misconfigured) as caught:
        run("--openapi", str(DOCUMENT), "--database-url", dsn)
    assert "--database-url" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert not Path("shakedown.toml").exists()
