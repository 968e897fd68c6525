"""How plain schemathesis is run beside us: its own checks, and the statuses that the contract adds to its defaults."""

import sys
from pathlib import Path

_CHECKS = """
[generation]
database = "none"
max-examples = {examples}

[checks]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 413, 415, 416, 422]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 411, 413, 415, 416, 422]
missing_required_header.expected-statuses = [400, 401, 403, 404, 406, 415, 422]
"""

_TENANTS = """
[auth.wfc]
path = "{wfc}"
peers = {peers}
"""


def command(
    folder: Path,
    base_url: str,
    *,
    examples: int,
    seed: int,
    wfc: Path | None = None,
    peers: list[str] | None = None,
) -> list[str]:
    """The command line, with its configuration written to `folder`; `wfc` names the tenants' tokens."""
    tenants = _TENANTS.format(wfc=wfc, peers=peers) if wfc else ""
    config = folder / "schemathesis.toml"
    config.write_text(tenants + _CHECKS.format(examples=examples), encoding="utf-8")
    program = str(Path(sys.executable).with_name("schemathesis"))
    return [
        *(program, "--config-file", str(config), "run", f"{base_url}/openapi.json"),
        *("--workers", "1", "--seed", str(seed), "--no-color"),
    ]
