"""What shows each defect of the field documentation, by plain requests and plain SQL.

Each function is named after a defect and says whether it shows. Those of `QUEUE` need a system
whose workers take nothing.
"""

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import jwt
import psycopg

from tests.foreign.fieldwork_house import JPEG, PDF, House, Person, Signer

Probe = Callable[[House], Awaitable[bool]]


async def _with_document(house: House) -> tuple[Person, str, dict[str, Any]]:
    person = house.person()
    order = await person.work_order()
    filed = await person.file(order)
    assert filed.status_code == 201, filed.text
    return person, order, filed.json()


async def _completed(house: House, documents: int = 1) -> tuple[Person, dict[str, Any]]:
    person = house.person()
    order = await person.work_order()
    for number in range(documents):
        await person.file(order, JPEG + bytes([number]))
    return person, await person.package_in(await person.package(order), "completed", "error")


async def download_by_the_server(house: House) -> bool:
    _, _, document = await _with_document(house)
    path = f"/rest/v1/documents/{document['id']}/download"
    return (await house.person().ask("GET", path)).status_code == 302


async def packages_for_all_users(house: House) -> bool:
    person = house.person()
    package = await person.package(await person.work_order())
    return (await house.person().ask("GET", f"/rest/v1/packages/{package}")).status_code == 200


async def foreign_package_forbidden(house: House) -> bool:
    person = house.person()
    package = await person.package(await person.work_order())
    return (await house.person().ask("GET", f"/rest/v1/packages/{package}")).status_code == 403


async def row_security_forgotten(house: House) -> bool:
    _, _, document = await _with_document(house)
    path = f"/rest/v1/documents/{document['id']}"
    return (await house.person().ask("GET", path)).status_code == 200


async def row_security_not_forced(house: House) -> bool:
    await house.person().work_order()
    with psycopg.connect(house.environment["DATABASE_URL"]) as connection:
        return connection.execute("SELECT count(*) FROM work_orders").fetchone() != (0,)


async def organization_of_the_token(house: House) -> bool:
    owner, user = house.person(), str(uuid.uuid4())
    await owner.work_order()
    house.query(
        "INSERT INTO profiles (user_id, org_id, role) VALUES (%s, %s, 'admin')",
        *(user, house.organization()),
    )
    token = house.signer.token(user, user_metadata={"organization_id": owner.org})
    return bool((await house.with_token(token).seen("/rest/v1/work-orders"))["workOrders"])


async def adjuster_may_write(house: House) -> bool:
    person = house.person()
    order = await person.work_order()
    adjuster = house.person("adjuster", person.org)
    return (await adjuster.file(order)).status_code == 201


async def anybody_may_claim(house: House) -> bool:
    with psycopg.connect(house.environment["DATABASE_URL"]) as connection:
        connection.execute("SET LOCAL ROLE anon")
        try:
            connection.execute("SELECT * FROM claim_next_package('anon')")
        except psycopg.errors.InsufficientPrivilege as refused:
            return "claim_next_package" not in (refused.diag.message_primary or "")
        return True


async def _taken(house: House, signer: Signer, **claims: object) -> bool:
    user = str(uuid.uuid4())
    house.query(
        "INSERT INTO profiles (user_id, org_id, role) VALUES (%s, %s, 'admin')",
        *(user, house.organization()),
    )
    person = house.with_token(signer.token(user, **claims))
    return (await person.ask("GET", "/rest/v1/work-orders")).status_code == 200


async def token_of_any_age(house: House) -> bool:
    return await _taken(house, house.signer, exp=1)


async def token_for_anybody(house: House) -> bool:
    return await _taken(house, house.signer, aud="another service")


async def unknown_key_unverified(house: House) -> bool:
    return await _taken(house, Signer.new())


async def address_for_ever(house: House) -> bool:
    _, _, document = await _with_document(house)
    key = document["storageKey"]
    granted = {"url": key, "name": "a", "type": "image/jpeg", "exp": int(time.time()) - 60}
    token = jwt.encode(granted, house.environment["STORAGE_SECRET"], algorithm="HS256")
    address = f"/storage/v1/object/sign/{key}?token={token}"
    return (await house.clients[0].get(address)).status_code == 200


