"""What others find of the bug zoo: `python -m benchmarks.zoo_by_others prove.json [-n 2] [--per-family N] [--out zoo_by_others.json] [DEFECT…]`.

Every defect is switched on in a fresh system (`shakedown up`: three API instances, two workers), and two peers look at it:

- **golden-path script**: `tests/golden_path/client.py`, which knows BACKEND_URL, JWT_TOKEN and JOB_ID. It finds a defect when it ends
  with anything but 0.
- **plain schemathesis**: `schemathesis run URL/openapi.json --workers 1`, all phases, two tenants as peers in a WFC file, and the statuses that
  the contract adds to schemathesis's defaults. It finds a defect when it ends with anything but 0. The number of examples is chosen
  so that it takes about as long on the clean backend as our quick gate (MAX_EXAMPLES below), not by the clock, so that a busy machine changes nothing;
  it stops at its first failure.

The clean backend is looked at first: a peer that fails there could not be counted. What `shakedown prove` found comes from its `prove.json`.
A defect with which the system does not even come up is counted as found by both.
"""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.peers import plain_schemathesis

ROOT = Path(__file__).parents[1]
MAX_EXAMPLES = 110
READY_S = 60
PEER_S = 600


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What the peers made of one backend. `seconds` is how long schemathesis took, `cases` how many it sent."""

    defect: str | None
    up: bool
    golden: bool
    schemathesis: bool
    seconds: float = 0.0
    problem: str = ""


async def look(defect: str | None) -> Looked:
    """Bring a system up with the defect, and let both peers look at it."""
    environment = {**os.environ, "NO_COLOR": "1"}
    if defect:
        environment["REFERENCE_BACKEND_DEFECT"] = defect
    system = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "harness", "up"),
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        settings = await _environment(system)
        if settings is None:
            return Looked(defect=defect, up=False, golden=True, schemathesis=True)
        golden = await _run([sys.executable, str(ROOT / "tests/golden_path/client.py")], settings)
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="shakedown-peer-") as folder:
            code, printed = await _run(_schemathesis(Path(folder), settings), settings, folder)
        return Looked(
            defect=defect, up=True, golden=golden[0] != 0, schemathesis=code != 0,
            seconds=round(time.monotonic() - began, 1),
            problem=(_failure(printed) or f"ended with {code}") if code else "",
        )  # fmt: skip
    finally:
        if system.returncode is None:
            system.send_signal(signal.SIGINT)
        await asyncio.wait_for(system.wait(), READY_S)


async def _environment(system: asyncio.subprocess.Process) -> dict[str, str] | None:
    """What `shakedown up` prints once everything is ready; None when it never is."""
    settings: dict[str, str] = {}
    assert system.stdout is not None
    async with asyncio.timeout(READY_S):
        while line := (await system.stdout.readline()).decode():
            name, _, value = line.strip().removeprefix("export ").partition("=")
            settings[name] = value
            if name == "DATABASE_URL":
                return settings
    return None


def _schemathesis(folder: Path, settings: dict[str, str]) -> list[str]:
    wfc = folder / "wfc.json"
    tenants = {"org-a": settings["JWT_ORG_A"], "org-b": settings["JWT_ORG_B"]}
    auth = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}
        for name, token in tenants.items()
    ]
    wfc.write_text(json.dumps({"auth": auth}), encoding="utf-8")
    config = {"examples": MAX_EXAMPLES, "seed": 1, "wfc": wfc, "peers": list(tenants)}
    base_url = settings["BACKEND_URL"]
    return [*plain_schemathesis.command(folder, base_url, **config), "--max-failures", "1"]


async def _run(
    command: list[str], settings: dict[str, str], folder: str | None = None
) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ, **settings, "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), PEER_S)
    except TimeoutError:
        raise SystemExit(f"{command[0]} did not end within {PEER_S} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, printed.decode(errors="replace")


def _failure(printed: str) -> str:
    """The title of the first failure that schemathesis reports."""
    lines = [line.strip() for line in printed.partition("FAILURES")[2].splitlines()]
    return next((line[2:] for line in lines if line.startswith("- ")), "")


async def look_at_all(defects: list[str], side_by_side: int) -> list[Looked]:
    """The clean backend first, then every defect, some of them side by side."""
    clean = await look(None)
    print(f"clean: {clean}", flush=True)
    if clean.golden or clean.schemathesis or not clean.up:
        raise SystemExit("a peer finds something on the clean backend; it could not be counted")
    places = asyncio.Semaphore(side_by_side)

    async def one(defect: str) -> Looked:
        async with places:
            looked = await look(defect)
        print(looked, flush=True)
        return looked

    return [clean, *await asyncio.gather(*(one(defect) for defect in defects))]


def table(proven: dict[str, bool], family: dict[str, str], looked: list[Looked]) -> str:
    """Found defects by family, and by whom; then each with what schemathesis said of it."""
    found = {one.defect: one for one in looked if one.defect}
    lines = [
        "| family | defects | shakedown | plain schemathesis | golden-path script |",
        "|---|---|---|---|---|",
    ]
    groups = {
        name: [d for d in found if family[d] == name] for name in sorted({family[d] for d in found})
    }
    for name, ids in {**groups, "**all**": list(found)}.items():
        counts = (
            sum(proven[d] for d in ids),
            sum(found[d].schemathesis for d in ids),
            sum(found[d].golden for d in ids),
        )
        lines.append(f"| {name} | {len(ids)} | {' | '.join(map(str, counts))} |")
    lines += ["", "| defect | plain schemathesis | golden-path script |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {(one.problem or 'does not come up') if one.schemathesis else '-'} | {'found' if one.golden else '-'} |"
        for name, one in sorted(found.items())
    ]
    return "\n".join(lines) + "\n"


@click.command(help=__doc__)
@click.argument("prove_json", type=click.Path(path_type=Path, exists=True))
@click.argument("defects", nargs=-1)
@click.option("-n", "side_by_side", default=2, show_default=True)
@click.option(
    "--per-family", default=0, help="Only so many defects of each family, drawn by chance."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("zoo_by_others.json"))
def main(
    prove_json: Path, defects: tuple[str, ...], side_by_side: int, per_family: int, out: Path
) -> None:
    """Look at the zoo, write the figures, print the table."""
    zoo = json.loads(prove_json.read_text(encoding="utf-8"))["defects"]
    chosen = [one["id"] for one in zoo if not defects or one["id"] in defects]
    if per_family:
        of_family: dict[str, list[str]] = {}
        for one in zoo:
            of_family.setdefault(one["family"], []).append(one["id"])
        draw = random.Random(1)
        drawn = [draw.sample(ids, min(per_family, len(ids))) for ids in of_family.values()]
        chosen = sorted(name for names in drawn for name in names)
    looked = asyncio.run(look_at_all(chosen, side_by_side))
    out.write_text(json.dumps([asdict(one) for one in looked], indent=1), encoding="utf-8")
    proven = {one["id"]: one["killed"] for one in zoo}
    print(table(proven, {one["id"]: one["family"] for one in zoo}, looked))


if __name__ == "__main__":
    main()
