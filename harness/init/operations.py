"""Which route is which operation of the contract."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from harness.init.envelopes import thing_of
from harness.init.fields import fit
from harness.init.guess import Certainty, assign
from harness.init.lexicon import Lexicon, Words, words_of
from harness.init.nouns import Place, Role
from harness.init.references import Document
from harness.init.routes import Route, is_parameter

WRITES = ("POST", "PUT", "PATCH")
PROBES = ("live", "ready", "health", "metrics", "openapi")

PARAMETERS: Mapping[str, str] = {
    "job": "job_id",
    "evidence": "evidence_id",
    "export": "export_id",
    "ledger": "event_id",
}
"""What the contract calls the parameter after each noun."""


@dataclass(frozen=True, kw_only=True)
class OperationMatch:
    """An operation of the contract and the route that is it."""

    name: str
    route: Route
    path: str
    """With the contract's names of parameters; with its own for one that none of them is."""
    strange: tuple[str, ...]
    """Parameters of the path that the contract does not have."""
    certainty: Certainty
    why: str


class Finder:
    """Scores every route for every operation, then pairs them all at once."""

    def __init__(
        self,
        lexicon: Lexicon,
        document: Document,
        places: Sequence[Place],
        roles: Mapping[str, Role],
    ) -> None:
        self._lexicon, self._document, self._places = lexicon, document, places
        self._roles = roles
        self._actions = lexicon.tables["actions"]
        self._probes = lexicon.tables["probes"]
        self._nouns = {role: one.collection.noun for role, one in roles.items()}

    def matches(self) -> tuple[OperationMatch, ...]:
        """Give every operation that was found, the clearest first."""
        scores = {
            (name, number): score
            for number, place in enumerate(self._places)
            for name, rule in self._rules().items()
            if (score := rule(place)) > 0
        }
        found = []
        for pair in assign(scores):
            place, certainty = self._places[pair.theirs], pair.certainty
            role = ROLE_OF.get(pair.ours, "")
            if certainty is None:
                continue
            if role in self._roles:
                certainty = min(certainty, self._roles[role].certainty)
            path, strange = self._path(place, pair.ours)
            if strange:
                certainty = Certainty.DOUBTFUL
            found.append(
                OperationMatch(
                    name=pair.ours,
                    route=place.route,
                    path=path,
                    strange=strange,
                    certainty=certainty,
                    why=self._why(place, pair.ours, strange),
                )
            )
        return tuple(found)

    def _rules(self) -> Mapping[str, Callable[[Place], float]]:
        return {
            "createJob": lambda place: self._making(place, "job"),
            "listJobs": lambda place: self._reading(place, "job", "all"),
            "getJob": lambda place: self._reading(place, "job", "one"),
            "uploadEvidence": self._upload,
            "listEvidence": lambda place: self._reading(place, "evidence", "all"),
            "getEvidence": lambda place: self._reading(place, "evidence", "one"),
            "getEvidenceContent": lambda place: self._bytes(place, "evidence", "content"),
            "requestExport": self._request_export,
            "listExports": lambda place: self._reading(place, "export", "all"),
            "getExport": lambda place: self._reading(place, "export", "one"),
            "cancelExport": self._cancel,
            "retryExport": self._retry,
            "downloadExport": lambda place: self._bytes(place, "export", "download"),
            "getManifest": self._manifest,
            "verifyManifest": self._verify_manifest,
            "listLedgerEvents": lambda place: self._reading(place, "ledger", "all"),
            "getLedgerEvent": lambda place: self._reading(place, "ledger", "one"),
            "verifyLedgerEvent": self._verify_event,
            **{name: partial(self._probe, name) for name in PROBES},
        }

    def _is(self, place: Place, role: str) -> bool:
        return self._nouns.get(role) == place.noun != ""

    def _under(self, place: Place, role: str) -> bool:
        return self._nouns.get(role) in place.parents

    def _making(self, place: Place, role: str) -> float:
        right = self._is(place, role) and place.form == "all" and place.route.method == "POST"
        return (0.95 if not place.parents else 0.7) if right and not place.route.form else 0.0

    def _reading(self, place: Place, role: str, form: str) -> float:
        if not (self._is(place, role) and place.form == form and place.route.method == "GET"):
            return 0.0
        wanted_below_job = form == "all" and role in {"evidence", "export"}
        if wanted_below_job:
            return 0.95 if self._under(place, "job") else 0.5
        return 0.95 if not place.parents else 0.6

    def _upload(self, place: Place) -> float:
        route = place.route
        if route.method not in {"POST", "PUT"}:
            return 0.0
        takes_file = route.form or any(each.kind == "file" for each in route.body)
        said = self._act(place, "upload")
        nouns = self._lexicon.tables["nouns"]["evidence"]
        if self._is(place, "evidence") and place.form == "all":
            return 0.95 if takes_file else 0.5
        if self._is(place, "evidence") and place.form == "do" and said:
            return 0.95 if takes_file else 0.6
        if self._is(place, "job") and place.form == "act" and takes_file:
            named = max(said, self._lexicon.one_of(nouns, words_of(place.action)))
            return 0.55 + 0.35 * named
        return 0.0

    def _request_export(self, place: Place) -> float:
        route = place.route
        if route.method != "POST" or route.form:
            return 0.0
        if self._is(place, "export") and place.form == "all":
            return 0.95 if self._under(place, "job") or _names(route, self._lexicon, "job") else 0.6
        if self._is(place, "export") and place.form == "one":  # `/exports/{kind}`
            return 0.95 if self._under(place, "job") else 0.5
        nouns = self._lexicon.tables["nouns"]["export"]
        if self._is(place, "job") and place.form == "act":
            return 0.8 * self._lexicon.one_of(nouns, words_of(place.action.split("/")[0]))
        return 0.0

    def _cancel(self, place: Place) -> float:
        if not self._is(place, "export") or place.route.gives_file:
            return 0.0
        if place.form == "one" and place.route.method == "DELETE":
            return 0.75
        if place.form == "act" and place.route.method in (*WRITES, "DELETE"):
            return 0.4 + 0.55 * self._act(place, "cancel")
        return 0.0

    def _retry(self, place: Place) -> float:
        if not (self._is(place, "export") and place.form == "act" and place.route.method in WRITES):
            return 0.0
        return 0.4 + 0.55 * self._act(place, "retry")

    def _bytes(self, place: Place, role: str, action: str) -> float:
        if not (self._is(place, role) and place.form == "act" and place.route.method == "GET"):
            return 0.0
        said = self._act(place, action)
        return 0.5 + 0.2 * said + 0.25 if place.route.gives_file else 0.65 * said

    def _manifest(self, place: Place) -> float:
        if not (self._is(place, "export") and place.form == "act" and place.route.method == "GET"):
            return 0.0
        if place.route.gives_file:
            return 0.0
        said = self._act(place, "manifest")
        like = fit(self._lexicon, "manifest", thing_of(self._document, place.route))
        return 0.3 + 0.45 * said + 0.3 * min(like * 1.3, 1)

    def _verify_manifest(self, place: Place) -> float:
        said = words_of("/".join(each for each in place.route.segments if not is_parameter(each)))
        verify = self._any(said, "verify")
        export = set(self._nouns.get("export", "").split()) or {""}
        about = max(self._any(said, "manifest"), 0.8 * float(export <= set(said)))
        if place.route.method not in {"POST", "GET"} or not verify:
            return 0.0
        if self._is(place, "evidence") or self._is(place, "ledger") or self._is(place, "job"):
            return 0.0
        like = fit(self._lexicon, "manifest_verification", thing_of(self._document, place.route))
        return 0.3 * verify + 0.35 * about + 0.35 * min(like * 1.5, 1)

    def _verify_event(self, place: Place) -> float:
        right = self._is(place, "ledger") and place.form == "act"
        if not right or place.route.method not in {"GET", "POST"}:
            return 0.0
        like = fit(self._lexicon, "ledger_verification", thing_of(self._document, place.route))
        return 0.4 + 0.35 * self._act(place, "verify") + 0.25 * min(like * 1.5, 1)

    def _probe(self, name: str, place: Place) -> float:
        route = place.route
        if route.method != "GET" or any(map(is_parameter, route.segments)) or not route.segments:
            return 0.0
        words = words_of(route.segments[-1])
        said = self._lexicon.one_of(self._probes[name], words)
        return 0.95 * said if said >= 0.7 else 0.0

    def _act(self, place: Place, name: str) -> float:
        return self._lexicon.one_of(self._actions[name], words_of(place.action))

    def _any(self, said: Words, name: str) -> float:
        """Whether any word of a path is one of an action's."""
        known = {word for each in self._actions[name] for word in words_of(each)}
        return float(any(word in known for word in said))

    def _path(self, place: Place, name: str) -> tuple[str, tuple[str, ...]]:
        """Write a path with the contract's names of parameters."""
        by_noun = {noun: PARAMETERS[role] for role, noun in self._nouns.items()}
        written, strange, before = [], [], ""
        for segment in place.route.path.split("/"):
            if is_parameter(segment):
                ours = by_noun.get(before)
                if name == "requestExport" and ours == "export_id":
                    ours = "export_type"
                if name not in _TAKES.get(ours or "", ()):
                    strange.append(segment)
                written.append(f"{{{ours}}}" if ours else segment)
            else:
                written.append(segment)
                before = " ".join(words_of(segment))
        return "/".join(written), tuple(strange)

    def _why(self, place: Place, name: str, strange: Iterable[str]) -> str:
        role = ROLE_OF.get(name, "")
        reasons = []
        if role in self._roles:
            reasons.append(f'"{self._roles[role].collection.said}" is the {_WORD[role]} here')
        if place.action:
            reasons.append(f"{place.route.method} …/{place.action}")
        elif place.route.form:
            reasons.append("takes a form")
        elif not role:
            reasons.append(f"{place.route.method} {place.route.path}")
        reasons += [f"the contract has no parameter {each} here" for each in strange]
        return "; ".join(reasons)


