"""The checkers of whole histories: examples, and oracles that ask each question anew."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers import attempts, chain, drains, fencing, intact, reads, unchanged
from harness.checkers.as_entries import FIXED
from harness.checkers.chain import chained
from harness.checkers.effects import ExactlyOnceEffect
from harness.checkers.entry_examples import PROMISE, EntryExample, entry_example, request, steps
from harness.checkers.every import EVERY
from harness.checkers.faults_proven import FaultsProven
from harness.checkers.fold import Checker, Folding, Judgment, fold
from harness.checkers.recovery import DRAIN
from harness.checkers.states import NoGap
from harness.checkers.unchanged import recorded
from harness.history.entries import Busy, Download, Entry, Judge, Operation, Transition

END = Judge(what="the end", ended=True, watched=True, **FIXED)

GOOD: list[tuple[type[Checker], EntryExample]] = [
    (checker, each)
    for checker, examples in (
        (attempts.AttemptsBounded, attempts.ACCEPTS),
        (fencing.Fencing, fencing.ACCEPTS),
        (chain.LedgerChain, chain.ACCEPTS),
        (reads.ReadYourWrites, reads.READ_ACCEPTS),
        (reads.TenantsApart, reads.APART_ACCEPTS),
        (drains.DrainedInTime, drains.ACCEPTS),
        (intact.DownloadsIntact, intact.ACCEPTS),
        (unchanged.Unchanged, unchanged.ACCEPTS),
    )
    for each in examples
]
BAD: list[tuple[type[Checker], EntryExample]] = [
    (checker, each)
    for checker, examples in (
        (attempts.AttemptsBounded, attempts.REJECTS),
        (fencing.Fencing, fencing.REJECTS),
        (chain.LedgerChain, chain.REJECTS),
        (reads.ReadYourWrites, reads.READ_REJECTS),
        (reads.TenantsApart, reads.APART_REJECTS),
        (drains.DrainedInTime, drains.REJECTS),
        (intact.DownloadsIntact, intact.REJECTS),
        (unchanged.Unchanged, unchanged.REJECTS),
    )
    for each in examples
]


def named(value: object) -> str | None:
    if isinstance(value, EntryExample):
        return value.title
    return value.name if isinstance(value, type) and issubclass(value, Checker) else None


def judged(checker: type[Checker], entries: Sequence[Entry]) -> Judgment:
    folding = Folding([checker])
    for entry in entries:
        folding.take(entry)
    [judgment] = folding.take(END)
    return judgment


@pytest.mark.parametrize(("checker", "good"), GOOD, ids=named)
def test_accepts(checker: type[Checker], good: EntryExample) -> None:
    judgment = judged(checker, good.entries)
    assert judgment.violations == ()
    assert judgment.not_looked_at == ""


@pytest.mark.parametrize(("checker", "bad"), BAD, ids=named)
def test_rejects_for_the_right_reason(checker: type[Checker], bad: EntryExample) -> None:
    assert {each.rule for each in judged(checker, bad.entries).violations} == {bad.rule}


def test_a_checker_without_what_it_needs_says_so() -> None:
    folding = Folding(EVERY)
    nothing = Judge(what="", **FIXED)
    said = {each.checker: each.not_looked_at for each in folding.take(nothing)}
    assert len(said) == len(EVERY)
    looked = {name for name, lacking in said.items() if not lacking}
    assert looked == {"exactly-once-effect"}  # there is no export, and no event without one
    assert all(not each.violations for each in Folding(EVERY).take(nothing))


FAULT: dict[str, Any] = {"f": "kill", "worker": "w1", "process": "chaos", **FIXED}


def fault(*lines: tuple[str, str | None]) -> list[Entry]:
    return [Operation(type=kind, step=step, **FAULT) for kind, step in lines]  # type: ignore[arg-type]


ASKED, VICTIM, EFFECT = ("info", "requested"), ("info", "victim"), ("ok", "effect")


@pytest.mark.parametrize(
    ("lines", "is_open"),
    [
        ([("invoke", None), ASKED, VICTIM, EFFECT], False),
        ([("invoke", None), ASKED, VICTIM], True),
        ([("invoke", None), ASKED, ("info", "effect")], True),  # it looked and saw nothing
        ([ASKED, EFFECT, ASKED], True),  # a second one on the same victim
    ],
)
def test_a_fault_counts_when_somebody_else_saw_it(
    lines: list[tuple[str, str | None]], is_open: bool
) -> None:
    assert judged(FaultsProven, fault(*lines)).is_incomplete == is_open


def test_why_a_fault_was_not_seen_is_said() -> None:
    lines = [*fault(ASKED), Operation(**FAULT, type="info", step="effect", error="it answered")]
    why = judged(FaultsProven, lines).not_looked_at
    assert why == "nobody saw the effect of kill of w1 (it answered)"


SECONDS = st.integers(0, 30)
VERBS = ["claimed w1", "claimed w2", "returned", "ready", "failed", "queued", "beats"]
STEPS = st.lists(st.tuples(SECONDS, st.sampled_from(VERBS)), max_size=16)


def story(drawn: list[tuple[int, str]]) -> list[Entry]:
    lines = [f"e1 {verb} @{at}" for at, verb in sorted(drawn, key=lambda one: one[0])]
    return steps("\n".join(["e1 queued @0", *lines]))


@given(drawn=STEPS)
def test_attempts_agree_with_the_oracle(drawn: list[tuple[int, str]]) -> None:
    changes = [each for each in story(drawn) if isinstance(each, Transition)]
    expected = []
    for at, step in enumerate(changes):
        grants = [n for n in range(at + 1) if changes[n].old_state in (None, "failed")]
        silent = [n for n in range(grants[-1], at + 1) if is_silent_end(changes[n])]
        if step.new_state == "failed" and is_silent_end(step) and len(silent) < 3:
            expected.append("given-up-early")
        if is_claim(step) and len(silent) >= 3:
            expected.append("over-attempts")
    found = judged(attempts.AttemptsBounded, [PROMISE, *changes]).violations
    assert [each.rule for each in found] == expected


def is_claim(step: Transition) -> bool:
    before = (step.old_state, step.old_attempt, step.old_worker)
    return step.new_state == "preparing" and before != (
        "preparing", step.new_attempt, step.new_worker
    )  # fmt: skip


def is_silent_end(step: Transition) -> bool:
    leaves = step.old_state == "preparing" and (
        step.new_state in {"queued", "failed"} or is_claim(step)
    )
    beat = step.heartbeat_us
    return leaves and beat is not None and step.at_us - beat >= 2_000_000


@given(
    drawn=st.lists(
        st.tuples(
            st.sampled_from(["e1", "e2"]),
            st.sampled_from(["queued", "claimed w1", "claimed w2", "returned", "ready"]),
            st.sampled_from(["a", "b", "c"]),
        ),
        max_size=12,
    )
)
def test_fencing_agrees_with_the_oracle(drawn: list[tuple[str, str, str]]) -> None:
    text = "\n".join(f"{export} {verb}" for export, verb, _ in drawn)
    tokens = {
        n + 1: token * 32 for n, (_, verb, token) in enumerate(drawn) if verb.startswith("claimed")
    }
    changes = [each for each in steps(text, tokens) if isinstance(each, Transition)]
    claims = [step for step in changes if is_claim(step) and step.token]
    reused = [
        step.job
        for at, step in enumerate(claims)
        if step.token in [earlier.token for earlier in claims[:at]]
    ]
    found = judged(fencing.Fencing, changes).violations
    assert [each.subject for each in found if each.rule == "token-reused"] == reused
    # The row keeps its token here, or gets another one without a claim: nobody else writes it.
    rewritten = [each.rule for each in found if each.rule == "token-changed"]
    assert len(rewritten) == sum(is_rewritten(changes, step) for step in changes)


def is_rewritten(changes: list[Transition], step: Transition) -> bool:
    """Whether the row's token before this change is that of another claim."""
    if step.old_state != "preparing" or is_claim(step):
        return False
    claims = [each for each in changes if each.n < step.n and is_claim(each)]
    own = [each.token for each in claims if each.job == step.job]
    if not own or own[-1] is None or step.old_token in (None, own[-1]):
        return False
    return step.old_token in [each.token for each in claims]


