"""The environment variables of locust: `locust_run.py` sets them, `locustfile.py` reads them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.target.contract.dialect import Contract

CONTRACT = "SHAKEDOWN_CONTRACT"
"""The `[contract]` of a target file as JSON; empty: the contract's own dialect."""

HISTORY = "SHAKEDOWN_HISTORY"
"""The file to which everything that users do is appended; empty: none."""

HISTORY_RUN = "SHAKEDOWN_HISTORY_RUN"
"""The label that all processes of this load share in the history; empty: each has its own."""

HISTORY_DRILL = "SHAKEDOWN_HISTORY_DRILL"
"""The check that judges what they write there."""

CREATED = "SHAKEDOWN_CREATED"
"""The file to which everything that users create is appended; empty: none."""

FAILURES = "SHAKEDOWN_FAILURES"
"""The file to which the first failed requests are appended, with all that was sent; empty: none."""

LOGS = "SHAKEDOWN_INSTANCE_LOGS"
"""The logs of the instances in `BACKEND_URLS`, in their order, as JSON; empty: not known."""

EXPORT_WAIT = "SHAKEDOWN_EXPORT_WAIT_S"
"""How many seconds a user waits for an export; empty: `EXPORT_DEADLINE_S` of `locustfile.py`."""

_ORGANIZATION_TOKEN = re.compile(r"JWT_ORG_([A-Z]+)")
_OURS = re.compile(
    rf"LOCUST_.*|BACKEND_URLS?|JWT_.*|JOB_ID.*|ID_ORG.*|{HISTORY}(?:_RUN|_DRILL)?|{CREATED}|{CONTRACT}"
    rf"|{FAILURES}|{EXPORT_WAIT}|{LOGS}"
)


class NoTenant(Exception):
    """The environment has no token; the message says which variables to set."""


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One organization of a load test."""

    name: str
    """`A` for `JWT_ORG_A`; `default` for `JWT_TOKEN`."""
    token: str = field(repr=False)
    job_id: str | None = None
    """A job that it has already, for a backend where users cannot make jobs."""
    organization: str | None = None
    """Its id, for a backend that has it in its paths."""


def tenants_of(environment: Mapping[str, str]) -> list[Tenant]:
    """Give every `JWT_ORG_<X>` with its `JOB_ID_ORG_<X>`, else `JWT_TOKEN` with `JOB_ID`.

    Raises `NoTenant` when there is no token at all.
    """
    tenants = [
        Tenant(
            name=match[1],
            token=environment[match[0]],
            job_id=environment.get(f"JOB_ID_ORG_{match[1]}") or None,
            organization=environment.get(f"ID_ORG_{match[1]}") or None,
        )
        for match in map(_ORGANIZATION_TOKEN.fullmatch, sorted(environment))
        if match and environment[match[0]]
    ]
    if not tenants and (token := environment.get("JWT_TOKEN")):
        job_id, organization = environment.get("JOB_ID"), environment.get("ID_ORG")
        tenants = [
            Tenant(
                name="default",
                token=token,
                job_id=job_id or None,
                organization=organization or None,
            )
        ]
    if not tenants:
        raise NoTenant(
            "no token in the environment: set JWT_ORG_A, JWT_ORG_B, … or JWT_TOKEN "
            "(`shakedown up` prints them)"
        )
    return tenants


def base_urls_of(environment: Mapping[str, str]) -> list[str]:
    """Give the instances in `BACKEND_URLS` (blanks between them), else `BACKEND_URL`, else none."""
    urls = environment.get("BACKEND_URLS") or environment.get("BACKEND_URL") or ""
    return [url.rstrip("/") for url in urls.split()]


def logs_of(environment: Mapping[str, str]) -> list[Path]:
    """Give the logs of the instances, as far as they are known."""
    return [Path(each) for each in json.loads(environment.get(LOGS) or "[]")]


def locust_environment(
    inherited: Mapping[str, str],
    *,
    base_urls: Sequence[str],
    tokens: Mapping[str, str],
    organizations: Mapping[str, str] | None = None,
    home: Path,
    history: Path,
    history_run: str = "",
    history_drill: str = "",
    created: Path | None = None,
    failures: Path | None = None,
    contract: Contract | None = None,
    export_wait_s: float | None = None,
    logs: Sequence[Path] = (),
) -> dict[str, str]:
    """Give the environment of a locust, without the settings that a user has for their own."""
    others = {name: value for name, value in inherited.items() if not _OURS.fullmatch(name)}
    tenants = {f"JWT_ORG_{name}": token for name, token in tokens.items()}
    tenants |= {f"ID_ORG_{name}": id_ for name, id_ in (organizations or {}).items()}
    ours = {
        "BACKEND_URLS": " ".join(base_urls),
        CONTRACT: contract.model_dump_json() if contract else "",
        HISTORY: str(history),
        HISTORY_RUN: history_run,
        HISTORY_DRILL: history_drill,
        CREATED: str(created or ""),
        FAILURES: str(failures or ""),
        LOGS: json.dumps([str(each) for each in logs]),
        EXPORT_WAIT: "" if export_wait_s is None else f"{export_wait_s:g}",
        "HOME": str(home),  # ~/.locust.conf
    }
    return others | tenants | ours
