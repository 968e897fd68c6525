"""Runs the real command against a case, and measures its time and its peak memory."""

import asyncio
import os
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import trustme

from tests.hostile.cases import Case
from tests.hostile.server import hostile_server
from tests.warm import run_shakedown

CHECKS = Path(__file__).with_name("checks")
_KEPT = ("PATH", "HOME", "TMPDIR")
AT_ONCE = 4
"""Most of them wait for a deadline most of the time."""

KILL_AFTER_S = 240
EXIT_CODES = {0: "pass", 1: "fail", 2: "inconclusive", 3: "misconfigured", 4: "internal error"}

TARGET = """
name = "hostile"
driver = "external"
[api]
base_urls = ["{scheme}://127.0.0.1:{port}"]
ready_timeout_s = 2
[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = {{ sub = "{{user}}", org = "{{organization}}" }}
[chaos]
allowed_hosts = ["127.0.0.1"]
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a run came to."""

    case: Case
    exit_code: int
    message: str
    """Of the check, or why there was no run."""
    seconds: float
    peak_mb: int
    """The largest resident set of the command, or of a process that it started and waited for."""
    out: Path
    stdout: str
    stderr: str

    @property
    def verdict(self) -> str:
        """The exit code as a word."""
        return EXIT_CODES.get(self.exit_code, f"exit code {self.exit_code}")


async def measure_all(cases: tuple[Case, ...], folder: Path) -> dict[str, Measured]:
    """Run all cases, a few at once, each with a server and a folder of its own."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, case: Case) -> Measured:
        async with room:
            return await measure(case, folder / f"{number:02}")

    measured = await asyncio.gather(*(one(number, case) for number, case in enumerate(cases)))
    return {each.case.name: each for each in measured}


async def measure(case: Case, folder: Path) -> Measured:
    """Run `shakedown run` against a case's server."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - in no time
    async with hostile_server(
        case.behavior,
        is_ready=case.is_ready,
        tls=_certificate(case, folder),
        speaks_first=case.speaks_first,
        keeps_open=case.keeps_open,
    ) as port:
        scheme = "https" if case.tls else "http"
        target = folder / "shakedown.toml"
        target.write_text(TARGET.format(scheme=scheme, port=port), encoding="utf-8")
        return await asyncio.to_thread(_run, case, folder)


def _certificate(case: Case, folder: Path) -> ssl.SSLContext | None:
    """Of an issuer that the command is told to trust, or of one that it never heard of."""
    if not case.tls:
        return None
    issuer = trustme.CA()
    host = "other.example" if case.tls == "other-host" else "127.0.0.1"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(host).configure_cert(context)
    if case.tls == "other-host":
        issuer.cert_pem.write_to_path(folder / "issuer.pem")
    return context


def _run(case: Case, folder: Path) -> Measured:
    issuer = folder / "issuer.pem"
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if issuer.exists():
        environment["SSL_CERT_FILE"] = str(issuer)
    began = time.monotonic()
    done = run_shakedown(_words(case), cwd=folder, env=environment, deadline_s=KILL_AFTER_S)
    seconds = time.monotonic() - began
    return Measured(
        case=case,
        exit_code=done.code,
        message=_message(folder / "out") or done.stderr,
        seconds=seconds,
        peak_mb=done.peak_kib // 1024,
        out=folder / "out",
        stdout=done.stdout,
        stderr=done.stderr,
    )


def _words(case: Case) -> list[str]:
    own = ["--no-built-in", str(CHECKS)] if case.check.startswith("hostile.") else []
    words = [
        "run",
        "--target",
        "shakedown.toml",
        "--out",
        "out",
        "--seed",
        "1",
        "-n",
        "1",
        "--allow-faults",
    ]
    return [*words, "--only", case.check, *own]


def _message(out: Path) -> str:
    results = out / "results.json"
    if not results.exists():
        return ""
    checks: list[dict[str, Any]] = orjson.loads(results.read_bytes())["checks"]
    return "\n".join(check["message"] for check in checks if "not run" not in check["message"])
