"""The forms of a history's fields: what has its form is written as it is, the rest is redacted.

A UUID, a digest or a word of the contract can hold no secret but one that looks exactly the same,
and that one is known. Going over every id with all that a secret may look like would take twenty
times as long as writing the line.
"""

import re
from collections.abc import Callable, Mapping

from harness.history.entries import (
    Absent,
    Busy,
    Check,
    Download,
    Entry,
    Event,
    Harmed,
    Judge,
    Link,
    Operation,
    Poll,
    Record,
    State,
    Transition,
)
from harness.vocabulary.events import EVENT_NAMES
from harness.vocabulary.exports import STATES

Fits = Callable[[str], object]

is_uuid: Fits = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch
is_digest: Fits = re.compile(r"[0-9a-f]{64}|[0-9a-f]{32}").fullmatch
is_instance: Fits = re.compile(r"(?:api|worker)-\d{1,4}").fullmatch
is_state: Fits = STATES.__contains__
is_event: Fits = EVENT_NAMES.__contains__


def no_form(_: str) -> bool:
    """Say that a field may hold any text."""
    return False


FORMS: Mapping[type[Entry], tuple[tuple[str, Fits], ...]] = {
    Operation: (
        ("job", is_uuid),
        ("org", is_uuid),
        ("token", is_digest),
        ("worker", is_instance),
        ("instance", is_instance),
        ("request_id", is_uuid),
        ("key", is_uuid),
        ("sha256", is_digest),
        ("seen", no_form),
        ("error", no_form),
    ),
    Transition: (
        ("job", is_uuid),
        ("org", is_uuid),
        ("old_state", is_state),
        ("new_state", is_state),
        ("old_worker", is_instance),
        ("new_worker", is_instance),
        ("old_token", is_digest),
        ("token", is_digest),
    ),
    State: (("job", is_uuid), ("state", is_state), ("org", is_uuid), ("error", no_form)),
    Absent: (("job", is_uuid), ("org", is_uuid)),
    Poll: (("job", is_uuid), ("state", is_state), ("worker", is_instance), ("org", is_uuid)),
    Event: (("job", is_uuid), ("name", is_event), ("org", is_uuid)),
    Link: (("org", is_uuid), ("name", is_event), ("hash", is_digest), ("prev", is_digest)),
    Download: (
        ("job", is_uuid),
        ("sha256", is_digest),
        ("declared", is_digest),
        ("error", no_form),
    ),
    Harmed: (("job", is_uuid), ("worker", is_instance), ("where", no_form)),
    Busy: (
        ("job", is_uuid),
        ("worker", is_instance),
        ("stale", is_instance),
        ("where", no_form),
    ),
    Record: (("what", no_form), ("sha256", is_digest)),
    Judge: (),
    Check: (),
}
"""The fields of each kind that hold what a backend gave out, and the form that each should have.
What is not here are our own words and numbers."""

_IDS = frozenset({"job", "org"})


def cleaned(
    entry: Entry, redact: Callable[[str], str], is_secret: Callable[[str], bool]
) -> dict[str, str]:
    """Give the fields that must not be written as they are, with what is written instead.

    An id is the same in capitals: it is written in small letters.
    """
    changed: dict[str, str] = {}
    for name, fits in FORMS.get(type(entry), ()):
        text = getattr(entry, name)
        if text is None:
            continue
        if not fits(text):
            changed[name] = redact(text)
            continue
        usual = text.lower() if name in _IDS else text
        if is_secret(usual):
            changed[name] = redact(usual)
        elif usual != text:
            changed[name] = usual
    return changed