@given(
    links=st.lists(
        st.tuples(
            st.sampled_from(["o1", "o2"]),
            st.integers(1, 4),
            st.sampled_from("abc"),
            st.sampled_from([None, "a", "b", "c"]),
        ),
        max_size=8,
    )
)
def test_chains_agree_with_the_oracle(links: list[tuple[str, int, str, str | None]]) -> None:
    expected = []
    for at, (org, seq, _, prev) in enumerate(links):
        before = [each for each in links[:at] if each[0] == org]
        last_seq, head = (before[-1][1], before[-1][2]) if before else (0, None)
        if seq != last_seq + 1:
            expected.append(("chain-gap", org))
        elif prev != head:
            expected.append(("chain-broken", org))
    found = judged(chain.LedgerChain, chained(*links)).violations
    assert [(each.rule, each.subject) for each in found] == expected


REQUESTS = st.lists(
    st.builds(
        request,
        st.sampled_from(["invoke", "ok", "fail"]),
        st.just("getExport"),
        st.sampled_from(["e1", "e2"]),
        org=st.sampled_from(["o1", "o2"]),
        process=st.sampled_from(["u1", "u2"]),
        status=st.sampled_from([200, 404, 503]),
    ),
    max_size=14,
)


@given(entries=REQUESTS)
def test_reads_agree_with_the_oracle(entries: list[Operation]) -> None:
    missed, foreign = [], []
    for at, entry in enumerate(entries):
        oks = [n for n in range(at) if entries[n].type == "ok" and entries[n].job == entry.job]
        owner = entries[oks[0]].org if oks else None
        if entry.type == "ok" and owner not in (None, entry.org):
            foreign.append(entry.job)
        mine = [n for n in range(at) if entries[n].process == entry.process]
        begun = entries[mine[-1]] if mine else None
        if entry.type == "invoke" or begun is None or begun.type != "invoke":
            continue
        known = [n for n in oks if n < mine[-1]]
        asked_right = begun.job == entry.job and known and entries[known[0]].org == begun.org
        if asked_right and entry.status == 404:
            missed.append(entry.job)
    found = judged(reads.ReadYourWrites, entries).violations
    assert [each.subject for each in found] == missed
    if len({entry.org for entry in entries if entry.type == "ok"}) == 2:
        assert [each.subject for each in judged(reads.TenantsApart, entries).violations] == foreign


