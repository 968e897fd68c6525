"""Words of the target file that no answer of a whole run had: a note, for it proves nothing."""

from collections.abc import Iterable

from harness.asks import UNKNOWN_STATE
from harness.events import CheckResult
from harness.plugin.settings import RunSettings
from harness.target.contract.dialect import Contract


def unmet_words(
    contract: Contract, checks: Iterable[CheckResult], settings: RunSettings
) -> tuple[str, ...]:
    """Give a line for each of the backend's words that is declared and that no answer had.

    None of them after a run of chosen checks, or one that did not get through: it is not known
    then. Before them a line for each state of exports that nothing declares.
    """
    results = tuple(checks)
    met = {name for one in results for name in one.asked.met}
    prefix = f"{UNKNOWN_STATE} "
    unknown = tuple(
        f'[contract.values.export.state]: answers had "{name.removeprefix(prefix)}", and no state '
        "of the contract is said to be called so"
        for name in sorted(met)
        if name.startswith(prefix)
    )
    is_whole = not settings.only and settings.built_in and all(one.ran for one in results)
    if not results or not is_whole:
        return unknown
    return unknown + tuple(
        f'[contract.values.{resource}.{field}] {ours}: no answer had "{theirs}"'
        for resource, fields in contract.values.items()
        for field, meanings in fields.items()
        for ours, several in meanings.items()
        for theirs in several
        if f"{resource}.{field} {theirs}" not in met
    )