async def type_as_declared(house: House) -> bool:
    person = house.person()
    return (await person.file(await person.work_order(), b"no picture")).status_code == 201


async def limit_by_length_alone(house: House) -> bool:
    person = house.person()
    order = await person.work_order()

    async def form() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
        yield b"Content-Type: image/jpeg\r\n\r\n" + JPEG
        for _ in range(24):
            yield bytes(64 * 1024)
        yield b"\r\n--x--\r\n"

    answer = await person.ask(
        "POST",
        f"/rest/v1/work-orders/{order}/documents",
        headers={
            "Client-Request-Id": str(uuid.uuid4()),
            "Content-Type": "multipart/form-data; boundary=x",
        },
        content=form(),
    )
    return answer.status_code == 201


async def empty_file_taken(house: House) -> bool:
    person = house.person()
    return (await person.file(await person.work_order(), b"")).status_code == 201


async def refused_stays(house: House) -> bool:
    person = house.person()
    before = set(house.objects())
    refused = await person.file(await person.work_order(), JPEG, content_type="text/html")
    assert refused.status_code == 400
    return set(house.objects()) != before


async def name_is_the_key(house: House) -> bool:
    _, _, document = await _with_document(house)
    return str(document["storageKey"]).endswith("/roof.jpg")


async def requests_known_by_one_process(house: House) -> bool:
    person = house.person()
    order, sent = await person.work_order(), str(uuid.uuid4())
    await person.file(order, sent=sent)
    other = await person.file(order, PDF, sent=sent, content_type="application/pdf", at=1)
    return other.status_code == 201


async def request_id_for_anything(house: House) -> bool:
    person = house.person()
    order, sent = await person.work_order(), str(uuid.uuid4())
    first = await person.file(order, sent=sent)
    other = await person.file(order, PDF, sent=sent, content_type="application/pdf")
    return other.status_code == 200 and other.json() == first.json()


async def request_id_of_any_organization(house: House) -> bool:
    sent = str(uuid.uuid4())
    people = [house.person() for _ in range(2)]
    answers = [await each.file(await each.work_order(), sent=sent) for each in people]
    return [each.status_code for each in answers] != [201, 201]


async def same_bytes_looked_for_first(house: House) -> bool:
    person = house.person()
    for _ in range(house.rounds):
        order = await person.work_order()
        await asyncio.gather(*(person.file(order, at=number % 2) for number in range(6)))
        listed = await person.seen(f"/rest/v1/work-orders/{order}/documents")
        if len(listed["documents"]) > 1:
            return True
    return False


async def log_forks(house: House) -> bool:
    person = house.person()
    orders = [await person.work_order() for _ in range(6)]
    for number in range(house.rounds):
        content = JPEG + bytes([number])
        await asyncio.gather(
            *(person.file(order, content, at=at % 2) for at, order in enumerate(orders))
        )
        entries = (await person.seen("/rest/v1/activity"))["entries"]
        if len({each["prevHash"] for each in entries}) < len(entries):
            return True
    return False


async def time_of_the_session(house: House) -> bool:
    _, _, document = await _with_document(house)
    texts = set()
    for zone in ("UTC", "Asia/Tokyo"):
        with psycopg.connect(house.control_url) as connection:
            connection.execute(f"SET LOCAL TimeZone TO '{zone}'".encode())
            texts |= {
                *connection.execute(
                    "SELECT activity_text(a) FROM activity_log AS a WHERE record_id = %s",
                    [document["id"]],
                ).fetchall()
            }
    return len(texts) == 2


async def payload_not_hashed(house: House) -> bool:
    _, _, document = await _with_document(house)
    ((text,),) = house.query(
        "SELECT activity_text(a) FROM activity_log AS a WHERE record_id = %s", document["id"]
    )
    return document["sha256"] not in text


