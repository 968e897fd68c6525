"""Files on their way out: their bytes, in whole and in part, with the digest of the whole."""

import base64
import hashlib

import pytest

from reference_backend.api.downloads import attachment
from tests.reference_backend.api.conftest import PNG, Api, Member, MiB, problem_code

CONTENT = PNG + bytes(range(256)) * 8


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ("plain.png", "plain.png", "plain.png"),
        ("two words.png", "two words.png", "two%20words.png"),
        ("žluť.png", "_lu_.png", "%C5%BElu%C5%A5.png"),
        ("z\u030clut\u030c", "_lu_", "%C5%BElu%C5%A5"),
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\dir\\a.png", "a.png", "a.png"),
        ('q"u\\o;te\r\nX-Evil: 1', "o;te__X-Evil_ 1", "o%3Bte__X-Evil_%201"),
        ("100%'.png", "100__.png", "100%25%27.png"),
        ("a\u202egnp.exe", "a_gnp.exe", "a_gnp.exe"),
        ("", "file", "file"),
        ("..", "file", "file"),
        ("dir/", "file", "file"),
        ("x" * 300 + ".png", "x" * 146 + ".png", "x" * 146 + ".png"),
    ],
)
def test_attachment_names(name: str, plain: str, encoded: str) -> None:
    assert attachment(name) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


@pytest.mark.integration
async def test_the_whole_file(member: Member) -> None:
    data = await member.sealed(CONTENT)
    response = await member.http.get(f"/api/evidence/{data['id']}/content")
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-length"] == str(len(CONTENT))
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-type"] == "image/png"
    head = await member.http.head(f"/api/evidence/{data['id']}/content")
    assert (head.status_code, head.content) == (200, b"")
    changing = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in response.headers.items() if k not in changing
    }


@pytest.mark.integration
@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=2000-", 2000, 2056),
        ("bytes=-56", 2000, 2056),
        ("bytes=0-99999", 0, 2056),
    ],
)
async def test_a_part(member: Member, header: str, start: int, stop: int) -> None:
    data = await member.sealed(CONTENT)
    response = await member.http.get(
        f"/api/evidence/{data['id']}/content", headers={"Range": header}
    )
    assert (response.status_code, response.content) == (206, CONTENT[start:stop])
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    whole = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert response.headers["repr-digest"] == f"sha-256=:{whole}:"


@pytest.mark.integration
async def test_ranges_that_are_none_and_ranges_that_cannot_be(member: Member) -> None:
    path = f"/api/evidence/{(await member.sealed(CONTENT))['id']}/content"
    for header in ("bytes=5-3", "bytes=0-1,3-4", "pages=1-2", "nonsense"):
        response = await member.http.get(path, headers={"Range": header})
        assert (response.status_code, len(response.content)) == (200, len(CONTENT))
    for header in (f"bytes={len(CONTENT)}-", "bytes=-0"):
        response = await member.http.get(path, headers={"Range": header})
        assert (response.status_code, problem_code(response)) == (416, "range_not_satisfiable")
        assert response.headers["content-range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.integration
async def test_if_range(member: Member) -> None:
    path = f"/api/evidence/{(await member.sealed(CONTENT))['id']}/content"
    etag = (await member.http.head(path)).headers["etag"]
    for condition, status in (
        (etag, 206),
        ('"other"', 200),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 200),
    ):
        response = await member.http.get(
            path, headers={"Range": "bytes=0-1", "If-Range": condition}
        )
        assert response.status_code == status


@pytest.mark.integration
async def test_an_object_that_is_not_whole_is_not_sent(api: Api, member: Member) -> None:
    data = await member.sealed(CONTENT + b"damaged")
    path = api.settings.storage_dir / data["storage_path"]
    path.write_bytes(CONTENT)
    for _ in range(2):
        response = await member.http.get(f"/api/evidence/{data['id']}/content")
        assert (response.status_code, problem_code(response)) == (503, "storage_unavailable")
        assert response.headers["retry-after"]
        path.unlink(missing_ok=True)


@pytest.mark.integration
async def test_a_large_file_comes_back_byte_for_byte(member: Member) -> None:
    content = PNG + hashlib.shake_128(b"large").digest(5 * MiB)
    data = await member.sealed(content)
    path = f"/api/evidence/{data['id']}/content"
    assert (await member.http.get(path)).content == content
    part = await member.http.get(path, headers={"Range": f"bytes={MiB - 1}-{3 * MiB}"})
    assert part.content == content[MiB - 1 : 3 * MiB + 1]
