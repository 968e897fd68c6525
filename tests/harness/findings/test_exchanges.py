"""Requests as evidence: bounded, repeatable, without secrets."""

import asyncio
from pathlib import Path

from harness.findings.curl import EvidenceFiles, as_evidence
from harness.findings.exchanges import MOST_BYTES, MOST_KEPT, note_exchange, recall, remembering
from harness.redaction.redactor import Redactor

SECRET = "secret-token-of-a-member"


def _note(number: int, body: bytes = b"") -> None:
    note_exchange(
        method="POST", url=f"http://127.0.0.1:1/v1/jobs/{number}", instance=0,
        headers={"authorization": f"Bearer {SECRET}", "content-type": "application/json"},
        body=body, status=500, answer_headers={"x-request-id": "r"}, answer=b'{"a":1}',
    )  # fmt: skip


def test_only_the_last_few_are_kept_and_each_task_has_its_own() -> None:
    async def cell(number: int) -> list[str]:
        with remembering() as recent:
            for each in range(20):
                _note(number * 100 + each)
                await asyncio.sleep(0)
            return [each.url.rpartition("/")[2] for each in recent.last(MOST_KEPT)]

    async def both() -> list[list[str]]:
        return list(await asyncio.gather(cell(1), cell(2)))

    one, other = asyncio.run(both())
    assert one == [str(100 + each) for each in range(20 - MOST_KEPT, 20)]
    assert other == [str(200 + each) for each in range(20 - MOST_KEPT, 20)]


def test_an_earlier_exchange_is_recalled_once() -> None:
    with remembering() as asked:
        _note(1)
    [exchange] = asked.last(1)
    with remembering() as judged:
        recall(exchange)
        recall(exchange)
        recall(None)
    assert judged.last(MOST_KEPT) == (exchange,)


def test_the_command_repeats_the_request_and_holds_no_secret(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path / "evidence", Redactor([SECRET]))
    with remembering() as recent:
        _note(1, b'{"title":"it\'s"}')
        [shown] = as_evidence(recent.last(1), files)
    assert shown.text.startswith("curl -sS -i -X POST")
    assert '"authorization: Bearer $TOKEN"' in shown.text
    assert """--data-binary '{"title":"it'"'"'s"}'""" in shown.text
    assert "HTTP 500" in shown.text
    assert "secret-token" not in shown.text
    assert not shown.files


def test_long_bodies_are_files_without_secrets(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path / "evidence", Redactor([SECRET]))
    with remembering() as recent:
        _note(1, SECRET.encode() + b"x" * 3_000)
        _note(2, b"\0" * (MOST_BYTES + 10))
        text, binary = as_evidence(recent.last(2), files)
    assert "secret-token" not in Path(text.files[0]).read_text(encoding="utf-8")
    assert len(Path(binary.files[0]).read_bytes()) == MOST_BYTES
    assert f"of {MOST_BYTES + 10} bytes" in binary.text


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path / "evidence", Redactor())
    for number in range(EvidenceFiles.MOST_FILES + 20):
        with remembering() as recent:
            _note(number, b"x" * 3_000)
            as_evidence(recent.last(1), files)
    assert len(list((tmp_path / "evidence").iterdir())) == EvidenceFiles.MOST_FILES


def test_bytes_that_no_client_sends_are_a_file_and_the_line_that_sends_it(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path / "evidence", Redactor([SECRET]))
    head = f"POST /v1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n\r\n".encode()
    with remembering() as recent:
        note_exchange(
            method="POST", url="http://127.0.0.1:81/v1", headers={}, body=None, instance=0,
            status=400, answer=b"{}", raw=head + b"\xff\0", raw_size=1_000,
        )  # fmt: skip
        [shown] = as_evidence(recent.last(1), files)
    assert shown.kind == "bytes"
    sent = Path(shown.files[0]).read_bytes()
    assert sent.endswith(b"Authorization: Bearer $TOKEN\r\n\r\n\xff\0")
    assert f"{shown.files[0]} | nc 127.0.0.1 81  # the first" in shown.text
    assert "of 1000 bytes" in shown.text
    assert "HTTP 400" in shown.text
