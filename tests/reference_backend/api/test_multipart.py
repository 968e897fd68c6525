"""The multipart parser: the same parts whatever the chunks are, and nothing by guessing."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_backend.api.multipart import (
    MAX_HEADERS_BYTES,
    MAX_PARTS,
    MalformedMultipartError,
    MultipartParser,
    Part,
    boundary_of,
)

BOUNDARY = b"frontier"
FILE_HEADERS = (
    b'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png'
)


def form(*parts: tuple[bytes, bytes], end: bytes = b"--\r\n") -> bytes:
    body = b"".join(
        b"--" + BOUNDARY + b"\r\n" + headers + b"\r\n\r\n" + content + b"\r\n"
        for headers, content in parts
    )
    return body + b"--" + BOUNDARY + end


def field(name: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"'.encode()


def parse(body: bytes, cuts: list[int] | None = None) -> list[tuple[Part, bytes]]:
    parser = MultipartParser(BOUNDARY)
    edges = [0, *sorted(cuts or []), len(body)]
    parts: list[tuple[Part, bytes]] = []
    ended = 0
    for start, stop in pairwise(edges):
        for event in parser.feed(body[start:stop]):
            match event:
                case Part():
                    parts.append((event, b""))
                case bytes():
                    parts[-1] = (parts[-1][0], parts[-1][1] + event)
                case None:
                    ended += 1
    parser.finish()
    assert ended == len(parts)
    return parts


def test_takes_a_form_apart() -> None:
    parts = parse(b"preamble\r\n" + form((FILE_HEADERS, b"bytes"), (field("tag"), b"roof")))
    assert parts == [
        (Part(name="file", file_name="a.png", content_type="image/png"), b"bytes"),
        (Part(name="tag", file_name=None, content_type=None), b"roof"),
    ]


# Content made of the very pieces that a delimiter is made of.
tricky = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"--frontie", b"\r\n--frontie", b"x"])
    | st.binary(max_size=20)
).map(b"".join)


@settings(max_examples=300)
@given(contents=st.lists(tricky, min_size=1, max_size=4), data=st.data())
def test_chunking_does_not_matter(contents: list[bytes], data: st.DataObject) -> None:
    if any(b"\r\n--frontier" in b"\r\n" + content for content in contents):
        return  # RFC 2046: a boundary must not occur in what it bounds
    body = form(*((field(f"f{n}"), content) for n, content in enumerate(contents)))
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=30))
    assert [content for _, content in parse(body, cuts)] == contents
    assert parse(body, list(range(len(body)))) == parse(body)


@settings(max_examples=200)
@given(st.binary(max_size=300) | tricky)
def test_noise_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    try:
        parse(noise)
    except MalformedMultipartError:
        return
    assert b"--frontier--" in noise


def test_what_follows_the_end_is_ignored() -> None:
    body = form((field("a"), b"x"), end=b"-- \t\r\nepilogue\r\n--frontier\r\n")
    assert [content for _, content in parse(body, list(range(len(body))))] == [b"x"]


@settings(max_examples=200)
@given(st.integers(0, 10_000))
def test_every_truncation_is_seen(length: int) -> None:
    whole = form((FILE_HEADERS, b"bytes\r\n--frontie"), (field("tag"), b"roof"), end=b"--")
    with pytest.raises(MalformedMultipartError):
        parse(whole[: length % len(whole)])


def test_what_is_held_back_does_not_grow() -> None:
    parser = MultipartParser(BOUNDARY)
    list(parser.feed(form((FILE_HEADERS, b""))[: -len(b"\r\n--frontier--\r\n")]))
    chunk = b"\r\n--frontie" * 5000
    for _ in range(100):
        list(parser.feed(chunk))
        assert len(parser._buffer) < len(b"\r\n--frontier")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--frontier--not the end",
        b"--frontier--\r",
        b"--frontier-",
        b"--frontier\r\n\r\nno headers\r\n--frontier--",
        b"--frontier\nContent-Disposition: form-data; name=a\n\nx\n--frontier--",
        form((b"Content-Disposition: attachment; name=a", b"x")),
        form((b"Content-Disposition: form-data", b"x")),
        form((b"Content-Disposition: form-data; name=a; name=b", b"x")),
        form((b"Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data", b"x")),
        form((b"Content-Disposition: form-data; name=a\r\nno colon", b"x")),
        form((b"Content-Disposition: form-data; name=a\r\n folded: x", b"x")),
        form((b"Content-Disposition: form-data; name=a; filename*=UTF-8''%FF", b"x")),
        form((b"X: " + b"y" * MAX_HEADERS_BYTES, b"x")),
        form(*[(field("many"), b"x")] * (MAX_PARTS + 1)),
        form((field("a"), b"x"), end=b" trailing--"),
    ],
)
def test_refuses_what_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMultipartError):
        parse(body)


def test_headers_without_an_end_do_not_fill_memory() -> None:
    parser = MultipartParser(BOUNDARY)
    list(parser.feed(b"--frontier\r\n"))
    for _ in range(MAX_HEADERS_BYTES // 600):
        list(parser.feed(b"X: y\r\n" * 100))
    with pytest.raises(MalformedMultipartError, match="bytes of headers"):
        list(parser.feed(b"X: y\r\n" * 100))


@pytest.mark.parametrize(
    ("disposition", "file_name"),
    [
        (b'form-data; name="file"; filename="plain.png"', "plain.png"),
        (b'form-data; name="file"; filename="sp ace;semi.png"', "sp ace;semi.png"),
        (b'form-data; name="file"; filename="q\\"uote.png"', 'q"uote.png'),
        (b'form-data; name="file"; filename="C:\\dir\\a.png"', "C:\\dir\\a.png"),
        ('form-data; name="file"; filename="žluť.png"'.encode(), "žluť.png"),
        (b"form-data; name=file; filename=\"x\"; filename*=UTF-8''%C5%BE.png", "ž.png"),
        (b'form-data; name="file"; filename=""', ""),
        (b'form-data; name="file"', None),
        (b'FORM-DATA; NAME="file";filename="../../etc/passwd";', "../../etc/passwd"),
    ],
)
def test_file_names(disposition: bytes, file_name: str | None) -> None:
    [(part, _)] = parse(form((b"content-disposition: " + disposition, b"x")))
    assert (part.name, part.file_name) == ("file", file_name)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="with space "',
        "multipart/form-data; boundary=" + "b" * 71,
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/mixed; boundary=a",
        "application/json; boundary=a",
        'multipart/form-data; boundary="unclosed',
        "multipart/form-data; boundary=š",
    ],
)
def test_refuses_content_types(content_type: str | None) -> None:
    with pytest.raises(MalformedMultipartError):
        boundary_of(content_type)


def test_reads_boundaries() -> None:
    assert boundary_of("multipart/form-data; boundary=abc") == b"abc"
    assert boundary_of('Multipart/Form-Data; charset=utf-8; Boundary="a b:c"') == b"a b:c"
