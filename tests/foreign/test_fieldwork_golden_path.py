"""The field documentation does what its users need, in its own words, over two API processes."""

import asyncio
import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.postgres.cluster import Cluster
from tests.foreign.fieldwork_house import API_KEY, JPEG, PDF, House, house, until

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture(scope="module")
async def field(cluster: Cluster) -> AsyncIterator[House]:
    async with house(cluster, apis=2, MAX_FILE_BYTES=str(1024 * 1024), SIGNED_URL_S="3") as running:
        yield running


async def test_a_document_is_filed_once_and_downloaded_by_a_signed_address(field: House) -> None:
    person = field.person()
    order = await person.work_order()
    sent = str(uuid.uuid4())
    filed = await person.file(
        order, sent=sent, category="roof", takenAt="2026-01-02T03:04:05+02:00"
    )
    assert filed.status_code == 201, filed.text
    document = filed.json()
    assert document["takenAt"] == "2026-01-02T01:04:05Z"
    assert document["sha256"] == hashlib.sha256(JPEG).hexdigest()

    again = await person.file(order, sent=sent, category="roof", at=1)
    assert (again.status_code, again.json()) == (200, document)
    same_bytes = await person.file(order, at=1)
    assert (same_bytes.status_code, same_bytes.json()) == (200, document)
    other = await person.file(order, PDF, sent=sent, content_type="application/pdf")
    assert (other.status_code, other.json()["error"]) == (409, "invalid_request")
    assert (await person.seen(f"/rest/v1/work-orders/{order}/documents"))["documents"] == [document]

    content = await person.downloaded(f"/rest/v1/documents/{document['id']}/download")
    assert (content.status_code, content.content) == (200, JPEG)
    assert content.headers["X-Content-Type-Options"] == "nosniff"
    assert content.headers["Content-Disposition"].startswith("attachment")
    (logged,) = (await person.seen(f"/rest/v1/activity?recordId={document['id']}"))["entries"]
    assert (logged["action"], logged["payload"]["sha256"]) == (
        "document.sealed",
        document["sha256"],
    )


async def test_an_address_works_for_its_seconds_and_for_its_file_alone(field: House) -> None:
    person = field.person()
    order = await person.work_order()
    documents = [
        (await person.file(order, JPEG + bytes([number]))).json()["id"] for number in range(2)
    ]
    first, second = [
        (await person.ask("GET", f"/rest/v1/documents/{each}/download")).headers["Location"]
        for each in documents
    ]
    client = person.clients[
        1
    ]  # without token and API key, and another process than the one that signed
    assert (await client.get(first)).status_code == 200
    part = await client.get(first, headers={"Range": "bytes=3-5"})
    assert (part.status_code, part.content) == (206, JPEG[3:6])
    exchanged = second.partition("?")[0] + "?" + first.partition("?")[2]
    assert (await client.get(exchanged)).status_code == 400

    async def over() -> bool:
        return (await client.get(first)).status_code == 400

    await until(over, "the address to stop working")


async def test_a_package_holds_what_its_work_order_held(field: House) -> None:
    person = field.person()
    order = await person.work_order()
    for number in range(3):
        assert (await person.file(order, JPEG + bytes([number]))).status_code == 201
    package = await person.package(order)
    done = await person.package_in(package, "completed", "error")
    assert (done["status"], done["attempts"], done["progress"]) == ("completed", 1, 100)

    manifest = (await person.ask("GET", f"/rest/v1/packages/{package}/manifest")).content
    assert hashlib.sha256(manifest).hexdigest() == done["manifestSha256"]
    whole = await person.downloaded(f"/rest/v1/packages/{package}/download")
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.read("manifest.json") == manifest
        listed = json.loads(manifest)["files"]
        assert {each["path"] for each in listed} == {*archive.namelist()} - {"manifest.json"}
        for each in listed:
            content = archive.read(each["path"])
            assert (len(content), hashlib.sha256(content).hexdigest()) == (
                each["size"],
                each["sha256"],
            )
    assert len(listed) == 4
    log = (await person.seen(f"/rest/v1/activity?recordId={package}"))["entries"]
    assert [each["action"] for each in log] == ["package.completed", "package.requested"]
    proven = await person.ask("POST", "/rest/v1/rpc/verify_package", json={"packageId": package})
    assert proven.json() == {
        "manifestOk": True,
        "filesOk": True,
        "activityOk": True,
        "problems": [],
    }
    checked = await person.seen(f"/rest/v1/activity/{log[0]['id']}/verify")
    assert checked == {"hashOk": True, "linkOk": True, "chainOk": True, "length": 5}


