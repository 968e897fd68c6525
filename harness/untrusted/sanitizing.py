"""Text of a backend, sanitized before a terminal, a browser or a CI server reads it.

A backend decides what stands in its error messages, headers, file names and ids. This is the one
place that sanitizes it: `harness.redaction.redactor.Redactor`, which everything passes
that is printed or written, ends here.
"""

import re

MOST_CHARACTERS = 20_000
"""Of one message. More helps no reader, and fills reports, terminals and memory."""

_UNREADABLE = re.compile(r"[^\t\n\x20-\x7e]")
_AT_THE_BEGINNING = re.compile(
    r"^([ \t]*)(?=::|(?:---|\+\+\+|~~~|\^\^\^)(?:[ \t]|$))", re.MULTILINE
)
"""GitHub's workflow commands, and Buildkite's marks of groups."""
_ANYWHERE = re.compile(r"##(?=\w*\[)")
"""`##vso[task.complete]` and `##[error]` of Azure Pipelines and GitHub, `##teamcity[…]`."""


def sanitize(text: str) -> str:
    r"""Show what a terminal or CI server would obey, instead of letting it act.

    Control characters (terminal sequences begin with one), direction overrides, lone surrogates
    and the like are shown as Python escapes such as `\x1b`; line ends and tabs stay. That also
    defuses the marks of sections that need them, such as GitLab's. What a CI server would obey
    (`::error::`, `##vso[…]`, `##teamcity[…]`, a heading of Buildkite) gets a backslash into its
    beginning. Doing it twice changes nothing more.
    """
    shown = _UNREADABLE.sub(_visible, text.replace("\r\n", "\n"))
    shown = _AT_THE_BEGINNING.sub(r"\1\\", shown)
    return _ANYWHERE.sub(r"#\\#", shown)


def shorten(text: str, most: int = MOST_CHARACTERS) -> str:
    """Cut a text that is longer than `most` characters, and say so."""
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text) - most} characters more)"


def _visible(found: re.Match[str]) -> str:
    letter = found[0]
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