def _names(route: Route, lexicon: Lexicon, role: str) -> bool:
    """Whether a body has the id of one of a role."""
    return any(lexicon.best((f"{role} id", role), each.own) >= 0.9 for each in route.body)


_WORD = {"job": "job", "evidence": "evidence", "export": "export", "ledger": "ledger"}

ROLE_OF: Mapping[str, str] = {
    "createJob": "job",
    "listJobs": "job",
    "getJob": "job",
    "uploadEvidence": "evidence",
    "listEvidence": "evidence",
    "getEvidence": "evidence",
    "getEvidenceContent": "evidence",
    "requestExport": "export",
    "listExports": "export",
    "getExport": "export",
    "cancelExport": "export",
    "retryExport": "export",
    "downloadExport": "export",
    "getManifest": "export",
    "listLedgerEvents": "ledger",
    "getLedgerEvent": "ledger",
    "verifyLedgerEvent": "ledger",
}

_TAKES: Mapping[str, frozenset[str]] = {
    "job_id": frozenset(
        {"getJob", "uploadEvidence", "listEvidence", "requestExport", "listExports"}
    ),
    "evidence_id": frozenset({"getEvidence", "getEvidenceContent"}),
    "export_type": frozenset({"requestExport"}),
    "export_id": frozenset(
        {
            *("getExport", "cancelExport", "retryExport", "downloadExport", "getManifest"),
            "verifyManifest",  # which takes it in its body, too
        }
    ),
    "event_id": frozenset({"getLedgerEvent", "verifyLedgerEvent"}),
}
"""Which operations of the contract have which parameter."""
