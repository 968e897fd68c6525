"""What a client makes of a download that ends in one way or another."""

import socket

import pytest

from chaos.drills.slow_download import SlowDownload
from harness.errors import Inconclusive

HEAD = b"HTTP/1.1 200 OK\r\n"


async def rest_of(*pieces: bytes) -> bytes | None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.sendall(pieces[0])
        download = SlowDownload(_connection=ours)
        await download.begin()
        for piece in pieces[1:]:
            theirs.sendall(piece)
        theirs.shutdown(socket.SHUT_WR)
        return await download.rest()


async def test_a_whole_one() -> None:
    assert await rest_of(HEAD + b"Content-Length: 4\r\n\r\nab", b"cd") == b"abcd"


async def test_one_that_is_shorter_than_its_length_is_seen_as_cut() -> None:
    assert await rest_of(HEAD + b"Content-Length: 4\r\n\r\nab") is None


async def test_one_without_its_last_chunk_is_seen_as_cut() -> None:
    assert await rest_of(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n") is None


async def test_a_part_that_ends_in_order_looks_whole() -> None:
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"
    assert await rest_of(chunked, b"0\r\n\r\n") == b"ab"
    assert await rest_of(HEAD + b"Connection: close\r\n\r\nab") == b"ab"


async def test_another_answer_is_no_download() -> None:
    with pytest.raises(Inconclusive, match="status 503"):
        await rest_of(b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nabcd")
