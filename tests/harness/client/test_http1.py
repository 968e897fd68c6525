import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.http1 import AnswerReader, NoHttp

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
