"""What is in the ZIP of an export: whether its manifest and ledger are called as declared."""

from collections.abc import Mapping, Sequence

from harness.doctor.advice import Advice
from harness.target.contract.dialect import Contract

_WORDS = {"manifest": ("manifest", "index"), "ledger": ("ledger", "log", "activity", "audit")}
_MOST_SHOWN = 12


def found_in(names: Sequence[str], contract: Contract) -> Mapping[str, str | None]:
    """Give what manifest and ledger are called in it: as declared, else what is likely it."""
    wanted = {"manifest": contract.archive.manifest, "ledger": contract.archive.ledger}
    missing = [each for each, name in wanted.items() if name not in names]
    free = [each for each in names if each.endswith(".json") and each not in wanted.values()]
    found: dict[str, str | None] = {}
    for each, name in wanted.items():
        likely = [one for one in free if any(word in one.lower() for word in _WORDS[each])]
        only = free if len(free) == len(missing) == 1 else []
        found[each] = name if each not in missing else next(iter([*likely, *only]), None)
    return found


def of_package(names: Sequence[str], contract: Contract) -> Advice | None:
    """Say what to write where a file is not there under its name; None where both are."""
    wanted = {"manifest": contract.archive.manifest, "ledger": contract.archive.ledger}
    found = found_in(names, contract)
    missing = [each for each, name in wanted.items() if found[each] != name]
    if not missing:
        return None
    shown = ", ".join(names[:_MOST_SHOWN])
    return Advice(
        hint=f"the ZIP has no {' and no '.join(wanted[each] for each in missing)}; it has {shown}",
        lines=("[contract.archive]", *(f'{each} = "{found[each] or "…"}"' for each in missing)),
    )
