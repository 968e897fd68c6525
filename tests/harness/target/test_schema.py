"""The JSON Schema of target files says of committed files what the loader says of them."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harness.target.schema import target_schema
from tests.target_files import refusals

ROOT = Path(__file__).parents[3]
SCHEMA = target_schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
TARGET_FILES = sorted(
    file
    for folder in ("harness", "reference_backend", "tests", "docs")
    for file in (ROOT / folder).rglob("*.toml")
    if "node_modules" not in file.parts and "\n[api]\n" in file.read_text(encoding="utf-8")
)

MINIMAL = """\
name = "mine"
[api]
command = "serve"
[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = { sub = "{user}" }
"""


def mistakes(text: str) -> list[str]:
    """What the schema says of a file, as an editor would: the place, and the message."""
    values = json.loads(json.dumps(tomllib.loads(text), default=str))  # dates as texts
    return [
        f"{'.'.join(map(str, each.instance_path))}: {each.message}"
        for each in VALIDATOR.iter_errors(values)
    ]


def test_there_are_files_to_look_at() -> None:
    names = {str(file.relative_to(ROOT)) for file in TARGET_FILES}
    assert {"harness/target/default.toml", "tests/foreign/node/shakedown.toml"} < names
    assert len(names) >= 6


@pytest.mark.parametrize("file", TARGET_FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_committed_file_is_valid(file: Path) -> None:
    assert mistakes(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL + "[database]\nbinaries = 17\nprelude = 'a.sql'\nsource = 'embedded'\n",
        MINIMAL + "[worker]\ncommand = ['w', '1']\nready_path = false\n",
        MINIMAL + "[ledger]\nsalts = false\n[ledger.columns]\nsalt_key_id = ''\n",
        MINIMAL + "[environment]\nPORT = 8080\nSHARE = 0.5\n",
        MINIMAL + "[contract.refusals]\n'422 idempotency_key_reused' = '409 KEY_REUSED'\n",
        MINIMAL + "[contract.values.export.state]\nready = ['done', 'sent']\nfailed = 'lost'\n",
        MINIMAL + "[[accepted]]\nrule = 'header.*'\nreason = 'known'\nuntil = 2027-01-31\n",
        MINIMAL.replace("[api]", "driver = '{env:DRIVER}'\n[api]\nready_path = '{env:READY}'"),
    ],
)
def test_what_the_loader_accepts_in_several_forms(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (MINIMAL.replace("command", "comand"), "api"),
        (MINIMAL.replace('name = "mine"\n', ""), ""),
        (MINIMAL.replace('"serve"', "3"), "api.command"),
        (MINIMAL.replace("[api]", "[api]\ninstances = '3'"), "api.instances"),
        (MINIMAL.replace("[api]", "[api]\nready_path = 'readyz'"), "api.ready_path"),
        (MINIMAL.replace("[api]", "driver = 'podman'\n[api]"), "driver"),
        (MINIMAL + "[database]\nbinaries = true\n", "database.binaries"),
        (MINIMAL + "[database]\nsource = 'embeded'\n", "database.source"),
        (MINIMAL + "[contract.refusals]\n'conflict' = '409 X'\n", "contract.refusals"),
        (MINIMAL + "[contract.fields.jobs]\nid = '/id'\n", "contract.fields"),
        (MINIMAL + "[contract.fields.job]\nid = 'id'\n", "contract.fields.job.id"),
        (MINIMAL + "[[accepted]]\nrule = 'x'\n", "accepted.0"),
        (MINIMAL + "[limits]\nmax_attempts = 0\n", "limits.max_attempts"),
    ],
)
def test_broken_ones_are_not(tmp_path: Path, text: str, where: str) -> None:
    found = mistakes(text)
    assert [each.partition(": ")[0] for each in found] == [where], found
    assert refusals(tmp_path, text)  # the loader agrees


def test_keys_are_described_by_their_docstrings() -> None:
    tables: dict[str, Any] = SCHEMA["$defs"]
    assert tables["Api"]["description"] == "The API instances."
    assert "PostgreSQL" in tables["Database"]["properties"]["binaries"]["description"]
    assert SCHEMA["properties"]["accepted"]["description"].startswith("Findings that are known")
    assert '"type": "null"' not in json.dumps(SCHEMA)  # which TOML has not