async def test_the_log_is_one_chain_for_each_organization(field: House) -> None:
    people = [field.person() for _ in range(2)]
    orders = [await person.work_order() for person in people]
    await asyncio.gather(
        *(
            person.file(order, JPEG + bytes([number]), at=number % 2)
            for person, order in zip(people, orders, strict=True)
            for number in range(12)
        )
    )
    for person in people:
        entries = (await person.seen("/rest/v1/activity"))["entries"]
        assert len(entries) == 12
        assert {each["orgId"] for each in entries} == {person.org}
        numbers = [each["entryNo"] for each in entries]
        assert numbers == sorted(numbers, reverse=True)
        before = [*[each["entryHash"] for each in entries[1:]], None]
        assert [each["prevHash"] for each in entries] == before
        checked = await person.seen(f"/rest/v1/activity/{entries[0]['id']}/verify")
        assert checked["chainOk"] is True


async def test_what_is_foreign_is_not_there(field: House) -> None:
    owner, stranger = field.person(), field.person()
    order = await owner.work_order()
    document = (await owner.file(order)).json()["id"]
    package = await owner.package(order)
    await owner.package_in(package, "completed")
    (entry, *_) = (await owner.seen("/rest/v1/activity"))["entries"]
    for path in (
        *(
            f"work-orders/{order}",
            f"work-orders/{order}/documents",
            f"work-orders/{order}/packages",
        ),
        *(f"documents/{document}", f"documents/{document}/download"),
        *(f"packages/{package}", f"packages/{package}/download", f"packages/{package}/manifest"),
        *(
            f"activity/{entry['id']}",
            f"activity/{entry['id']}/verify",
        ),
    ):
        assert (await owner.ask("GET", f"/rest/v1/{path}")).status_code in {200, 302}
        answer = await stranger.ask("GET", f"/rest/v1/{path}")
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found"), path
    for path in (f"packages/{package}/cancel", f"packages/{package}/retry"):
        assert (await stranger.ask("POST", f"/rest/v1/{path}")).status_code == 404
    unseen = await stranger.ask("POST", "/rest/v1/rpc/verify_package", json={"packageId": package})
    assert unseen.status_code == 404
    assert (await stranger.file(order)).status_code == 404
    assert (await stranger.seen("/rest/v1/work-orders"))["workOrders"] == []
    assert (await stranger.seen("/rest/v1/activity"))["entries"] == []


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "image/jpeg", 400),
        (b"no picture", "image/jpeg", 400),
        (JPEG, "text/html", 400),
        (JPEG * 60_000, "image/jpeg", 413),
    ],
)
async def test_what_is_refused_leaves_nothing(
    field: House, content: bytes, content_type: str, status: int
) -> None:
    person = field.person()
    order = await person.work_order()
    before = field.objects()
    refused = await person.file(order, content, content_type=content_type)
    assert (refused.status_code, refused.json()["error"]) == (status, "invalid_request")
    assert (await person.seen(f"/rest/v1/work-orders/{order}/documents"))["documents"] == []
    assert (await person.seen("/rest/v1/activity"))["entries"] == []
    assert field.objects() == before


async def test_who_may_not_ask_is_refused(field: House) -> None:
    technician = field.person()
    order = await technician.work_order()
    adjuster = field.person("adjuster", technician.org)
    assert (await adjuster.seen(f"/rest/v1/work-orders/{order}"))["id"] == order
    assert (await adjuster.file(order)).status_code == 403
    nobody = field.with_token(field.signer.token(str(uuid.uuid4())))
    assert (await nobody.ask("GET", "/rest/v1/work-orders")).status_code == 403
    user = str(uuid.uuid4())
    for token in (
        field.signer.token(user, exp=1),
        field.signer.token(user, aud="elsewhere"),
        field.signer.token("no id"),
        "none",
    ):
        refused = await field.with_token(token).ask("GET", "/rest/v1/work-orders")
        assert (refused.status_code, refused.json()["error"]) == (401, "unauthorized")
    without = await technician.ask("GET", "/rest/v1/work-orders", headers={"apikey": API_KEY[1:]})
    assert without.status_code == 401
    unsaid = await technician.ask("POST", "/rest/v1/work-orders", json={"name": "x"})
    assert (unsaid.status_code, unsaid.json()["error"]) == (400, "invalid_request")
