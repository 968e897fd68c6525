"""What the Flask backend refuses: foreign hands, guests, junk; and that nothing stays of it."""

import uuid

import httpx
import pytest

from tests.foreign.flask_depot import JPEG, Depot, Person

pytestmark = pytest.mark.integration

_BOUNDARY = "b"
_FORM = f"multipart/form-data; boundary={_BOUNDARY}"


def _form(
    content: bytes, *, media_type: str = "image/jpeg", end: bytes = b"\r\n--b--\r\n"
) -> bytes:
    head = 'Content-Disposition: form-data; name="file"; filename="a.jpg"'
    return f"--b\r\n{head}\r\nContent-Type: {media_type}\r\n\r\n".encode() + content + end


async def _send(clerk: Person, project: str, body: bytes, **headers: str) -> httpx.Response:
    headers = {"X-Dedup-Token": "t", "Content-Type": _FORM, **headers}
    return await clerk.ask("POST", f"/projects/{project}/files", content=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (_form(b""), 400, "empty_file"),
        (_form(JPEG, end=b""), 400, "broken_form"),
        (_form(JPEG, end=b"\r\n--b"), 400, "broken_form"),
        (b"--b--\r\n", 400, "no_file"),
        (b"\0" * 100, 400, "broken_form"),
        (_form(JPEG, media_type="text/html"), 415, "type_refused"),
        (_form(b"BM a bitmap", media_type="image/bmp"), 415, "type_refused"),
        (_form(b"GIF89a and more"), 415, "not_that_type"),
        (_form(JPEG + b"x" * 1024 * 1024), 413, "too_big"),
        (_form(JPEG + b"x" * 2 * 1024 * 1024), 413, "too_big"),
    ],
)
async def test_a_refused_upload_leaves_nothing(
    flask_depot: Depot, body: bytes, status: int, reason: str
) -> None:
    clerk = await flask_depot.person()
    project = await clerk.project()
    before = flask_depot.bytes_kept()
    refused = await _send(clerk, project, body)
    assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    assert flask_depot.bytes_kept() == before
    assert (await clerk.seen(f"/projects/{project}/files"))["items"] == []
    assert (await clerk.seen("/journal"))["items"] == []
    assert (await clerk.upload(project)).status_code == 201  # under the same token


async def test_the_limit_holds_for_a_body_of_unknown_length(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    project = await clerk.project()

    async def endless() -> object:
        yield _form(JPEG, end=b"")
        for _ in range(64):
            yield b"x" * 65_536

    refused = await clerk.ask(
        "POST",
        f"/projects/{project}/files",
        content=endless(),
        headers={"X-Dedup-Token": "t", "Content-Type": _FORM},
    )
    assert (refused.status_code, refused.json()["reason"]) == (413, "too_big")


async def test_a_file_of_the_limit_is_kept(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    content = JPEG.ljust(1024 * 1024, b"\r")
    kept = await clerk.upload(await clerk.project(), content)
    assert (kept.status_code, kept.json()["bytes"]) == (201, 1024 * 1024)


async def test_foreign_is_absent(flask_depot: Depot) -> None:
    owner, stranger = await flask_depot.person(), await flask_depot.person("boss")
    project = await owner.project()
    file = (await owner.upload(project)).json()
    bundle = await owner.bundle(project)
    await owner.bundle_in(bundle, "finished")
    routes = [
        *(("GET", f"/projects/%s{tail}", project) for tail in ("", "/files", "/bundles")),
        *(("POST", f"/projects/%s/bundles/{kind}", project) for kind in ("full", "journal")),
        *(("GET", f"/files/%s{tail}", file["id"]) for tail in ("", "/download")),
        *(("GET", f"/bundles/%s{tail}", bundle) for tail in ("", "/zip", "/index")),
        *(("POST", f"/bundles/%s/{act}", bundle) for act in ("abort", "again")),
        *(("GET", f"/journal/%s{tail}", file["journal_entry"]) for tail in ("", "/proof")),
    ]
    for method, path, own in routes:
        answers = [
            await stranger.ask(method, path % one, headers={"X-Trace": "t"})
            for one in (own, uuid.uuid4(), "junk")
        ]
        assert {one.status_code for one in answers} == {404}, path
        assert len({one.content for one in answers}) == 1, path
    upload = await stranger.upload(project)
    assert upload.status_code == 404
    assert (await stranger.seen("/projects"))["items"] == []
    assert (await stranger.seen(f"/journal?subject={file['id']}"))["items"] == []


async def test_guests_only_look(flask_depot: Depot) -> None:
    tenant = await flask_depot.tenant()
    clerk = await flask_depot.person("clerk", tenant)
    guest = await flask_depot.person("guest", tenant)
    project = await clerk.project()
    assert (await guest.seen(f"/projects/{project}"))["id"] == project
    for refused in (
        await guest.ask("POST", "/projects", json={"name": "x"}),
        await guest.upload(project),
        await guest.ask("POST", f"/projects/{project}/bundles/full"),
    ):
        assert (refused.status_code, refused.json()["reason"]) == (403, "guests_only_look")


async def test_half_a_token_opens_nothing(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    for other in (clerk.headers["Authorization"][:-1], clerk.headers["Authorization"] + "x"):
        refused = await clerk.ask("GET", "/projects", headers={"Authorization": other})
        assert refused.status_code == 401


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic eDp4", "Bearer \xff"])
async def test_nobody_is_told_how_to_ask(flask_depot: Depot, authorization: str) -> None:
    headers = {b"Authorization": authorization.encode("latin-1")}
    refused = await flask_depot.clients[0].get("/projects", headers=headers)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'{"name": 1}', b'{"name": ""}', b'{"name": "\\u0000"}'),
        *(b'{"name": "\xff"}', b'{"name": "\\ud800"}', b"[" * 100_000, b'{"name": NaN}'),
        *(b'{"name": "x", "n": 1' + b"0" * 5000 + b"}", b'{"name": "' + b"x" * 201 + b'"}'),
    ],
)
async def test_junk_is_a_bad_request(flask_depot: Depot, body: bytes) -> None:
    clerk = await flask_depot.person()
    headers = {"Content-Type": "application/json"}
    refused = await clerk.ask("POST", "/projects", content=body, headers=headers)
    assert (refused.status_code, refused.json()["reason"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "path",
    [
        *("/projects/%00", "/files/" + "9" * 3000, "/bundles/%ff%fe", "/nowhere", "//projects"),
        *("/projects?page_size=0", "/projects?page_size=x", "/projects?page_token=%00"),
        *("/journal?page_token=YWZ0ZXIgLTE", "/journal?page_size=999999999999999999999"),
        "/journal?subject=%00%ff",
    ],
)
async def test_strange_paths_are_refused(flask_depot: Depot, path: str) -> None:
    clerk = await flask_depot.person()
    answer = await clerk.ask("GET", path)
    assert answer.status_code in (400, 404), answer.text
    assert set(answer.json()) == {"message", "reason", "trace"}


async def test_a_query_that_nobody_reads_does_no_harm(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    assert (await clerk.seen("/projects?what=%00&what=1"))["items"] == []


async def test_a_wrong_method_is_told_the_right_ones(flask_depot: Depot) -> None:
    for method in ("DELETE", "PATCH", "OPTIONS", "JUNK"):
        refused = await flask_depot.clients[0].request(method, "/projects")
        assert refused.status_code == 405
        assert {"GET", "POST"} <= set(refused.headers["Allow"].split(", "))
