"""For each defect in how requests are answered: a question whose answer shows it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from .house import PDF, House, Member

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


async def key_without_tenant(house: House) -> bool:
    first, second = house.member(), house.member()
    await first.file(await first.open_case(), key="same")
    return (await second.file(await second.open_case(), key="same")).status_code != 201


async def key_reuse_accepted(house: House) -> bool:
    member = house.member()
    case = await member.open_case()
    await member.file(case, key="k")
    return (await member.file(case, PNG, type="image/png", key="k")).status_code != 422


async def keys_in_memory(house: House) -> bool:
    member = house.member()
    elsewhere = house.member(member.tenant, instance=1)
    case = await member.open_case()
    await member.file(case, key="k")
    return "x-replay" not in (await elsewhere.file(case, key="k")).headers


async def dedup_race(house: House) -> bool:
    members = _everywhere(house)
    for number in range(10):
        case = await members[0].open_case()
        content = PDF + bytes([number])
        await asyncio.gather(*(each.file(case, content) for each in members * 6))
        listed = await members[0].http.get(f"/v2/cases/{case}/documents")
        if len(listed.json()["results"]) > 1:
            return True
    return False


def _everywhere(house: House) -> list[Member]:
    first = house.member()
    return [first, house.member(first.tenant, instance=1)]


async def foreign_raw(house: House) -> bool:
    owner = house.member()
    document = (await owner.file(await owner.open_case())).json()["result"]
    answer = await house.member().http.get(f"/v2/documents/{document['id']}/raw")
    return answer.status_code != 404


async def foreign_case_upload(house: House) -> bool:
    case = await house.member().open_case()
    return (await house.member().file(case)).status_code != 404


async def cursor_forgets_tenant(house: House) -> bool:
    owner, stranger = house.member(), house.member()
    mine = [await owner.open_case(), await owner.open_case()]
    await stranger.open_case()
    seen: list[str] = []
    query: dict[str, Any] = {"size": 1}
    while query.get("after", "") is not None:
        page = (await owner.http.get("/v2/cases", params=query)).json()
        seen += [each["id"] for each in page["results"]]
        query["after"] = page["nextPage"]
    return seen != mine


async def reader_withdraws(house: House) -> bool:
    member = house.member()
    package = await member.request(await member.open_case())
    reader = house.member(member.tenant, scope="reader")
    return (await reader.http.delete(f"/v2/packages/{package['id']}")).status_code != 403


async def expired_token(house: House) -> bool:
    late = house.member(claims={"exp": int(time.time()) - 60})
    return (await late.http.get("/v2/cases")).status_code != 401


async def profile_tenant(house: House) -> bool:
    owner = house.member()
    case = await owner.open_case()
    pretender = house.member(claims={"profile": {"tenant": owner.tenant}})
    return (await pretender.http.get(f"/v2/cases/{case}")).status_code != 404


async def size_by_header_only(house: House) -> bool:
    member = house.member()
    case = await member.open_case()
    head = b'--x\r\nContent-Disposition: form-data; name="document"; filename="a.pdf"\r\n'
    head += b"Content-Type: application/pdf\r\n\r\n%PDF-"

    async def body() -> AsyncIterator[bytes]:
        yield head
        for _ in range(house.system.target.limits.max_upload_bytes // 2**20 + 1):
            yield bytes(2**20)
        yield b"\r\n--x--\r\n"

    answer = await member.http.post(
        f"/v2/cases/{case}/documents",
        headers={"X-Request-Key": "k", "Content-Type": "multipart/form-data; boundary=x"},
        content=body(),
    )
    return answer.status_code != 413


async def magic_ignored(house: House) -> bool:
    member = house.member()
    answer = await member.file(await member.open_case(), PDF, type="image/png")
    return answer.status_code != 422


async def refused_stays_stored(house: House) -> bool:
    member = house.member()
    await member.file(await member.open_case(), PDF, type="image/png")
    return bool(list(house.system.run_dir.rglob(f"documents/{member.tenant}/*")))


async def name_in_path(house: House) -> bool:
    member = house.member()
    filed = await member.file(await member.open_case(), name="../../mine.pdf")
    return "mine" in filed.json()["result"]["storedAt"]


async def stale_cache(house: House) -> bool:
    """Workers stand still, so that the package changes when we say so."""
    for worker in house.system.workers:
        await house.system.pause(worker)
    try:
        member = house.member()
        elsewhere = house.member(member.tenant, instance=1)
        package = await member.request(await member.open_case())
        await elsewhere.package(package["id"])
        await member.http.delete(f"/v2/packages/{package['id']}")
        return bool((await elsewhere.package(package["id"]))["state"] != "withdrawn")
    finally:
        for worker in house.system.workers:
            await house.system.resume(worker)


async def junk_is_500(house: House) -> bool:
    headers = {"Content-Type": "application/json"}
    answer = await house.member().http.post("/v2/cases", content=b"{", headers=headers)
    return answer.status_code != 400


async def digest_of_part(house: House) -> bool:
    member = house.member()
    document = (await member.file(await member.open_case())).json()["result"]
    path = f"/v2/documents/{document['id']}/raw"
    whole = await member.http.get(path)
    part = await member.http.get(path, headers={"Range": "bytes=0-3"})
    return whole.headers["repr-digest"] != part.headers["repr-digest"]


async def location_nowhere(house: House) -> bool:
    member = house.member()
    filed = await member.file(await member.open_case())
    return not (await member.http.get(filed.headers["location"])).is_success


async def undeclared_health(house: House) -> bool:
    return (await house.member().http.get("/health")).is_success
