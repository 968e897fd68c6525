"""Text of a backend, sanitized before a terminal, a browser or a CI server reads it.

A backend decides what stands in its error messages, headers, file names and ids. This is the one
place that sanitizes it: `harness.redaction.redactor.Redactor`, which everything passes
that is printed or written, ends here.
"""

import re

MOST_CHARACTERS = 20_000
"""Of one message. More helps no reader, and fills reports, terminals and memory."""

_UNREADABLE = re.compile(r"[^\t\n\x20-\x7e]")
_WORKFLOW_COMMAND = re.compile(r"^([ \t]*)(?=::)", re.MULTILINE)
_OLD_WORKFLOW_COMMAND = "##["


def sanitize(text: str) -> str:
    r"""Show what a terminal or CI server would obey, instead of letting it act.

    Control characters (terminal sequences begin with one), direction overrides, lone surrogates
    and the like are shown as Python escapes such as `\x1b`; line ends and tabs stay. A line that
    GitHub Actions would obey (`::error::`, `##[error]`) gets a backslash into its beginning.
    Doing it twice changes nothing more.
    """
    shown = _UNREADABLE.sub(_visible, text.replace("\r\n", "\n"))
    shown = _WORKFLOW_COMMAND.sub(r"\1\\", shown)
    return shown.replace(_OLD_WORKFLOW_COMMAND, "#\\#[")


def shorten(text: str, most: int = MOST_CHARACTERS) -> str:
    """Cut a text that is longer than `most` characters, and say so."""
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text) - most} characters more)"


def _visible(found: re.Match[str]) -> str:
    letter = found[0]
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
