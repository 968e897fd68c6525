import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.http.http1 import AnswerReader, NoHttp

PLAIN = b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nX-Request-ID: r1\r\n\r\nbody"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nbod\r\n1\r\ny\r\n0\r\n\r\n"
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN
UNTIL_CLOSE = b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\nbody"


def fed(data: bytes, cuts: list[int] | None = None) -> AnswerReader:
    reader, position = AnswerReader(), 0
    for cut in [*sorted(cuts or []), len(data)]:
        reader.feed(data[position:cut])
        position = max(position, cut)
    return reader


@pytest.mark.parametrize(("data", "status"), [(PLAIN, 413), (CHUNKED, 200), (INTERIM, 413)])
@given(cuts=st.lists(st.integers(0, 120), max_size=6))
def test_an_answer_is_the_same_however_it_is_cut(data: bytes, status: int, cuts: list[int]) -> None:
    reader = fed(data, [min(cut, len(data)) for cut in cuts])
    assert (reader.status, reader.body, reader.complete) == (status, b"body", True)


def test_headers_are_found_in_any_case() -> None:
    assert fed(PLAIN).headers["x-request-id"] == "r1"
    assert fed(INTERIM).interim == [100]


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    reader = fed(UNTIL_CLOSE)
    assert not reader.complete
    reader.end()
    assert (reader.status, reader.body, reader.complete) == (400, b"body", True)


def test_half_an_answer_is_not_complete() -> None:
    reader = fed(PLAIN[:-1])
    reader.end()
    assert not reader.complete


def test_no_content_has_no_body() -> None:
    assert fed(b"HTTP/1.1 204 No Content\r\n\r\n").complete


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(NoHttp):
        fed(data)


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED_HEAD = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1_0\r\n\r\n",
        HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        HEAD + b"X: a\0b\r\n\r\n",
        HEAD + b": nameless\r\n\r\n",
        HEAD + b"X: y\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 100,
        CHUNKED_HEAD + b"-5\r\nhello\r\n",
        CHUNKED_HEAD + b"0x5\r\nhello\r\n",
        CHUNKED_HEAD + b"f" * 5000 + b"\r\n",
        CHUNKED_HEAD + b"5" + b"x" * 5000,
        CHUNKED_HEAD + b"3\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_lies_about_the_frame_are_no_http(data: bytes) -> None:
    with pytest.raises(NoHttp):
        AnswerReader().feed(data)


def test_a_length_that_is_too_large_leaves_the_answer_incomplete() -> None:
    reader = AnswerReader()
    reader.feed(HEAD + b"Content-Length: 100\r\n\r\nhalf")
    reader.end()
    assert (reader.complete, reader.body) == (False, b"half")


def test_what_follows_the_answer_is_not_part_of_it() -> None:
    reader = AnswerReader()
    reader.feed(PLAIN + PLAIN)
    assert (reader.complete, reader.body) == (True, b"body")


def test_a_megabyte_of_chunks_of_one_byte_is_read_once() -> None:
    reader = AnswerReader()
    data = CHUNKED_HEAD + b"1\r\nx\r\n" * 200_000
    for start in range(0, len(data), 64 * 1024):
        reader.feed(data[start : start + 64 * 1024])
    assert len(reader.body) == 200_000
