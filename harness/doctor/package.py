"""What is in the ZIP of an export: whether its manifest and ledger are called as declared."""

from collections.abc import Sequence

from harness.doctor.advice import Advice
from harness.target.dialect import Contract

_WORDS = {"manifest": ("manifest", "index"), "ledger": ("ledger", "log", "activity", "audit")}
_MOST_SHOWN = 12


def of_package(names: Sequence[str], contract: Contract) -> Advice | None:
    """Say what to write where a file is not there under its name; None where both are."""
    wanted = {"manifest": contract.archive.manifest, "ledger": contract.archive.ledger}
    missing = {each: name for each, name in wanted.items() if name not in names}
    if not missing:
        return None
    free = [each for each in names if each.endswith(".json") and each not in wanted.values()]
    lines = ["[contract.archive]"]
    for each in missing:
        likely = [name for name in free if any(word in name.lower() for word in _WORDS[each])]
        only = free if len(free) == len(missing) == 1 else []
        lines.append(f'{each} = "{(likely or only or ["…"])[0]}"')
    shown = ", ".join(names[:_MOST_SHOWN])
    return Advice(
        hint=f"the ZIP has no {' and no '.join(missing.values())}; it has {shown}",
        lines=tuple(lines),
    )
