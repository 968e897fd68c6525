"""What a project's folder shows."""

from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.init.project import read_project


def test_names_of_variables_and_never_their_values(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# x\nJWT_SECRET=hunter2\nexport AUDIT_SALT = 'pepper'\n\nbad line\n"
    )
    seen = read_project(tmp_path)
    assert seen.variables == ("JWT_SECRET", "AUDIT_SALT")
    assert "hunter2" not in repr(seen)
    assert "pepper" not in repr(seen)


def test_scripts_services_and_a_document(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "w", "scripts": {"start": "node a.js"}}')
    (tmp_path / "docker-compose.yml").write_text(
        "services: {db: {image: postgres:16}, api: {build: .}}"
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "openapi.yaml").write_text("openapi: 3.0.0")
    seen = read_project(tmp_path)
    assert (seen.name, seen.scripts) == ("w", {"start": "node a.js"})
    assert seen.services == ("db (postgres:16)", "api (built here)")
    assert seen.document == tmp_path / "docs" / "openapi.yaml"


def test_broken_files_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{")
    (tmp_path / "compose.yaml").write_text("a: [")
    assert read_project(tmp_path).scripts == {}


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no such folder"):
        read_project(tmp_path / "nowhere")
