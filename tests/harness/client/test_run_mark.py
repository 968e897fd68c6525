import json
from pathlib import Path

import pytest
from multidict import CIMultiDict

from harness.client.answers.answer import Answer
from harness.client.run_mark import RunMark, read_leftovers

TOKEN = "Bearer secret-token-of-somebody"


def answer(operation_id: str, body: object, status: int = 201) -> Answer:
    return Answer(
        operation_id=operation_id,
        method="POST",
        path="/x",
        instance=0,
        status=status,
        headers=CIMultiDict({"location": "/x/1"}),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        elapsed_s=0.1,
    )


def test_what_was_made_is_on_the_disk_at_once_and_without_its_token(tmp_path: Path) -> None:
    file = tmp_path / "created.jsonl"
    mark = RunMark("7-abc", file)
    mark.record_created(answer("createJob", {"data": {"id": "j1"}}), TOKEN)
    mark.record_created(answer("requestExport", {"data": {"id": "e1", "job_id": "j1"}}, 202), TOKEN)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(line["kind"], line["id"], line["job_id"]) for line in lines] == [
        ("job", "j1", "j1"),
        ("export", "e1", "j1"),
    ]
    assert "secret" not in file.read_text(encoding="utf-8")
    assert "secret" not in repr(mark.created)


@pytest.mark.parametrize(
    ("operation_id", "status"),
    [("createJob", 400), ("createJob", 200), ("requestExport", 200), ("getJob", 201)],
)
def test_what_made_nothing_is_not_written(tmp_path: Path, operation_id: str, status: int) -> None:
    mark = RunMark("7-abc", tmp_path / "created.jsonl")
    mark.record_created(answer(operation_id, {"data": {"id": "j1"}}, status), TOKEN)
    assert mark.created == []
    assert not (tmp_path / "created.jsonl").exists()


def test_what_another_process_of_the_run_made_is_taken_on(tmp_path: Path) -> None:
    file = tmp_path / "created.jsonl"
    made, mark = answer("createJob", {"data": {"id": "j1"}}), RunMark("7-abc", file)
    mark.record_created(answer("createJob", {"data": {"id": "j0"}}), TOKEN)
    others = RunMark("7-abc", file)
    others.record_created(made, "", by="A")
    others.record_created(
        answer("requestExport", {"data": {"id": "e1", "job_id": "j1"}}, 202), "", by="A"
    )
    others.record_created(answer("createJob", {"data": {"id": "j9"}}), "", by="somebody unknown")
    RunMark("8-def", file).record_created(answer("createJob", {"data": {"id": "j2"}}), "", by="A")
    for _ in range(2):  # nothing twice
        mark.adopt({"A": "Bearer of a"})
    assert [(one.kind, one.id, one.job_id) for one in mark.created] == [
        ("job", "j0", "j0"),
        ("job", "j1", "j1"),
        ("export", "e1", "j1"),
    ]
    assert [one.headers for one in mark.created[1:]] == [{"authorization": "Bearer of a"}] * 2
    assert "Bearer" not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("body", [b"", b"\xff{", [], {"data": None}, {"data": {}}])
def test_an_answer_that_does_not_tell_what_it_made(tmp_path: Path, body: object) -> None:
    file = tmp_path / "created.jsonl"
    mark = RunMark("7-abc", file)
    mark.record_created(answer("createJob", body), TOKEN)
    assert read_leftovers(file, "7-abc").left == ("job /x/1: no attempt to remove it",)


def test_what_became_of_everything(tmp_path: Path) -> None:
    file = tmp_path / "created.jsonl"
    mark = RunMark("7-abc", file)
    for number in range(3):
        mark.record_created(answer("createJob", {"data": {"id": f"j{number}"}}), TOKEN)
    mark.removed(mark.created[0], "DELETE answered 204")
    mark.left(mark.created[1], "DELETE answered 403")
    RunMark("8-def", file).record_created(answer("createJob", {"data": {"id": "other"}}), TOKEN)
    with file.open("ab") as cut_off:
        cut_off.write(b'{"run": "7-abc", "kind": "jo')
    remains = read_leftovers(file, "7-abc")
    assert (remains.made, remains.removed) == (3, 1)
    assert remains.left == (
        "job j1: DELETE answered 403",
        "job j2: no attempt to remove it",
    )
    assert read_leftovers(tmp_path / "none.jsonl", "7-abc").made == 0
