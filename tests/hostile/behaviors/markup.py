"""Text that would act on whoever displays it, wherever a backend may put text."""

import json

from tests.hostile.server import Request, Write, answer

NASTY = (
    "\x1b[2J\x1b]0;owned\x07[red]rich[/red]<script>alert(1)</script>]]>\0\x08\x9b31m\u202egnp.exe"
    "\n::error::a workflow command\n##[error]an old one ##vso[task.complete]\n##teamcity[x]"
    "\n+++ a heading\n::set-env name=PATH::/tmp\r\n\ufffe|`x`"
)
TITLE = NASTY + "long " * 30_000


async def in_a_failure(_: Request, write: Write) -> None:
    body = json.dumps({"code": NASTY, "title": NASTY, "detail": TITLE}).encode()
    header = b"X-Request-ID: \xc2\x9b31m[red]::error::\xe2\x80\xae<b>]]>"
    await write(answer(body, "500 Oh").replace(b"\r\n", b"\r\n" + header + b"\r\n", 1))


async def in_a_success(_: Request, write: Write) -> None:
    body = json.dumps({"data": {NASTY: NASTY, "id": NASTY, "state": NASTY}}, ensure_ascii=False)
    await write(answer(body.encode(), "201 Created"))


async def in_readiness(_: Request, write: Write) -> None:
    await write(answer(NASTY.encode(), "503 Not now"))