async def link_never_compared(house: House) -> bool:
    person, order, document = await _with_document(house)
    await person.file(order, PDF, content_type="application/pdf")
    last, *_ = (await person.seen("/rest/v1/activity"))["entries"]
    with psycopg.connect(house.control_url) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("DELETE FROM activity_log WHERE record_id = %s", [document["id"]])
    return bool((await person.seen(f"/rest/v1/activity/{last['id']}/verify"))["chainOk"])


async def log_can_be_emptied(house: House) -> bool:
    with psycopg.connect(house.control_url) as connection:
        try:
            connection.execute("TRUNCATE activity_log")
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            connection.rollback()
    return True


async def completed_told_twice(house: House) -> bool:
    _, package = await _completed(house)
    told = house.query(
        "SELECT 1 FROM activity_log WHERE record_id = %s AND action = 'package.completed'",
        package["id"],
    )
    return len(told) == 2


async def finished_can_be_cancelled(house: House) -> bool:
    person, package = await _completed(house)
    answer = await person.ask("POST", f"/rest/v1/packages/{package['id']}/cancel")
    return answer.status_code == 200


async def digest_of_pretty_text(house: House) -> bool:
    person, package = await _completed(house)
    manifest = await person.ask("GET", f"/rest/v1/packages/{package['id']}/manifest")
    return bool(hashlib.sha256(manifest.content).hexdigest() != package["manifestSha256"])


async def files_not_looked_at(house: House) -> bool:
    person, package = await _completed(house)
    ((key,),) = house.query(
        "SELECT d.storage_key FROM documents AS d JOIN proof_packages AS p"
        " ON p.work_order_id = d.work_order_id WHERE p.id = %s",
        package["id"],
    )
    (house.directory / "bucket" / key).write_bytes(b"another picture")
    proof = await person.ask(
        "POST", "/rest/v1/rpc/verify_package", json={"packageId": package["id"]}
    )
    return bool(proof.json()["filesOk"])


async def text_that_breaks(house: House) -> bool:
    body = {"name": "a\0b", "source": "web"}
    return (await house.person().ask("POST", "/rest/v1/work-orders", json=body)).status_code == 500


async def _requested(house: House, number: int) -> list[str]:
    """That many packages of one organization, in their order; no others are pending."""
    house.query("UPDATE proof_packages SET status = 'cancelled' WHERE status <> 'cancelled'")
    person = house.person()
    return [await person.package(await person.work_order()) for _ in range(number)]


async def _claims(house: House, number: int) -> list[tuple[str, str]]:
    """Package and lease of that many claims at the same time."""

    async def claim() -> list[tuple[str, str]]:
        async with await psycopg.AsyncConnection.connect(
            house.control_url, autocommit=True
        ) as connection:
            found = await connection.execute(
                "SELECT package_id, lease FROM claim_next_package('w')"
            )
            return [(str(package), str(lease)) for package, lease in await found.fetchall()]

    return [
        each for some in await asyncio.gather(*(claim() for _ in range(number))) for each in some
    ]


async def claim_looks_then_takes(house: House) -> bool:
    for _ in range(house.rounds):
        await _requested(house, 1)
        if len(await _claims(house, 8)) > 1:
            return True
    return False


async def cap_counted_without_lock(house: House) -> bool:
    for _ in range(house.rounds):
        await _requested(house, 8)
        if len(await _claims(house, 8)) > 3:
            return True
    return False


async def lease_not_compared(house: House) -> bool:
    (package,) = await _requested(house, 1)
    await _claims(house, 1)
    return house.query("SELECT package_error(%s, gen_random_uuid(), 'late', 'late')", package) == [
        (True,)
    ]


async def newest_first(house: House) -> bool:
    _, second = await _requested(house, 2)
    ((package, _),) = await _claims(house, 1)
    return package == second


QUEUE = frozenset(
    {
        *("claim-looks-then-takes", "cap-counted-without-lock", "lease-not-compared"),
        "newest-first",
    }
)
NOT_BY_REQUESTS = frozenset({"claims-of-the-session"})


def probe_of(defect: str) -> Probe:
    probe: Probe = globals()[defect.replace("-", "_")]
    return probe
