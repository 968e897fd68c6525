"""For each defect in the trail, the contents and the archive: a look that shows it."""

import asyncio
import hashlib
import io
import json
import zipfile
from typing import Any

import psycopg
import rfc8785

from .house import PDF, House, Member


async def trail_forks(house: House) -> bool:
    first = house.member()
    members = [first, house.member(first.tenant, instance=1)]
    case = await first.open_case()
    for turn in range(5):
        contents = [PDF + bytes([turn, number]) for number in range(12)]
        await asyncio.gather(
            *(members[number % 2].file(case, each) for number, each in enumerate(contents))
        )
    numbers = [each["entryNo"] for each in await _trail(first)]
    return numbers != list(range(1, 61))


async def _trail(member: Member) -> list[dict[str, Any]]:
    answer = await member.http.get("/v2/audit", params={"size": 100})
    return list(answer.json()["results"])


async def previous_unchecked(house: House) -> bool:
    """An entry is forged together with its digest: only the next one's link tells."""
    member = await _with_two_entries(house)
    forged, following = await _trail(member)
    async with await _superuser(house) as connection:
        await connection.execute("SET session_replication_role = replica")
        change = "UPDATE audit_trail SET {} WHERE id = %s"
        await connection.execute(change.format("actor = 'somebody else'"), [forged["id"]])
        digest = _digest(house, await _text(connection, forged["id"]), "")
        await connection.execute(change.format("digest = %s"), [digest, forged["id"]])
    checked = await member.http.get(f"/v2/audit/{following['id']}/check")
    return bool(checked.json()["result"]["chainOk"])


async def trail_local_time(house: House) -> bool:
    member = await _with_two_entries(house)
    async with await _superuser(house) as connection:
        for entry in await _trail(member):
            text = await _text(connection, entry["id"])
            if entry["digest"] != _digest(house, text, entry["previous"] or ""):
                return True
    return False


async def _with_two_entries(house: House) -> Member:
    member = house.member()
    case = await member.open_case()
    await member.file(case)
    await member.file(case, PDF + b"2")
    return member


async def _superuser(house: House) -> psycopg.AsyncConnection[Any]:
    control = house.system.control_url
    assert control is not None
    return await psycopg.AsyncConnection.connect(control, autocommit=True)


async def _text(connection: psycopg.AsyncConnection[Any], entry: str) -> str:
    found = await connection.execute(
        "SELECT trail_text(e) FROM audit_trail e WHERE id = %s", [entry]
    )
    row = await found.fetchone()
    assert row is not None
    return str(row[0])


def _digest(house: House, text: str, previous: str) -> str:
    ledger = house.system.target.ledger
    assert ledger is not None
    (salt,) = ledger.salts.values()
    return hashlib.sha256((text + previous + salt.get_secret_value()).encode()).hexdigest()


async def contents_not_canonical(house: House) -> bool:
    package, _ = await _packed(house)
    canonical = rfc8785.dumps(package["contents"])
    return bool(hashlib.sha256(canonical).hexdigest() != package["contentsDigest"])


async def archive_wrong_file(house: House) -> bool:
    _, archive = await _packed(house)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        found = {name: hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist()}
        listed = json.loads(opened.read("manifest.json"))["files"]
    return any(found[each["name"]] != each["sha256"] for each in listed)


async def _packed(house: House) -> tuple[dict[str, Any], bytes]:
    member = await _with_two_entries(house)
    listed = (await member.http.get("/v2/cases")).json()["results"]
    package = await member.until((await member.request(listed[0]["id"]))["id"], "done")
    archive = await member.http.get(f"/v2/packages/{package['id']}/archive")
    return package, archive.content
