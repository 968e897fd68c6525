"""The Flask backend does what the contract means, in its own words, over two API processes."""

import asyncio
import base64
import hashlib
import io
import json
import zipfile

import pytest
import rfc8785

from tests.foreign.flask_depot import JPEG, Depot

pytestmark = pytest.mark.integration


async def test_a_file_comes_back_as_it_was_kept(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    project = await clerk.project()
    kept = await clerk.upload(project, label="roof", taken_at="2026-01-02T03:04:05+02:00")
    assert kept.status_code == 201
    file = kept.json()
    assert file["taken_at"] == "2026-01-02T01:04:05Z"
    assert (await clerk.ask("GET", f"/files/{file['id']}", at=1)).json() == file
    assert (await clerk.seen(f"/projects/{project}/files"))["items"] == [file]

    whole = await clerk.ask("GET", f"/files/{file['id']}/download", at=1)
    assert whole.content == JPEG
    digest = base64.b64encode(hashlib.sha256(JPEG).digest()).decode()
    assert whole.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=3-5", 3, 5), ("bytes=-4", -4, None), ("bytes=4-999", 4, None)],
)
async def test_a_part_is_what_was_asked_for(
    flask_depot: Depot, asked: str, first: int, last: int | None
) -> None:
    clerk = await flask_depot.person()
    file = (await clerk.upload(await clerk.project())).json()["id"]
    part = await clerk.ask("GET", f"/files/{file}/download", headers={"Range": asked})
    assert part.status_code == 206
    assert part.content == JPEG[first : None if last is None else last + 1]


async def test_a_range_of_no_byte_is_refused(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    file = (await clerk.upload(await clerk.project())).json()["id"]
    part = await clerk.ask("GET", f"/files/{file}/download", headers={"Range": "bytes=999-"})
    assert part.status_code == 416
    assert part.headers["Content-Range"] == f"bytes */{len(JPEG)}"
    assert part.json()["reason"] == "no_such_range"


async def test_a_dedup_token_means_one_request(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    project, other = await clerk.project(), await clerk.project()
    first = await clerk.upload(project, token="k")
    again = await clerk.upload(project, token='"k"', at=1, taken_at="2026-01-02T03:04:05Z")
    assert again.json() == first.json()
    assert again.headers["X-From-Cache"] == "hit"
    for spent in (
        await clerk.upload(project, JPEG + b"!", token="k"),
        await clerk.upload(project, token="k", label="another"),
        await clerk.upload(other, token="k"),
    ):
        assert (spent.status_code, spent.json()["reason"]) == (409, "token_spent")
    known = await clerk.upload(project, token="other")
    assert (known.status_code, known.json()) == (200, first.json())
    assert known.headers["X-Same-Bytes"] == "yes"
    headers = {"X-Dedup-Token": "k"}
    bundle = await clerk.ask("POST", f"/projects/{project}/bundles/full", headers=headers)
    assert bundle.status_code == 201
    stranger = await flask_depot.person()
    assert (await stranger.upload(await stranger.project(), token="k")).status_code == 201


async def test_pages_hold_everything_once_and_of_one_tenant(flask_depot: Depot) -> None:
    for _ in range(2):
        clerk = await flask_depot.person()
        projects = [await clerk.project() for _ in range(5)]
        files = [
            (await clerk.upload(projects[0], JPEG + bytes([number]), token=f"{number}")).json()[
                "id"
            ]
            for number in range(5)
        ]
        for size in (1, 2, 5):
            listed = [one["id"] for one in await clerk.listed("/projects", size)]
            assert listed == projects
            kept = await clerk.listed(f"/projects/{projects[0]}/files", size)
            assert [one["id"] for one in kept] == files


@pytest.mark.parametrize("same_token", [True, False])
async def test_a_race_leaves_one_file(flask_depot: Depot, same_token: bool) -> None:
    clerk = await flask_depot.person()
    project = await clerk.project()
    answers = await asyncio.gather(
        *(
            clerk.upload(project, token="k" if same_token else f"k{number}", at=number % 2)
            for number in range(20)
        )
    )
    assert [one.status_code for one in answers].count(201) >= 1
    assert {one.status_code for one in answers} <= ({201, 409} if same_token else {201, 200})
    assert len({one.json()["id"] for one in answers if one.status_code < 300}) == 1
    assert len((await clerk.seen(f"/projects/{project}/files"))["items"]) == 1
    assert len((await clerk.seen("/journal"))["items"]) == 1


async def test_a_bundle_holds_what_its_index_says(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    project = await clerk.project()
    for number in range(3):
        await clerk.upload(project, JPEG + bytes([number]), token=f"{number}")
    options = {"stage": "after", "é": [1, 2.5, None]}
    asked = await clerk.ask("POST", f"/projects/{project}/bundles/full", json={"options": options})
    assert asked.status_code == 201
    bundle = await clerk.bundle_in(asked.json()["id"], "finished")

    index = await clerk.ask("GET", f"/bundles/{bundle['id']}/index", at=1)
    assert index.content == rfc8785.dumps(bundle["index"])
    assert hashlib.sha256(index.content).hexdigest() == bundle["index_sha256"]
    assert bundle["index"]["options"] == options
    fetched = await clerk.ask("GET", f"/bundles/{bundle['id']}/zip")
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held.pop("index.json") == index.content
    assert {name: hashlib.sha256(data).hexdigest() for name, data in held.items()} == {
        entry["path"]: entry["sha256"] for entry in bundle["index"]["entries"]
    }
    assert len(held) == 4
    assert "files/a.jpg" not in held  # no entry is named by the client
    late = await clerk.ask("POST", f"/bundles/{bundle['id']}/abort")
    assert (late.status_code, late.json()["reason"]) == (409, "bundle_is_over")
    chain = json.loads(held["journal.json"])
    head = {"number": chain[-1]["number"], "seal": chain[-1]["seal"]}
    assert head == bundle["index"]["journal_head"]
    told = (await clerk.seen(f"/journal?subject={bundle['id']}"))["items"]
    assert [entry["what"] for entry in told] == ["bundle.asked", "bundle.done"]
    assert told[1]["details"]["index_sha256"] == bundle["index_sha256"]


async def test_the_journal_is_one_chain_however_many_write(flask_depot: Depot) -> None:
    clerk = await flask_depot.person()
    project = await clerk.project()
    await asyncio.gather(
        *(
            clerk.upload(project, JPEG + bytes([number]), token=f"{number}", at=number % 2)
            for number in range(60)
        )
    )
    entries = await clerk.listed("/journal", 25)
    assert [entry["number"] for entry in entries] == list(range(1, 61))
    befores = [None, *(entry["seal"] for entry in entries[:-1])]
    assert [entry["before"] for entry in entries] == befores
    proof = await clerk.seen(f"/journal/{entries[-1]['id']}/proof")
    all_well = {"seal_ok": True, "before_ok": True, "chain_ok": True}
    assert proof == {**all_well, "length": 60, "broken": []}
