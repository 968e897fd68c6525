"""The same order gives the same cases, in whatever process; another seed gives others."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from contracts.conformance.fuzzing.case import Case
from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.generator_process import GeneratorOptions, generate_cases
from contracts.conformance.fuzzing.malformed_cases import MalformedCases
from harness.client import together


def cases_digest(cases: Iterable[Case]) -> str:
    digest = hashlib.sha256()
    for case in cases:
        digest.update(repr(sorted(case.to_plain().items())).encode())
    return digest.hexdigest()


async def drawn(options: GeneratorOptions) -> list[Case]:
    return [case async for case in generate_cases(options)]


async def test_the_same_seed_gives_the_same_cases(document: Document) -> None:
    options = GeneratorOptions(document=document.raw, seed=7, examples=2)
    first, again = await together([drawn(options), drawn(options)])
    assert cases_digest(first) == cases_digest(again)

    assert {case.operation_id for case in first} == set(document.operations)
    phases = Counter(case.phase for case in first)
    assert set(phases) == {"examples", "coverage", "fuzzing"}
    assert phases["coverage"] > 400
    assert len({case.number for case in first}) == len(first)
    assert {"own", "foreign"} <= {whose for case in first for whose in case.ownerships}
    assert not any(name.lower() == "authorization" for case in first for name, _ in case.headers)


async def test_another_seed_gives_other_cases(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A user's own modules of these names, in the folder that the gate is run in, are not ours.
    for name in ("contracts", "harness"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not to be run')")
    monkeypatch.chdir(tmp_path)
    some, others = await together(
        drawn(GeneratorOptions(document=document.raw, seed=seed, examples=2, coverage=False))
        for seed in (7, 8)
    )
    assert cases_digest(some) != cases_digest(others)


async def test_cases_for_walks_are_all_allowed_and_about_own_things(document: Document) -> None:
    options = GeneratorOptions(
        document=document.raw, seed=1, examples=2, coverage=False, positive_only=True
    )
    cases = await drawn(options)
    assert all(case.positive for case in cases)
    assert not any("foreign" in case.ownerships for case in cases)


def test_hostile_cases_are_the_same_every_time_and_reach_every_operation(
    document: Document,
) -> None:
    quick, again, thorough = (
        list(MalformedCases(document, thorough=thorough).cases())
        for thorough in (False, False, True)
    )
    assert cases_digest(quick) == cases_digest(again)
    assert {case.operation_id for case in quick} == set(document.operations)
    assert len(thorough) > len(quick)
    assert len({case.number for case in thorough}) == len(thorough)
