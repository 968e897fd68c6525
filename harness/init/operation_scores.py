"""How well a route is an operation of the contract: noun, place, method, what goes in and out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from harness.init.envelopes import list_of, thing_of
from harness.init.fields import fit
from harness.init.lexicon import Lexicon, Words, words_of
from harness.init.operation_names import PROBES
from harness.init.places import Place, without_prefix
from harness.init.references import Document
from harness.init.routes import Route, is_parameter
from harness.init.values import life_of

_WRITES = ("POST", "PUT", "PATCH")
_MOST_BESIDE_PROBE = 6
_DEEPEST_PROBE = 2
"""Segments of the path of a probe, `/system/health`: what is deeper speaks of one thing."""


class Scorer:
    """Scores routes."""

    def __init__(
        self,
        lexicon: Lexicon,
        document: Document,
        nouns: Mapping[str, str],
        places: Sequence[Place],
    ) -> None:
        """`nouns` are by role; `places` are those of all routes."""
        self._lexicon, self._document, self._nouns = lexicon, document, nouns
        self._actions = lexicon.tables["actions"]
        self._probes = lexicon.tables["probes"]
        self._bases: dict[str, set[str]] = {}
        self._below: Counter[str] = Counter()
        for place in places:
            self._below[next(iter(without_prefix(place.route.segments)), "")] += 1
            if place.form == "one" and place.route.method == "GET":
                base = place.route.path.rstrip("/").rpartition("/")[0]
                self._bases.setdefault(place.noun, set()).add(base)

    def score(self, place: Place, name: str) -> float:
        """Say how well a route is an operation: 0 to 1."""
        return self._rules()[name](place)

    @property
    def names(self) -> Sequence[str]:
        """The operations that it knows."""
        return list(self._rules())

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
            "getExport": self._get_export,
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
        if not right or place.route.needs_file:
            return 0.0
        plain = 0.95 if not place.parents else 0.7
        return (plain - 0.2 * place.route.takes_file) * self._at_base(place)

    def _at_base(self, place: Place) -> float:
        """Whether a collection is where its things are: `/projects`, not `/reports/projects`."""
        bases = self._bases.get(place.noun, ())
        return 1.0 if not bases or place.route.path.rstrip("/") in bases else 0.6

    def _reading(self, place: Place, role: str, form: str) -> float:
        if not (self._is(place, role) and place.form == form and place.route.method == "GET"):
            return 0.0
        if place.route.gives_file:
            return 0.0
        if form == "all" and role in {"evidence", "export"}:
            return self._below_job(place)
        shows = self._shows(place, form)
        if form == "all":
            shows *= self._at_base(place)
        return (0.95 if not place.parents else 0.85 if self._under(place, "job") else 0.6) * shows

    def _below_job(self, place: Place) -> float:
        """Evidence and exports are listed of a job: by the path, or by a query that names it."""
        if self._under(place, "job"):
            return 0.95
        if place.parents:
            return 0.5
        return 0.9 if _names(place.route, self._lexicon, "job") else 0.75

    def _shows(self, place: Place, form: str) -> float:
        """Whether an answer shows what is asked for; one that nothing is said of may."""
        if place.route.is_silent:
            return 0.7
        if form == "one":
            return 1.0 if thing_of(self._document, place.route) else 0.75
        if list_of(self._document, place.route) is not None:
            return 1.0
        # What is described, and has no list in it, is one thing.
        return 0.5 if thing_of(self._document, place.route) else 0.85

    def _upload(self, place: Place) -> float:
        route = place.route
        if route.method not in {"POST", "PUT"}:
            return 0.0
        said = self._act(place, "upload")
        nouns = self._lexicon.tables["nouns"]["evidence"]
        takes = route.takes_file
        if self._is(place, "evidence") and (place.form == "all" or (place.form == "do" and said)):
            return (self._for_job(place) if takes else 0.5) - 0.02 * (place.form == "do")
        if self._is(place, "evidence") and place.form == "do" and takes:
            return 0.6
        if self._is(place, "job") and place.form == "act" and takes:
            named = max(said, self._lexicon.one_of(nouns, words_of(place.action)))
            return 0.55 + 0.35 * named
        return 0.0

    def _for_job(self, place: Place) -> float:
        """What is made for a job says which: by the path, or by a member of the request."""
        if self._under(place, "job") or _names(place.route, self._lexicon, "job"):
            return 0.95
        return 0.6 if place.parents else 0.82

    def _request_export(self, place: Place) -> float:
        route = place.route
        if route.method != "POST" or route.needs_file:
            return 0.0
        if self._is(place, "export") and place.form == "all":
            return self._for_job(place)
        if self._is(place, "export") and place.form == "one":  # `/exports/{kind}`
            return 0.95 if self._under(place, "job") else 0.5
        nouns = self._lexicon.tables["nouns"]["export"]
        if self._is(place, "job") and place.form == "act":
            return 0.8 * self._lexicon.one_of(nouns, words_of(place.action.split("/")[0]))
        return 0.0

    def _get_export(self, place: Place) -> float:
        """The route of one export, or the one below it that says how far it is."""
        asked = self._is(place, "export") and place.form == "act" and place.route.method == "GET"
        if not asked or place.route.gives_file:
            return self._reading(place, "export", "one")
        lives = [
            life_of(self._lexicon, each.words) for each in thing_of(self._document, place.route)
        ]
        return 0.75 * max(lives, default=0.0)

    def _cancel(self, place: Place) -> float:
        if not self._is(place, "export") or place.route.gives_file:
            return 0.0
        if place.form == "one" and place.route.method == "DELETE":
            # What is gone is not shown: an answer with the export says that it is only canceled.
            return 0.75 if thing_of(self._document, place.route) else 0.5
        if place.form == "act" and place.route.method in (*_WRITES, "DELETE"):
            return 0.4 + 0.55 * self._act(place, "cancel")
        return 0.0

    def _retry(self, place: Place) -> float:
        if not (
            self._is(place, "export") and place.form == "act" and place.route.method in _WRITES
        ):
            return 0.0
        return 0.4 + 0.55 * self._act(place, "retry")

    def _bytes(self, place: Place, role: str, action: str) -> float:
        if not (self._is(place, role) and place.route.method == "GET"):
            return 0.0
        if place.form == "one":
            return 0.75 if place.route.gives_file else 0.5 * place.route.is_silent
        if place.form != "act":
            return 0.0
        said = self._act(place, action)
        if place.route.gives_file:
            derived = not said and "/" in place.action
            return 0.55 if derived else 0.75 + 0.2 * said
        return (0.75 if place.route.is_silent else 0.65) * said

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
        segments = without_prefix(route.segments)
        if route.method != "GET" or not 0 < len(segments) <= _DEEPEST_PROBE or place.parents:
            return 0.0
        if any(map(is_parameter, segments)) or any(each.required for each in route.query):
            return 0.0
        if place.noun and len(segments) > 1:  # it speaks of that collection
            return 0.0
        if len(segments) > 1 and self._below[segments[0]] > _MOST_BESIDE_PROBE:
            return 0.0  # a drawer of tools
        words = words_of(segments[-1])
        said = self._lexicon.one_of(self._probes[name], words)
        return 0.95 * said if said >= 0.7 else 0.0

    def _act(self, place: Place, name: str) -> float:
        return self._lexicon.one_of(self._actions[name], words_of(place.action))

    def _any(self, said: Words, name: str) -> float:
        """Whether any word of a path is one of an action's."""
        known = {word for each in self._actions[name] for word in words_of(each)}
        return float(any(word in known for word in said))


def _names(route: Route, lexicon: Lexicon, role: str) -> bool:
    """Whether a request has the id of one of a role: in its body or in its query."""
    sent = (*route.body, *route.query)
    return any(lexicon.best((f"{role} id", role), each.own) >= 0.9 for each in sent)
