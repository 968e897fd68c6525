"""Keeps what `shakedown prove` saw: which rules each defect of the reference zoo was seen to break.

`python -m harness.prove.fired [PROVE.JSON]` takes a `prove.json` (the newest one, unless it is
named) into `harness/findings/fired.toml`. What was measured before of the same defects is replaced;
of defects that were not tried this time it stays.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from harness.findings.fired import FIRED_FILE, Fired, fired_as_toml, parse_fired

_NEWEST = Path("shakedown-report/prove/prove.json")


def merged(before: Fired, defects: Iterable[Mapping[str, Any]]) -> Fired:
    """Give what is known after a run: `defects` are those of its `prove.json`."""
    tried = {defect["id"]: defect["rules"] for defect in defects}
    known: dict[str, dict[str, set[str]]] = {}
    for rule, checks in before.items():
        for check, ids in checks.items():
            for defect in set(ids) - set(tried):
                known.setdefault(rule, {}).setdefault(check, set()).add(defect)
    for defect, rules in tried.items():
        for rule, checks in rules.items():
            for check in checks:
                known.setdefault(rule, {}).setdefault(check, set()).add(defect)
    return {
        rule: {check: tuple(sorted(ids)) for check, ids in checks.items()}
        for rule, checks in known.items()
    }


def main() -> None:
    """Take a `prove.json` into the file."""
    proved = Path(sys.argv[1]) if sys.argv[1:] else _NEWEST
    if not proved.is_file():
        sys.exit(f"{proved}: there is no such file; run `shakedown prove` first")
    before = parse_fired(FIRED_FILE.read_text(encoding="utf-8")) if FIRED_FILE.exists() else {}
    now = merged(before, orjson.loads(proved.read_bytes())["defects"])
    FIRED_FILE.write_text(fired_as_toml(now), encoding="utf-8")
    sys.stdout.write(
        f"{FIRED_FILE}: {len(now)} rules\n"
        "write the page anew: shakedown explain --all --markdown > docs/rules.md\n"
    )


if __name__ == "__main__":
    main()