@given(
    told=st.booleans(), took_s=st.integers(1, 9), verbs=st.lists(st.sampled_from(VERBS), max_size=6)
)
def test_drains_agree_with_the_oracle(told: bool, took_s: int, verbs: list[str]) -> None:
    changes = [each for each in story(list(enumerate(verbs, 1))) if isinstance(each, Transition)]
    stop: list[Entry] = [
        request("invoke", DRAIN, "", worker="w1", t_s=0),
        request("ok", DRAIN, "", worker="w1", t_s=took_s),
    ]
    judgment = judged(drains.DrainedInTime, [PROMISE, *(stop if told else []), *changes])
    assert bool(judgment.not_looked_at) != told
    left = sum(is_silent_end(each) and each.old_worker == "w1" for each in changes)
    last = changes[-1]
    left += last.new_state == "preparing" and last.new_worker == "w1"
    expected = ["drain-late"] * (took_s > 5.5) + ["drain-kept"] * left if told else []
    assert [each.rule for each in judgment.violations] == expected


DOWNLOADS = st.lists(
    st.builds(
        Download,
        job=st.sampled_from(["e1", "e2"]),
        status=st.sampled_from([200, 404]),
        sha256=st.sampled_from(["a" * 64, "b" * 64]),
        declared=st.sampled_from(["a" * 64, "b" * 64]),
        problem=st.sampled_from(["", "files"]),
        **{name: st.just(value) for name, value in FIXED.items()},
    ),
    max_size=8,
)


@given(entries=DOWNLOADS)
def test_downloads_agree_with_the_oracle(entries: list[Download]) -> None:
    expected: list[tuple[str, str]] = []
    for at, got in enumerate(entries):
        if got.status != 200:
            expected.append(("no-object", got.job))
            continue
        before = [
            each.sha256 for each in entries[:at] if each.job == got.job and each.status == 200
        ]
        rules = {
            "digest": got.sha256 != got.declared,
            "files": got.problem == "files",
            "other-bytes": bool(before) and before[-1] != got.sha256,
        }
        expected += [(rule, got.job) for rule, is_broken in rules.items() if is_broken]
    found = judged(intact.DownloadsIntact, entries).violations
    assert [(each.rule, each.subject) for each in found] == expected


@given(
    made=st.lists(
        st.tuples(
            st.sampled_from(["ok", "fail"]),
            st.sampled_from(["k1", "k2"]),
            st.sampled_from(["e1", "e2"]),
        ),
        max_size=8,
    )
)
def test_keys_agree_with_the_oracle(made: list[tuple[Any, str, str]]) -> None:
    entries = [request(kind, "uploadEvidence", job, key=key) for kind, key, job in made]
    expected = []
    for at, (kind, key, job) in enumerate(made):
        first = [one for how, other, one in made[:at] if (how, other) == ("ok", key)]
        if kind == "ok" and first and first[0] != job:
            expected.append(job)
    found = judged(ExactlyOnceEffect, entries).violations
    assert [each.subject for each in found if each.rule == "key-twice"] == expected


@given(drawn=STEPS, missing=st.integers(0, 20))
def test_a_missing_change_is_seen(drawn: list[tuple[int, str]], missing: int) -> None:
    changes = [each for each in story(drawn) if isinstance(each, Transition)]
    assert not judged(NoGap, changes).is_incomplete
    at = missing % len(changes)
    left = [*changes[:at], *changes[at + 1 :]]
    states = [None, *(each.new_state for each in left)]
    shows = any(each.old_state != before for each, before in zip(left, states, strict=False))
    assert judged(NoGap, left).is_incomplete == shows


RECORDS = st.dictionaries(st.sampled_from("xyz"), st.sampled_from("ab"), min_size=1)


@given(before=RECORDS, after=RECORDS)
def test_what_must_not_change_agrees_with_the_oracle(
    before: dict[str, str], after: dict[str, str]
) -> None:
    differing = {what for what, _ in before.items() ^ after.items()}
    found = fold([unchanged.Unchanged], recorded(before, after), END)
    assert [each.subject for each in found] == sorted(differing)


def test_examples_are_built_from_what_they_need() -> None:
    """The helpers of the examples say what they should."""
    busy: dict[str, Any] = {"job": "e1", "worker": "w2", "until_us": 5, "stale": "w1", **FIXED}
    example = entry_example("one", [Busy(**busy), request("ok", "x", "e1", t_s=1.5)], rule="r")
    assert example.rule == "r"
    assert [each.t_ns for each in example.entries] == [0, 1_500_000_000]
