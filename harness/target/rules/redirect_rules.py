"""Contradictions of `[contract.redirects]` and `success`: what leads where, and by which status."""

from collections.abc import Iterator

from harness.target.contract.dialect import Contract
from harness.target.contract.redirects import REDIRECTED, REDIRECTS, redirects_in
from harness.target.target import Target
from harness.target.toml.lines import KeyPath
from harness.target.values.hosts import InvalidHost, canonical_host

Broken = Iterator[tuple[KeyPath, str]]

_LASTING = frozenset({301, 308})

_NEEDS = (
    'a redirect needs [contract.redirects], with hosts = ["…"] (where it may lead) and '
    "expires_s = … (within how many seconds the address stops working)"
)


def broken_redirect_rules(target: Target) -> Broken:
    """Find every contradiction: where it stands, and what was expected instead."""
    contract = target.contract
    for number, host in enumerate(contract.redirects.hosts if contract.redirects else ()):
        try:
            canonical_host(host)
        except InvalidHost as problem:
            yield ("contract", "redirects", "hosts", number), str(problem)
    redirecting = set[str]()
    for name, operation in contract.operations.items():
        for number, status in enumerate(operation.success):
            if not 200 <= status <= 299 and status not in REDIRECTS:
                yield ("contract", "operations", name, "success", number), _no_success(status)
        if not (statuses := redirects_in(operation.success)):
            continue
        redirecting.add(name)
        path: KeyPath = ("contract", "operations", name, "success")
        if name not in REDIRECTED:
            what = f"{min(statuses)} is a redirect to bytes, which {name} does not give"
            yield path, f"{what}; only {', '.join(REDIRECTED)} can have it"
        elif operation.method not in (None, "GET"):
            yield (
                path,
                f"{min(statuses)}: only a GET is redirected, and method is {operation.method}",
            )
        elif contract.redirects is None:
            yield path, f"{min(statuses)}: {_NEEDS}"
    if contract.redirects is not None and not redirecting:
        yield ("contract", "redirects"), _unused(contract)


def _no_success(status: int) -> str:
    listed = ", ".join(map(str, sorted(REDIRECTS)))
    hint = "; a signed address ends, so a redirect to it must not last" * (status in _LASTING)
    return f"expected 200 to 299, or {listed} for a redirected download, got {status}{hint}"


def _unused(contract: Contract) -> str:
    there = [name for name in REDIRECTED if name not in contract.absent_operations]
    tables = " or ".join(f"[contract.operations.{name}]" for name in there) or "one of them"
    return f"no operation redirects; write success = [302] into {tables}, or remove this table"
