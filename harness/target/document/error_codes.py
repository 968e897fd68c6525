"""The page docs/error-codes.md: which error code goes with which status, and when."""

import sys

from harness.target.document.api_document import ApiWords, contract_document, words_of

COMMAND = "python -m harness.target.document.error_codes > docs/error-codes.md"

_HEAD = f"""# Error codes

<!-- Generated from contracts/openapi.yaml: {COMMAND} -->

What the left side of `[contract.refusals]` and `[contract.operations.X.refusals]` in a target file
may say: a status of the contract alone (`"404"`), or one with its code
(`"422 idempotency_key_reused"`). Checks demand the codes that are marked so; the others are the
names in the contract's document, and a backend may have its own.

| code | status | when | |
|---|---|---|---|
"""


def codes_as_markdown(words: ApiWords) -> str:
    """The page, of the words of the contract's document."""
    rows = [
        f"| `{code}` | {', '.join(map(str, facts['statuses']))} | {facts['when']} | "
        f"{'demanded' if facts.get('demanded') else ''} |\n"
        for code, facts in words.codes.items()
    ]
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    document = contract_document()
    assert document is not None, "the package of the contract is not installed"
    sys.stdout.write(codes_as_markdown(words_of(document)))
