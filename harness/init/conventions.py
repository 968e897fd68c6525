"""Headers and errors: what is the same in every answer of a backend."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.init.fields import match_fields
from harness.init.guess import Certainty, Guess, assign
from harness.init.lexicon import Lexicon, words_of
from harness.init.references import Document
from harness.init.routes import Route
from harness.init.things import Property, properties

_SENT: Mapping[str, tuple[str, ...]] = {
    "Idempotency-Key": ("uploadEvidence", "requestExport"),
    "X-Request-ID": (),
}
"""Headers of requests, and the operations that take them; none: all of them."""

_GIVEN: Mapping[str, tuple[str, ...]] = {
    "X-Request-ID": (),
    "X-Idempotency-Replayed": ("uploadEvidence", "requestExport"),
    "X-Evidence-Deduplicated": ("uploadEvidence",),
    "X-Export-In-Progress": ("requestExport",),
}
"""Headers of answers, and the operations that give them; none: all of them."""

_RFC9457 = {"code": "/code", "title": "/title", "detail": "/detail"}


def guess_headers(lexicon: Lexicon, routes: Mapping[str, Route]) -> Iterator[Guess]:
    """Say what the headers of the contract are called; `routes` are by the contract's operation."""
    phrases = lexicon.tables["headers"]
    seen: dict[str, Property] = {}
    scores: dict[tuple[str, str], float] = {}
    for name, places in _headers_by_name(routes):
        for header, place in places.items():
            seen.setdefault(header, place)
            if place.words and not seen[header].words:
                seen[header] = place
            scores[(name, header)] = lexicon.best(phrases[name], place.own)
    for pair in assign(scores):
        certainty = pair.certainty
        if certainty is None or pair.theirs.lower() == pair.ours.lower():
            continue
        value, why = pair.theirs, f'reads as "{_best(lexicon, phrases[pair.ours], pair.theirs)}"'
        if pair.ours in _MARKS:
            words = seen[pair.theirs].words
            if len(words) == 1:
                value, why = f"{pair.theirs}: {words[0]}", f"{why}; its one value"
            else:
                value, why = f"{pair.theirs}: true", f"{why}; its value for yes is not known"
                certainty = Certainty.DOUBTFUL
        yield Guess(
            table=("contract", "headers"),
            key=(pair.ours,),
            value=value,
            certainty=certainty,
            why=why,
        )


_MARKS = ("X-Idempotency-Replayed", "X-Evidence-Deduplicated", "X-Export-In-Progress")


def _headers_by_name(
    routes: Mapping[str, Route],
) -> Iterator[tuple[str, Mapping[str, Property]]]:
    """Give each header of the contract with those that may be it."""
    for name, operations in _SENT.items():
        for operation in operations or routes:
            if operation in routes:
                yield name, routes[operation].headers
    for name, operations in _GIVEN.items():
        for operation in operations or routes:
            for answer in routes[operation].answers if operation in routes else ():
                yield name, answer.headers


def _best(lexicon: Lexicon, phrases: Sequence[str], name: str) -> str:
    return max(phrases, key=lambda each: lexicon.phrase(each, words_of(name)))


def _refusals_of(routes: Sequence[Route]) -> Counter[str]:
    """Count the bodies of refusals by what they look like."""
    seen: Counter[str] = Counter()
    for route in routes:
        for answer in route.answers:
            if answer.status >= 400 and answer.schema:
                seen[repr(answer.schema)] += 1
    return seen


