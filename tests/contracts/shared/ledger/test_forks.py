import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.shared.ledger.api_chain import expect_linked
from contracts.shared.ledger.forks import Link, forks
from contracts.shared.ledger.hash_chain import StoredEvent, violations
from contracts.shared.ledger.hash_form import CONTRACT_FORM, SAID, HashForm, expect_covered
from harness.client import Record
from harness.errors import CheckFailed
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape, Numbering

SALTS = {"k": "salt"}
SHAPES = {
    "per-organization": CONTRACT_CHAIN,
    "global": ChainShape(sequence="global"),
    "gaps": ChainShape(sequence="gaps"),
    "none": ChainShape(sequence="none"),
    "genesis": ChainShape(genesis="0" * 64),
}
FORMS = [
    HashForm(),
    HashForm(members={"organization_id": "org", "metadata": "m", "event_name": "e"}, pretty=False),
    HashForm(template="{prev_hash}|{canonical}|{salt}", constants={"v": "2"}, null=None),
    HashForm(members={**HashForm().members, "prev_hash": "prev"}, template="{canonical}{salt}"),
]


def chain(shape: ChainShape, form: HashForm, numbers: Sequence[int]) -> list[StoredEvent]:
    """An honest chain with these numbers, hashed in this form."""
    events: list[StoredEvent] = []
    for place, number in enumerate(numbers, 1):
        event = StoredEvent(
            id=f"id-{place}",
            ledger_seq=number,
            fields={
                "organization_id": "o",
                "actor_id": None,
                "event_name": f"event.{place}",
                "target_type": "export",
                "target_id": "t",
                "created_at": "2026-01-31T12:00:00.000000Z",
            },
            metadata=f'{{"at": {place}}}',
            prev_hash=events[-1].hash if events else shape.genesis or None,
            hash="",
            salt_key_id="k",
            form=form,
        )
        events.append(replace(event, hash=event.expected_hash(SALTS)))
    return events


def numbered(sequence: Numbering, length: int, draw: random.Random) -> list[int]:
    if sequence in {"per-organization", "none"}:
        return list(range(1, length + 1))
    return sorted(draw.sample(range(1, 200), length))


@settings(deadline=None)  # a loaded machine is no reason to fail
@given(
    shape=st.sampled_from(list(SHAPES.values())),
    form=st.sampled_from(FORMS),
    length=st.integers(3, 8),
    seed=st.integers(0, 10_000),
)
def test_an_honest_chain_is_right_and_every_change_of_it_is_found(
    shape: ChainShape, form: HashForm, length: int, seed: int
) -> None:
    draw = random.Random(seed)
    events = chain(shape, form, numbered(shape.sequence, length, draw))
    shuffled = draw.sample(events, length)
    assert violations(shuffled, SALTS, shape) == []

    at = draw.randrange(length)
    changed = [*events]
    changed[at] = events[at].with_metadata('{"at": "forged"}')
    assert [each.field for each in violations(changed, SALTS, shape)] == ["hash"]

    removed = draw.randrange(length - 1)
    found = violations(events[:removed] + events[removed + 1 :], SALTS, shape)
    assert "prev_hash" in {each.field for each in found}

    parent = draw.randrange(length - 1)
    second = replace(
        events[parent + 1], id="second", metadata='{"at": "the same time"}', hash="", ledger_seq=0
    )
    second = replace(second, ledger_seq=events[parent + 1].ledger_seq)
    second = replace(second, hash=second.expected_hash(SALTS))
    forked = violations([*events, second], SALTS, shape)
    assert forked[0].field == "fork"


