"""The function that claims exports, if the database has one: its name, arguments and result."""

from collections.abc import Iterator

from harness.init.catalog import Catalog, FunctionSeen
from harness.init.fields import match_fields
from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon, words_of

_OURS = "claim_export_job"
_GIVES_NOTHING = frozenset({"void", "boolean", "trigger"})


def guess_function(lexicon: Lexicon, catalog: Catalog) -> Iterator[Guess]:
    """Write `[claim] function` and what it takes and gives, where it is not the contract's."""
    where = ("claim",)
    ranked = sorted(
        ((_score(lexicon, one), one) for one in catalog.functions), key=lambda each: -each[0]
    )
    likely = [(score, one) for score, one in ranked if score > 0]
    if any(one.name == _OURS for _, one in likely):
        return
    if not likely:
        why = "no function claims anything: workers do it in SQL of their own"
        yield Guess(table=where, key=("function",), value="", certainty=Certainty.LIKELY, why=why)
        return
    score, best = likely[0]
    clear = len(likely) == 1 or score - likely[1][0] >= 0.15
    certainty = Certainty.LIKELY if clear and score >= 0.8 else Certainty.DOUBTFUL
    yield Guess(
        table=where,
        key=("function",),
        value=best.written,
        certainty=certainty,
        why=f"{best.name}({best.arguments})",
    )
    yield from _arguments(lexicon, best, certainty)
    found = {one.field: one for one in match_fields(lexicon, "claim_result", best.outputs).found}
    for name in ("id", "attempt", "claim_token") if best.outputs else ():
        one = found.get(name)
        if one is None or one.place.name != name:
            yield Guess(
                table=("claim", "result"),
                key=(name,),
                value=one.place.name if one else "",
                certainty=min(one.certainty if one else Certainty.LIKELY, certainty),
                why=one.why if one else "it gives nothing like it",
            )


def _arguments(lexicon: Lexicon, function: FunctionSeen, most: Certainty) -> Iterator[Guess]:
    places = function.inputs
    found = {one.field: one for one in match_fields(lexicon, "claim_arguments", places).found}
    names = {"worker": "p_worker", "limit": "p_limit", "per_org": "p_max_per_org"}
    for name, ours in names.items():
        one = found.get(name)
        if one is not None and one.place.name == ours:
            continue
        yield Guess(
            table=("claim", "arguments"),
            key=(name,),
            value=one.place.name if one else "",
            certainty=min(one.certainty if one else Certainty.LIKELY, most),
            why=one.why if one else "it takes nothing like it",
        )


def _score(lexicon: Lexicon, function: FunctionSeen) -> float:
    own = words_of(function.name)
    words = lexicon.tables["functions"]
    other = any(word in own for each in words["not_claim"] for word in words_of(each))
    if other or function.result in _GIVES_NOTHING:
        return 0.0
    claims = max(
        (1 - 0.05 * n for n, each in enumerate(words["claim"]) if words_of(each)[0] in own),
        default=0.0,
    )
    about = any(lexicon.means(word, "export") or word in words_of("job task work") for word in own)
    return 0.7 * claims + 0.3 * about if claims else 0.0
