"""The organization at the beginning of paths: `/orgs/{orgId}/jobs`."""

from collections.abc import Sequence

from harness.init.lexicon import lexicon, words_of
from harness.init.routes import is_parameter

_SURE = 0.9


def is_organization(before: str, parameter: str) -> bool:
    """Whether a parameter is an organization, by the segment before it or by its own name."""
    words = [word for name in (before, parameter) for word in words_of(name) if word != "id"]
    return any(lexicon().means(word, "tenant") >= _SURE for word in words)


def begins_with_organization(segments: Sequence[str]) -> bool:
    """Whether an organization comes before all else; not where it is all that there is."""
    return (
        len(segments) > 2
        and not is_parameter(segments[0])
        and is_parameter(segments[1])
        and is_organization(*segments[:2])
    )