@pytest.mark.parametrize("sequence", ["global", "gaps"])
def test_two_events_after_one_are_a_fork_whatever_their_numbers_are(sequence: Numbering) -> None:
    events = chain(CONTRACT_CHAIN, HashForm(), [3, 5, 8])
    late = replace(events[1], id="late", ledger_seq=11)
    late = replace(late, hash=late.expected_hash(SALTS))
    found = violations([*events, late], SALTS, ChainShape(sequence=sequence))
    assert found[0].field == "fork"
    assert found[0].got == (
        "a fork: ledger event 5 (event.2) and ledger event 11 (event.2) follow ledger event 3 "
        "(event.1)"
    )


def link(number: int | None, prev_hash: str, own: str) -> Link:
    return Link(name=f"event {own}", number=number, prev_hash=prev_hash, hash=own)


def test_two_first_events_are_a_fork() -> None:
    links = [link(1, "", "a"), link(1, "", "b"), link(2, "b", "c")]
    (fork,) = forks(links, CONTRACT_CHAIN)
    assert fork.got == "a fork: event a and event b follow nothing"


def test_one_number_twice_in_one_line_is_a_fork_too() -> None:
    links = [link(1, "", "a"), link(1, "a", "b"), link(2, "b", "c")]
    (fork,) = forks(links, CONTRACT_CHAIN)
    assert (fork.expected, fork.at) == ("one event with ledger_seq 1", 1)


@pytest.mark.parametrize(
    "links",
    [
        [link(1, "", "a"), link(2, "a", "b"), link(3, "", "c")],
        [link(None, "", "a"), link(None, "", "b"), link(None, "", "c")],
        [link(1, "", "a")],
        [],
    ],
    ids=["cut in two", "never linked", "one", "none"],
)
def test_a_link_that_is_lost_is_no_fork(links: list[Link]) -> None:
    assert forks(links, CONTRACT_CHAIN) == []


def listed(events: Sequence[StoredEvent], *, numbers: bool) -> list[Record]:
    return [
        Record(
            id=event.id,
            event_name=event.fields["event_name"],
            prev_hash=event.prev_hash,
            hash=event.hash,
            **({"ledger_seq": event.ledger_seq} if numbers else {}),
        )
        for event in events
    ]


@pytest.mark.parametrize("name", SHAPES)
def test_over_http_a_chain_is_judged_in_its_own_shape(name: str) -> None:
    shape = SHAPES[name]
    numbers = [1, 2, 3, 4] if shape.is_counted else [2, 5, 6, 40]
    events = chain(shape, HashForm(), numbers)
    shown = listed(events, numbers=shape.is_numbered)
    expect_linked(shown, shape)
    with pytest.raises(CheckFailed) as caught:
        expect_linked([shown[0], shown[2], shown[3]], shape)
    assert caught.value.rule == "ledger.chain-valid"
    again = Record(shown[1], id="again", hash="f" * 64)
    with pytest.raises(CheckFailed) as caught:
        expect_linked([shown[0], shown[1], again, *shown[2:]], shape)
    assert caught.value.rule == "ledger.no-fork"


def test_gaps_are_told_where_none_are_declared() -> None:
    shown = listed(chain(CONTRACT_CHAIN, HashForm(), [2, 5]), numbers=True)
    with pytest.raises(CheckFailed) as caught:
        expect_linked(shown)
    assert caught.value.subject == "ledger_seq"


def test_numbers_that_do_not_ascend_are_told() -> None:
    shown = listed(chain(CONTRACT_CHAIN, HashForm(), [5, 2]), numbers=True)
    with pytest.raises(CheckFailed) as caught:
        expect_linked(shown, SHAPES["gaps"])
    assert "above 5" in caught.value.expected


@pytest.mark.parametrize("column", SAID)
def test_a_column_that_is_not_hashed_is_told_whatever_is_declared(column: str) -> None:
    expect_covered(CONTRACT_FORM, column)
    members = {name: own for name, own in CONTRACT_FORM.members.items() if name != column}
    with pytest.raises(CheckFailed) as caught:
        expect_covered(replace(CONTRACT_FORM, members=members), column)
    assert (caught.value.rule, caught.value.subject) == ("ledger.hash-covers", column)
