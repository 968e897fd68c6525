from pathlib import Path

from harness.client.answers.answer import Answer
from harness.client.dialect.requests import Request
from harness.client.routes import Route
from harness.findings.log_window import LogWindow
from load.users.failures import MOST_BYTES, MOST_OF_OPERATION, FailureWriter, read_failures

ROUTE = Route(operation_id="createJob", method="POST", template="/api/jobs")
URL = "http://127.0.0.1:1/api/jobs"
REQUEST = Request(
    path="/api/jobs", headers={"Authorization": "Bearer t"}, body=b"\xff" * (MOST_BYTES + 1)
)
ANSWER = Answer(
    operation_id="createJob",
    method="POST",
    path="/api/jobs",
    instance=0,
    status=500,
    headers={"x": "y"},
    body=b"oops",
    elapsed_s=0,
)


def test_the_first_failures_of_each_operation_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "failed.jsonl"
    assert read_failures(path) == {}
    writer = FailureWriter(path=path)
    for _ in range(MOST_OF_OPERATION + 3):
        writer.keep(ROUTE, URL, REQUEST, ANSWER, "500: oops")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"operation": "cre')
    failed = read_failures(path)["createJob"]
    assert len(failed) == MOST_OF_OPERATION
    assert (failed[0].url, failed[0].headers) == (URL, (("Authorization", "Bearer t"),))
    assert (failed[0].body, failed[0].body_size) == (b"\xff" * MOST_BYTES, MOST_BYTES + 1)
    assert (failed[0].status, failed[0].answer) == (500, b"oops")
    assert failed[0].answer_headers == (("x", "y"),)


def test_what_the_instance_logged_meanwhile_is_kept_with_it(tmp_path: Path) -> None:
    log, path = tmp_path / "api-2.log", tmp_path / "failed.jsonl"
    begun = LogWindow.begun(log)
    log.write_text("no connection\n")
    FailureWriter(path=path).keep(
        ROUTE, URL, REQUEST, ANSWER, "500: oops", instance=1, log=begun.ended()
    )
    [failed] = read_failures(path)["createJob"]
    assert failed.instance == 1
    assert failed.log is not None
    assert failed.log.lines() == ["no connection"]


def test_half_an_answer_is_none(tmp_path: Path) -> None:
    path = tmp_path / "failed.jsonl"
    FailureWriter(path=path).keep(ROUTE, URL, REQUEST, None, "closed")
    [failed] = read_failures(path)["createJob"]
    assert (failed.status, failed.problem) == (None, "closed")
