"""A history is judged again by its lines alone: what is dropped or changed changes the verdict."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.checkers import Looks
from harness.checkers.facts import CompletionFact, ExportFact
from harness.checkers.read_database import ExportFacts
from harness.checkers.recheck import Rechecked, recheck
from harness.history import DamagedHistory, HistoryWriter, read_whole_history
from harness.history.entries import Check, Found
from harness.verdict import Verdict
from tests.harness.checkers.kill_story import DRILL, E1, E2, Line, write_story


def lines_of(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def judged(path: Path, lines: list[Line]) -> Rechecked:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    [one] = recheck(read_whole_history(path))
    return one


def said(one: Rechecked) -> str:
    return "\n".join(
        [*one.reasons, *(found.describe() for look in one.looks for found in look.violations)]
    )


def dropped(**wanted: object) -> Callable[[list[Line]], list[Line]]:
    """Drop the only line like this, and number the others anew, as a careful forger would."""

    def doctor(lines: list[Line]) -> list[Line]:
        kept = [line for line in lines if not is_like(line, wanted)]
        assert len(kept) == len(lines) - 1, wanted
        return renumbered(kept)

    return doctor


def changed(new: Line, **wanted: object) -> Callable[[list[Line]], list[Line]]:
    """Change fields of the only line like this."""

    def doctor(lines: list[Line]) -> list[Line]:
        assert sum(is_like(line, wanted) for line in lines) == 1, wanted
        return [{**line, **new} if is_like(line, wanted) else line for line in lines]

    return doctor


def doubled(**wanted: object) -> Callable[[list[Line]], list[Line]]:
    """Write the only line like this twice."""

    def doctor(lines: list[Line]) -> list[Line]:
        twice = [line for line in lines for _ in range(1 + is_like(line, wanted))]
        assert len(twice) == len(lines) + 1, wanted
        return renumbered(twice)

    return doctor


def is_like(line: Line, wanted: dict[str, object]) -> bool:
    return all(line.get(name) == value for name, value in wanted.items())


def renumbered(lines: list[Line]) -> list[Line]:
    return [{**line, "i": number} for number, line in enumerate(lines)]


def without_number(lines: list[Line]) -> list[Line]:
    """Drop a line that no checker needs, and leave the numbers."""
    [at] = [n for n, line in enumerate(lines) if is_like(line, {"step": "victim"})]
    return lines[:at] + lines[at + 1 :]


def exchanged(lines: list[Line]) -> list[Line]:
    """Let two lines change places."""
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def without(**wanted: object) -> Callable[[list[Line]], list[Line]]:
    """Drop the only line like this, and leave the numbers."""

    def doctor(lines: list[Line]) -> list[Line]:
        kept = [line for line in lines if not is_like(line, wanted)]
        assert len(kept) == len(lines) - 1, wanted
        return kept

    return doctor


def twice(lines: list[Line]) -> list[Line]:
    """Put a run behind itself."""
    return [*lines, *lines]


def with_another_run(lines: list[Line]) -> list[Line]:
    """Put another run of the same check behind it, as `cat` does."""
    others = json.loads(json.dumps(lines).replace(E1, E1[::-1]).replace(E2, E2[::-1]))
    return [*lines, *({**line, "writer": "another"} for line in others)]


def test_the_story_is_a_pass(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    write_story(path)
    one = judged(path, lines_of(path))
    assert (one.check, one.verdict, one.reasons) == (DRILL, Verdict.PASS, ())
    assert set(one.not_looked_at) == {
        "possible-sequence", "drained-in-time", "ledger-chain", "read-your-writes", "unchanged"
    }  # fmt: skip


AT_7 = {"kind": "transition", "job": E1, "new_state": "queued", "old_state": "preparing"}


@pytest.mark.parametrize(
    ("doctor", "verdict", "why"),
    [
        (without_number, "inconclusive", "is missing: line"),
        (exchanged, "inconclusive", "is missing"),
        (dropped(kind="state", job=E2), "fail", "[lost]"),
        (changed({"state": "failed"}, kind="state", job=E2), "fail", "[not-ready]"),
        (changed({"attempt": 3}, kind="state", job=E1), "fail", "[claims-miscounted]"),
        (
            changed({"token": f"{4:032x}"}, token=f"{7:032x}", new_state="preparing"),
            "fail",
            "[token-reused]",
        ),
        (
            changed({"old_token": f"{3:032x}"}, kind="transition", job=E2, new_state="ready"),
            "fail",
            "[token-changed]",
        ),
        (dropped(step="effect"), "inconclusive", "nobody saw the effect of kill of worker-1"),
        (dropped(kind="event", job=E1), "fail", "[unrecorded]"),
        (doubled(kind="event", job=E1), "fail", "[completed-twice]"),
        (changed({"sha256": "cd" * 32}, kind="download", job=E1), "fail", "[digest]"),
        (changed({"problem": "files"}, kind="download", job=E1), "fail", "[files]"),
        (changed({"heartbeat_us": None, "at_us": 0}, **AT_7), "fail", "[reclaimed-early]"),
        (dropped(**AT_7), "fail", "the history lacks the changes of export"),
        (changed({"cap": 1}, kind="promise"), "fail", "[over-cap]"),
        (changed({"org": "o2"}, f="getExport", job=E2), "fail", "[seen-by-other]"),
        (dropped(kind="harmed"), "fail", "[repeated]"),
        (dropped(kind="check"), "inconclusive", "its last entry is missing"),
        (dropped(kind="end"), "inconclusive", "did not end"),
        (changed({"observed": 1}, kind="check"), "inconclusive", "observed 1 of the 2"),
        (without(kind="state", job=E2), "inconclusive", "[lost]"),
        (without(kind="event", job=E1), "inconclusive", "is missing: line"),
        (without(kind="harmed"), "inconclusive", "[repeated]"),
        (twice, "inconclusive", "the check ended 2 times"),
        (with_another_run, "inconclusive", "the check ended 2 times"),
        (changed({"attempt": -(2**63)}, kind="state", job=E1), "fail", "[claims-miscounted]"),
        (changed({"attempt": -1}, kind="state", job=E2), "fail", "got attempt -1"),
        (changed({"attempt": 2**63 - 1}, kind="state", job=E1), "fail", "[claims-miscounted]"),
    ],
)  # fmt: skip
def test_a_doctored_history_gives_another_verdict(
    tmp_path: Path, doctor: Callable[[list[Line]], list[Line]], verdict: str, why: str
) -> None:
    path = tmp_path / "history.jsonl"
    write_story(path)
    one = judged(path, doctor(lines_of(path)))
    assert one.verdict == verdict, said(one)
    assert why in said(one)


def test_what_was_found_before_a_line_is_missing_counts(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    write_story(path)
    lines = lines_of(path)
    [judge] = [n for n, line in enumerate(lines) if line["kind"] == "judge"][-1:]
    lost = [line for line in lines[:judge] if not is_like(line, {"kind": "state", "job": E2})]
    early = renumbered([*lost, *lines[judge:]])
    later = [line for line in early if line["kind"] != "check"]
    assert judged(path, later).verdict == "fail"


@pytest.mark.parametrize(
    "field", [{"t_ns": 2**63}, {"t_ns": -1}, {"slack_s": 1e308}, {"slack_s": -1}]
)
def test_a_number_that_nothing_can_have_is_refused(tmp_path: Path, field: Line) -> None:
    path = tmp_path / "history.jsonl"
    write_story(path)
    with pytest.raises(DamagedHistory, match=r"history\.jsonl:\d+: expected a history entry"):
        judged(path, changed(field, kind="promise")(lines_of(path)))


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        ({"found": (Found(rule="answer.json"),)}, "fail"),
        ({"found": (Found(rule="job.created", blocked=True),)}, "inconclusive"),
        ({"open": ("the fault did not show",)}, "inconclusive"),
        ({}, "pass"),
    ],
)
def test_what_was_found_in_answers_counts(tmp_path: Path, end: Line, verdict: str) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as writer:
        history = writer.of("load.some")
        history.write("invoke", "getJob", process="p")
        history.append(Check, observed=1, needed=1, **end)
    [one] = recheck(read_whole_history(path))
    assert one.verdict == verdict


def test_checks_of_one_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as writer:
        for name in ("chaos.one", "chaos.two", "own.x[a:b]"):
            history = writer.of(name)
            part = Looks(history.part("kill"))
            part.history.write("ok", "requestExport", process="p", job=E1)
            if name != "chaos.two":
                part.export(ExportFact(id=E1, state="ready", attempt=1))
                part.exports(
                    ExportFacts(
                        exports=[], completions=[CompletionFact(export_id=E1)], transitions=None
                    )
                )
            else:
                part.export(None, job=E1)
            part.judge("the end", ended=True)
            history.append(Check, observed=1, needed=1)
    verdicts = {each.check: each.verdict for each in recheck(read_whole_history(path))}
    assert verdicts == {"chaos.one": "pass", "chaos.two": "fail", "own.x[a:b]": "pass"}
