"""An entry of the tally dies with the code that it was made of, and not with its comments."""

from pathlib import Path

import pytest

from benchmarks.clean import code_digest
from benchmarks.clean.code_digest import backend_digest, closure, drill_digest

CHECK = '''
"""What it is about."""
from chaos.drills.one import step

async def check_it():
    """What holds."""
    from harness.late import judge
    return judge(step())
'''

FILES = {
    "chaos/__init__.py": "",
    "chaos/check_it.py": CHECK,
    "chaos/drills/__init__.py": "",
    "chaos/drills/one.py": "import harness.deep\n\ndef step():\n    return 1\n",
    "chaos/drills/query.sql": "SELECT 1\n",
    "chaos/drills/other.py": "x = 1\n",
    "harness/__init__.py": "",
    "harness/deep.py": "from chaos.drills import one  # a circle\nimport json\n",
    "harness/late.py": "def judge(n):\n    return n\n",
    "harness/fixtures.py": "",
    "harness/cli.py": "x = 1\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(code_digest, "ALWAYS", ("harness.fixtures",))
    for name, text in FILES.items():
        put(tmp_path, name, text)
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    code_digest._read.cache_clear()  # a clock may be too coarse for two writes of a test


def digest(root: Path) -> str:
    return drill_digest(root, root / "chaos/check_it.py")


def test_a_drill_is_its_file_and_all_that_it_imports_however_deep(root: Path) -> None:
    found = {
        path.relative_to(root).as_posix() for path in closure(root, root / "chaos/check_it.py")
    }
    assert found == set(FILES) - {
        "chaos/drills/query.sql",
        "chaos/drills/other.py",
        "harness/cli.py",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chaos/check_it.py", CHECK.replace("return judge", "return not judge")),
        ("chaos/drills/one.py", FILES["chaos/drills/one.py"].replace("1", "2")),
        ("harness/deep.py", FILES["harness/deep.py"] + "y = 1\n"),
        ("harness/late.py", "def judge(n):\n    return True\n"),
        ("harness/fixtures.py", "deadline_s = 5\n"),
        ("chaos/drills/query.sql", "SELECT 2\n"),
        ("chaos/drills/more.sql", "SELECT 1\n"),
    ],
)
def test_it_changes_with_each_of_them(root: Path, name: str, text: str) -> None:
    before = digest(root)
    put(root, name, text)
    assert digest(root) != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chaos/check_it.py", CHECK.replace("What holds", "What must hold")),
        ("harness/late.py", "# says yes\ndef judge(n):\n\n    return (n)  # no\n"),
        ("harness/cli.py", "x = 2\n"),
        ("chaos/drills/other.py", "x = 2\n"),
        ("chaos/drills/notes.md", "much"),
    ],
)
def test_it_stays_where_nothing_else_runs(root: Path, name: str, text: str) -> None:
    before = digest(root)
    put(root, name, text)
    assert digest(root) == before


BACKEND = {
    "shakedown.toml": "name = 'x'\n",
    "api.mjs": "serve()\n",
    "lib/claim.mjs": "claim()\n",
    "schema.sql": "CREATE TABLE t ();\n",
}


@pytest.mark.parametrize(
    ("name", "text", "dies"),
    [
        ("lib/claim.mjs", "claim(2)\n", True),
        ("schema.sql", "CREATE TABLE u ();\n", True),
        ("shakedown.toml", "name = 'y'\n", True),
        ("lib/new.mjs", "x()\n", True),
        ("defects.mjs", "x()\n", False),
        ("defects/one.py", "x()\n", False),
        ("test_api.py", "x()\n", False),
        ("node_modules/pg/index.js", "x()\n", False),
        (".venv/lib/x.py", "x()\n", False),
        ("README.md", "x\n", False),
    ],
)
def test_a_backend_is_its_code_without_tests_and_seeded_bugs(
    tmp_path: Path, name: str, text: str, dies: bool
) -> None:
    for each, content in BACKEND.items():
        put(tmp_path, each, content)
    target = tmp_path / "shakedown.toml"
    before = backend_digest(tmp_path, target)
    put(tmp_path, name, text)
    assert (backend_digest(tmp_path, target) != before) is dies


def test_a_folder_without_code_is_no_backend(tmp_path: Path) -> None:
    put(tmp_path, "shakedown.toml", "")
    with pytest.raises(ValueError, match="no code of a backend"):
        backend_digest(tmp_path, tmp_path / "shakedown.toml")