def guess_problem(
    lexicon: Lexicon, document: Document, routes: Sequence[Route]
) -> tuple[tuple[Guess, ...], Property | None]:
    """Say where errors have what, if not as RFC 9457; the second is the machine name's place."""
    seen = _refusals_of(routes)
    if not seen:
        return (), None
    most = seen.most_common(1)[0][0]
    answer = next(
        each
        for route in routes
        for each in route.answers
        if each.status >= 400 and repr(each.schema) == most
    )
    places = properties(document, answer.schema)
    matched = match_fields(lexicon, "problem", places)
    pointers = {one.field: one for one in matched.found}
    code = pointers.get("code")
    media = next(iter(answer.media), "application/json")
    standard = all(
        field in pointers and pointers[field].place.pointer == pointer
        for field, pointer in _RFC9457.items()
    )
    if code is None or standard:
        return (), code.place if code else None
    share = seen[most] / sum(seen.values())
    guesses = []
    if media not in {"application/json", "application/problem+json", "*/*"}:
        guesses.append(("content_type", media, Certainty.LIKELY, "so in most refusals"))
    for field, one in pointers.items():
        certainty = min(one.certainty, Certainty.SURE if share > 0.5 else Certainty.LIKELY)
        if field == "errors":
            items = document.members(one.place.schema.get("items"))
            if not {"field", "message"} <= set(items):
                continue
        guesses.append((field, one.place.pointer, certainty, one.why))
    if not code.certainty.is_written:  # the table cannot be without it
        guesses = [(key, value, Certainty.DOUBTFUL, why) for key, value, _, why in guesses]
    return (
        tuple(
            Guess(table=("contract", "problem"), key=(key,), value=value, certainty=sure, why=why)
            for key, value, sure, why in guesses
        ),
        code.place,
    )


def guess_refusals(
    lexicon: Lexicon,
    code: Property | None,
    routes: Mapping[str, Route],
    known: Mapping[str, Sequence[int]],
) -> Iterator[Guess]:
    """Say what refusals are called, where the machine names are listed.

    `known` has the statuses of the contract's codes. Where a backend has a code for each, only
    those are written that a check asks for by name; where few words stand for all, each is.
    """
    listed = code.words if code is not None else ()
    if not listed:
        return
    given = [answer.status for route in routes.values() for answer in route.answers]
    scores = {
        (ours, theirs): _same(words_of(ours), words_of(theirs))
        for ours in known
        for theirs in listed
    }
    named = {pair.ours: pair for pair in assign(scores, least=0.5) if pair.ours in _ASKED}
    for ours, wanted in known.items():
        pair = named.get(ours)
        status = next((one for one in wanted if one in given), None)
        if pair is not None and status is not None and pair.certainty is not None:
            same = "the same name" if pair.score >= 0.99 else "the nearest name"
            why = f"{same} of {len(listed)} listed codes"
            yield _refusal(ours, wanted[0], status, pair.theirs, pair.certainty, why)
        elif shared := _shared(lexicon, ours, wanted[0], listed, routes):
            why = f"one of {len(listed)} words for all refusals"
            yield _refusal(ours, wanted[0], wanted[0], shared, Certainty.LIKELY, why)


def _shared(
    lexicon: Lexicon,
    ours: str,
    status: int,
    listed: Sequence[str],
    routes: Mapping[str, Route],
) -> str | None:
    """Find the word that stands for a status, or for all that is wrong with requests.

    None where the operation that gives the refusal does not describe its status.
    """
    table = lexicon.tables["refusals"]
    if len(listed) > _FEW or ours in table["told_apart"]["not_by_any_check"]:
        return None
    giver = table["given_by"].get(ours)
    there = [routes[giver]] if giver in routes else list(routes.values()) if not giver else []
    if not any(answer.status == status for route in there for answer in route.answers):
        return None
    exact = [each for each in listed if _means(lexicon, str(status), each)]
    if not exact and 400 <= status < 500:
        exact = [each for each in listed if _means(lexicon, "400", each)]
    return exact[0] if len(exact) == 1 else None


def _means(lexicon: Lexicon, status: str, word: str) -> bool:
    phrases = lexicon.tables["refusals"]["words"].get(status, ())
    return any(words_of(each) == words_of(word) for each in phrases)


def _refusal(
    ours: str, status: int, theirs_status: int, theirs: str, certainty: Certainty, why: str
) -> Guess:
    return Guess(
        table=("contract", "refusals"),
        key=(f"{status} {ours}",),
        value=f"{theirs_status} {theirs}",
        certainty=certainty,
        why=why,
    )


_FEW = 10
"""With no more words than these, several refusals must share one."""

_ASKED = ("not_found", "idempotency_key_reused", "content_mismatch")


def _same(ours: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    shared = len(set(ours) & set(theirs))
    return 2 * shared / (len(set(ours)) + len(set(theirs)))
