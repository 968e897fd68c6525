"""Which word of a backend is which of the contract's: states, types, events, kinds of things."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.init.guess import Certainty, Guess, assign
from harness.init.lexicon import Lexicon, stem, words_of
from harness.vocabulary.exports import EXPORT_TYPES, PREPARING, STATES


@dataclass(frozen=True, kw_only=True)
class Words:
    """The backend's words for one of the contract's."""

    ours: str
    theirs: tuple[str, ...]
    certainty: Certainty
    why: str


def states(lexicon: Lexicon, listed: Sequence[str]) -> tuple[Words, ...]:
    """Say which states of an export are which of the contract's; several may be `preparing`."""
    known = lexicon.tables["values"]["states"]
    found: dict[str, list[str]] = {}
    odd: list[str] = []
    clear: dict[str, bool] = {}
    for word in listed:
        meant, sure = _state(lexicon, known, word)
        if meant:
            found.setdefault(meant, []).append(word)
            clear[meant] = clear.get(meant, True) and sure
        else:
            odd.append(word)
    words = []
    for state in sorted(STATES, key=list(known).index):
        theirs = tuple(found.get(state, ()))
        if not theirs:
            continue
        several = len(theirs) > 1 and state != PREPARING
        certainty = Certainty.SURE if clear[state] and not several else Certainty.LIKELY
        if state == "queued" and PREPARING not in found:
            several = True  # one word for both that waits and that is under way
        words.append(
            Words(
                ours=state,
                theirs=theirs,
                certainty=Certainty.DOUBTFUL if several else certainty,
                why=f"{_quoted(theirs)} of {len(listed)} listed states",
            )
        )
    left = [state for state in STATES if state not in found]
    if len(left) == 1 and odd:
        why = f"the only state that is left for {_quoted(odd)}"
        words.append(Words(ours=left[0], theirs=tuple(odd), certainty=Certainty.DOUBTFUL, why=why))
    return tuple(words)


def life_of(lexicon: Lexicon, listed: Sequence[str]) -> float:
    """How much a list of words is that of the states of work: some of it waits or is under way,
    and some of it has ended, well or not.
    """
    if not listed:
        return 0.0
    known = lexicon.tables["values"]["states"]
    meant = {_state(lexicon, known, word)[0] for word in listed} - {""}
    live, over = meant & {"queued", PREPARING}, meant & {"ready", "failed"}
    if not live or not over:
        return 0.0
    return 1.0 if "failed" in meant and len(meant) >= 3 else 0.7


def _state(lexicon: Lexicon, known: Mapping[str, Sequence[str]], word: str) -> tuple[str, bool]:
    own = words_of(word)
    best = max(known, key=lambda state: lexicon.one_of(known[state], own))
    if lexicon.one_of(known[best], own) >= 0.6:
        return best, True
    if word.lower().endswith("ing") and word.lower() not in lexicon.tables["values"]["no_work"]:
        return PREPARING, False
    return "", False


def export_types(lexicon: Lexicon, listed: Sequence[str], noun: str) -> tuple[Words, ...]:
    """Say which type is which; of two, the one that is no ledger is the proof pack."""
    known = lexicon.tables["values"]["export_type"]
    mine = {stem(word) for word in words_of(noun)}
    scores = {
        (ours, word): score
        for ours in EXPORT_TYPES
        for word in listed
        if (
            score := lexicon.one_of(
                [*known[ours], *(mine if ours != "ledger" else ())], words_of(word)
            )
        )
    }
    found = {pair.ours: pair for pair in assign(scores)}
    words = []
    for ours in EXPORT_TYPES:
        pair = found.get(ours)
        other = next((found[each] for each in EXPORT_TYPES if each != ours and each in found), None)
        if pair is not None and pair.certainty is not None:
            alone = len(listed) == len(EXPORT_TYPES) and other is not None
            certainty = Certainty.SURE if alone else min(pair.certainty, Certainty.LIKELY)
            why = f"of {len(listed)} listed types"
            words.append(Words(ours=ours, theirs=(pair.theirs,), certainty=certainty, why=why))
        elif other is not None and len(listed) == len(EXPORT_TYPES):
            (rest,) = [word for word in listed if word != other.theirs]
            why = f"the other one of two types is {other.theirs!r}"
            words.append(Words(ours=ours, theirs=(rest,), certainty=Certainty.LIKELY, why=why))
    return tuple(words)


