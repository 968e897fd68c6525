"""Whether an operation that no route was found for may be there after all, by what a route does."""

from collections.abc import Mapping, Sequence

from harness.init.lexicon import Lexicon, words_of
from harness.init.operation_names import ROLE_OF
from harness.init.places import Place
from harness.init.roles import Role
from harness.init.routes import is_parameter

_WRITES = frozenset({"POST", "PUT", "PATCH"})
_LISTS = frozenset({"listJobs", "listEvidence", "listExports", "listLedgerEvents"})
_DONE: Mapping[str, str] = {
    "cancelExport": "cancel",
    "retryExport": "retry",
    "getManifest": "manifest",
    "verifyManifest": "verify",
    "verifyLedgerEvent": "verify",
}
"""Operations that are known by a word of their own."""


def doubt_of(lexicon: Lexicon, name: str, roles: Mapping[str, Role], left: Sequence[Place]) -> str:
    """Say what may be the operation; empty: nothing is.

    `left` are the routes that are no other operation.
    """
    role = "export" if name == "verifyManifest" else ROLE_OF.get(name)
    if role is None:
        return ""
    sure = role in roles and roles[role].certainty.is_written
    for place in left:
        elsewhere = sure and place.noun != roles[role].collection.noun
        if elsewhere and not (name == "downloadExport" and place.route.gives_file):
            continue
        if not _may_be(lexicon, name, place):
            continue
        of_another = any(
            one.collection.noun == place.noun and one.certainty.is_written
            for each, one in roles.items()
            if each != role
        )
        by_word = name in _DONE and place.route.method != "DELETE" and not of_another
        known_by_word = by_word and not sure
        if known_by_word or _is_about(lexicon, role, place, roles):
            return f"{place.route} may have to do with it"
    return ""


def _is_about(lexicon: Lexicon, role: str, place: Place, roles: Mapping[str, Role]) -> bool:
    """Whether a route is that of the noun which may be the role, or of any word for it."""
    if role in roles and roles[role].collection.noun == place.noun:
        return True
    job = roles.get("job")
    is_work = job is not None and job.collection.noun == place.noun
    if role == "export" and is_work and job is not None and not job.certainty.is_written:
        return True  # what is called a job may be what the service works on: an export
    if role == "export" and place.route.gives_file and place.form != "all":
        # A file that is none of the evidence: what was asked for may be there.
        return "evidence" not in roles or roles["evidence"].collection.noun != place.noun
    if role == "ledger" and place.form == "all" and not place.parents and not place.route.is_told:
        return True
    nouns = lexicon.tables["nouns"][role]
    return any(lexicon.one_of(nouns, words_of(each)) >= 0.7 for each in place.route.segments)


def _may_be(lexicon: Lexicon, name: str, place: Place) -> bool:
    """Whether a route does what the operation does, to any resource."""
    route = place.route
    with_id = any(map(is_parameter, route.segments)) or any(each.required for each in route.query)
    if name in _DONE:
        static = [words_of(each) for each in route.segments if not is_parameter(each)]
        known = lexicon.tables["actions"][_DONE[name]]
        named = any(lexicon.one_of(known, each) >= 0.7 for each in static)
        if name == "cancelExport":
            return with_id and (route.method == "DELETE" or (route.method in _WRITES and named))
        if name == "retryExport":
            return with_id and route.method in _WRITES and named
        return named
    if route.method != "GET":
        return False
    if name in {"getEvidenceContent", "downloadExport"}:
        said = words_of(route.segments[-1]) if route.segments else ()
        known = lexicon.tables["actions"]["download"]
        named = place.form in {"act", "do"} and lexicon.one_of(known, said) >= 0.7
        return route.gives_file or route.is_silent or named
    if route.gives_file or not route.segments:
        return False
    return not is_parameter(route.segments[-1]) if name in _LISTS else with_id
