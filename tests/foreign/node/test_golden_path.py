"""The way of a case through the foreign backend, in its own dialect, judged by the contract."""

import hashlib
import io
import json
import zipfile
from base64 import b64encode

import psycopg
import pytest
import rfc8785

from .house import PDF, House

pytestmark = pytest.mark.integration

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


async def test_a_document_is_filed_once_and_comes_back(house: House) -> None:
    member = house.member()
    elsewhere = house.member(member.tenant, instance=1)
    case = await member.open_case()
    filed = await member.file(case, PNG, key="k-1", type="image/png", name="../a.png", label="l")
    assert filed.status_code == 201, filed.text
    document = filed.json()["result"]
    digest = hashlib.sha256(PNG).hexdigest()
    assert document["file"] == {
        "name": "../a.png", "bytes": len(PNG), "type": "image/png", "checksum": digest,
    }  # fmt: skip
    assert filed.headers["location"] == f"/v2/documents/{document['id']}"

    replayed = await elsewhere.file(case, PNG, key='"k-1"', type="image/png", label="l")
    assert replayed.headers["x-replay"] == "true"
    assert replayed.json() == filed.json()
    reused = await member.file(case, PDF, key="k-1")
    assert (reused.status_code, reused.json()["error"]["code"]) == (422, "KEY_REUSED")
    again = await elsewhere.file(case, PNG, type="image/png")
    assert (again.status_code, again.headers["x-duplicate"]) == (200, "true")
    assert again.json()["result"] == document

    listed = await elsewhere.http.get(f"/v2/cases/{case}/documents")
    assert listed.json() == {"results": [document], "nextPage": None}
    whole = await elsewhere.http.get(f"/v2/documents/{document['id']}/raw")
    assert whole.content == PNG
    part = await member.http.get(
        f"/v2/documents/{document['id']}/raw", headers={"Range": "bytes=5-9"}
    )
    assert (part.status_code, part.content) == (206, PNG[5:10])
    named = f"sha-256=:{b64encode(hashlib.sha256(PNG).digest()).decode()}:"
    assert whole.headers["repr-digest"] == part.headers["repr-digest"] == named


async def test_a_package_holds_what_its_contents_say(house: House) -> None:
    member = house.member()
    case = await member.open_case()
    document = (await member.file(case)).json()["result"]
    requested = await member.request(case)
    assert requested["state"] in {"waiting", "collecting"}
    package = await member.until(requested["id"], "done")

    archive = await member.http.get(f"/v2/packages/{package['id']}/archive")
    assert hashlib.sha256(archive.content).hexdigest() == package["archive"]["checksum"]
    stored = (await member.http.get(f"/v2/packages/{package['id']}/contents")).content
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    assert files.pop("manifest.json") == stored
    contents = json.loads(stored)
    assert rfc8785.dumps(contents) == stored
    assert hashlib.sha256(stored).hexdigest() == package["contentsDigest"]
    assert {each["name"]: each["sha256"] for each in contents["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    assert PDF in files.values()
    assert [each["evidence_id"] for each in contents["files"]] == [document["id"], None]

    entries = await member.http.get("/v2/audit", params={"subject": package["id"]})
    actions = [each["action"] for each in entries.json()["results"]]
    assert actions == ["package.requested", "package.finished"]
    finished = entries.json()["results"][-1]
    assert finished["details"]["contentsDigest"] == package["contentsDigest"]


async def test_contents_are_judged(house: House) -> None:
    member = house.member()
    case = await member.open_case()
    await member.file(case)
    package = await member.until((await member.request(case))["id"], "done")
    right = {"wellFormed": True, "packageMatch": True, "trailMatch": True}

    async def judged(**body: object) -> dict[str, object]:
        answer = await member.http.post("/v2/check/contents", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["result"])

    assert (await judged(packageId=package["id"])).items() >= right.items()
    assert (await judged(contents=package["contents"])).items() >= right.items()
    package["contents"]["files"][0]["size"] += 1
    changed = await judged(contents=package["contents"])
    assert changed["packageMatch"] is changed["trailMatch"] is False
    assert changed["differences"] == [
        {"path": "/files/0/size", "expected": len(PDF), "got": len(PDF) + 1}
    ]


async def test_bytes_that_change_in_the_storage_are_seen(house: House) -> None:
    member = house.member()
    case = await member.open_case()
    document = (await member.file(case)).json()["result"]
    package = await member.until((await member.request(case))["id"], "done")
    storage = next(iter(house.system.run_dir.rglob(document["id"])))
    assert storage.read_bytes() == PDF
    storage.write_bytes(PDF[:-1] + b"!")
    answer = await member.http.post("/v2/check/contents", json={"packageId": package["id"]})
    result = answer.json()["result"]
    assert (result["wellFormed"], result["packageMatch"]) == (True, False)
    assert [each["reason"] for each in result["files"] if not each["ok"]] == ["changed"]


async def test_the_trail_is_a_chain_that_is_really_walked(house: House) -> None:
    member = house.member()
    case = await member.open_case()
    for number in range(3):
        await member.file(case, PDF + bytes([number]))
    entries = (await member.http.get("/v2/audit")).json()["results"]
    assert [each["entryNo"] for each in entries] == [1, 2, 3]
    assert [each["previous"] for each in entries] == [None, *(e["digest"] for e in entries[:-1])]

    async def checked(entry: dict[str, object]) -> object:
        return (await member.http.get(f"/v2/audit/{entry['id']}/check")).json()["result"]

    right = {"digestOk": True, "previousOk": True, "chainOk": True, "depth": 3}
    assert await checked(entries[2]) == right
    control = house.system.control_url
    assert control is not None
    async with await psycopg.AsyncConnection.connect(control, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("DELETE FROM audit_trail")
        await connection.execute("SET session_replication_role = replica")  # behind its back
        await connection.execute(
            "UPDATE audit_trail SET actor = 'nobody' WHERE id = %s", [entries[0]["id"]]
        )
    assert await checked(entries[2]) == right | {"chainOk": False}
    assert await checked(entries[0]) == {
        "digestOk": False, "previousOk": True, "chainOk": False, "depth": 1,
    }  # fmt: skip


async def test_a_package_is_withdrawn_and_not_packed_again(house: House) -> None:
    member = house.member()
    case = await member.open_case()
    package = await member.request(case, "trail")
    withdrawn = await member.http.delete(f"/v2/packages/{package['id']}")
    if withdrawn.status_code == 409:  # a worker was faster: then it is done, and stays so
        await member.until(package["id"], "done")
    else:
        assert withdrawn.json()["result"]["state"] == "withdrawn"
    again = await member.http.post(f"/v2/packages/{package['id']}/again")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "WRONG_STATE")
