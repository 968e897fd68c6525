"""Contradictions of `[tokens.calls]`: placeholders that are not filled in by then."""

from collections.abc import Iterator

from harness.target.target import Target
from harness.target.toml.lines import KeyPath
from harness.target.values.template import SECRET_NAMES, placeholders, unknown_placeholder


def broken_calls_rules(target: Target) -> Iterator[tuple[KeyPath, str]]:
    """Find every contradiction in `[tokens.calls]`: where it stands, and what was expected."""
    tokens = target.tokens.calls
    if tokens is None:
        return
    known = {"name", "unique"} | ({"admin_token"} if tokens.admin_token else set())
    for header, text in tokens.headers.items():
        for name in placeholders(text):
            if name not in known:
                yield ("tokens", "calls", "headers", header), unknown_placeholder(name, known)
    for call_name, call in tokens.calls:
        if call_name != "organization":
            known.add("role")
        for within, text in call.texts():
            path: KeyPath = ("tokens", "calls", call_name, *within)
            for name in placeholders(text):
                if name not in known:
                    yield path, unknown_placeholder(name, known)
                elif name in SECRET_NAMES and within == ("path",):
                    yield path, f"{{{name}}} is secret, and URLs are not; send it in a header"
        known |= set(call.gives) - {"token"}