def events(lexicon: Lexicon, listed: Sequence[str]) -> tuple[Words, ...]:
    """Say which event is which: by the thing that it is about, and what was done to it."""
    known = lexicon.tables["values"]["events"]
    scores: dict[tuple[str, str], float] = {}
    for ours, rule in known.items():
        for word in listed:
            own = words_of(word)
            thing = max((lexicon.means(each, rule["thing"]) for each in own), default=0.0)
            done = max(
                (1 - 0.01 * n for n, each in enumerate(rule["done"]) if stem(each) in own),
                default=0.0,
            )
            if thing and done:
                scores[(ours, word)] = 0.5 * thing + 0.5 * done
    return tuple(
        Words(
            ours=pair.ours,
            theirs=(pair.theirs,),
            certainty=pair.certainty,
            why=f"of {len(listed)} listed events",
        )
        for pair in sorted(assign(scores), key=lambda pair: list(known).index(pair.ours))
        if pair.certainty is not None
    )


def target_types(lexicon: Lexicon, listed: Sequence[str]) -> tuple[Words, ...]:
    """Say which kind of thing an event is about."""
    scores = {
        (ours, word): max(lexicon.means(each, ours) for each in words_of(word))
        for ours in ("evidence", "export")
        for word in listed
        if words_of(word)
    }
    return tuple(
        Words(ours=pair.ours, theirs=(pair.theirs,), certainty=pair.certainty, why="its noun")
        for pair in assign(scores)
        if pair.certainty is not None
    )


def evidence_state(lexicon: Lexicon, listed: Sequence[str]) -> tuple[Words, ...]:
    """Say which state means that evidence is sealed; one alone can only be that."""
    known = lexicon.tables["values"]["evidence_state"]["sealed"]
    scores = {("sealed", word): lexicon.one_of(known, words_of(word)) for word in listed}
    found = next(iter(assign(scores)), None)
    if len(listed) == 1:
        why, certainty = "the only state that is listed", Certainty.SURE
        return (Words(ours="sealed", theirs=tuple(listed), certainty=certainty, why=why),)
    if found is None:
        return ()
    why = f"of {len(listed)} listed states"
    certainty = Certainty.DOUBTFUL
    return (Words(ours="sealed", theirs=(found.theirs,), certainty=certainty, why=why),)


def guess_values(
    lexicon: Lexicon, resource: str, listed: Mapping[str, Sequence[str]], noun: str
) -> Iterator[Guess]:
    """Write the words of every field that has words of its own; `listed` is by field."""
    for field, finder in _FINDERS.get(resource, {}).items():
        words = listed.get(field, ())
        if not words:
            continue
        found = export_types(lexicon, words, noun) if finder is None else finder(lexicon, words)
        for one in found:
            if one.theirs == (one.ours,):
                continue
            value = one.theirs[0] if len(one.theirs) == 1 else one.theirs
            yield Guess(
                table=("contract", "values", resource, field),
                key=(one.ours,),
                value=value,
                certainty=one.certainty,
                why=one.why,
            )


_Finder = Callable[[Lexicon, Sequence[str]], tuple[Words, ...]]

_FINDERS: Mapping[str, Mapping[str, _Finder | None]] = {
    "evidence": {"state": evidence_state},
    "export": {"export_type": None, "state": states},
    "ledger_event": {"event_name": events, "target_type": target_types},
}
"""By resource and field; None: types of exports, which depend on what exports are called."""


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
