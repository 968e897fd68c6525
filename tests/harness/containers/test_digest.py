"""An image is kept under what went into it: any change is another image, anything else is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.containers.images import digest_of
from harness.target.tables.models import Build


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n", encoding="ascii")
    (tmp_path / "server.py").write_text("serve()", encoding="ascii")
    (tmp_path / "notes.txt").write_text("none", encoding="ascii")
    (tmp_path / ".dockerignore").write_text("# prose\n*.txt\n", encoding="ascii")
    return tmp_path


def digest(context: Path, dockerfile: str = "Dockerfile") -> str:
    return digest_of(Build(context=str(context), dockerfile=dockerfile))


@pytest.mark.parametrize(
    "change",
    [
        lambda at: (at / "server.py").write_text("serve(2)", encoding="ascii"),
        lambda at: (at / "Dockerfile").write_text("FROM scratch\n", encoding="ascii"),
        lambda at: (at / "server.py").chmod(0o755),
        lambda at: (at / "server.py").rename(at / "serve.py"),
        lambda at: (at / "link").symlink_to("server.py"),
        lambda at: (at / ".dockerignore").unlink(),
    ],
)
def test_a_change_is_another_image(context: Path, change: Callable[[Path], object]) -> None:
    before = digest(context)
    change(context)
    assert digest(context) != before


def test_what_is_ignored_changes_nothing(context: Path) -> None:
    before = digest(context)
    (context / "notes.txt").write_text("some", encoding="ascii")
    assert digest(context) == before


def test_another_dockerfile_is_another_image(context: Path) -> None:
    (context / "Other").write_bytes((context / "Dockerfile").read_bytes())
    assert digest(context) != digest(context, "Other")
