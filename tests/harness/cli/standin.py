"""The smallest backend that can be brought up: ready at once, makes jobs, prints a secret."""

import asyncio
import json
import os
import sys
import uuid


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    data: dict[str, str]
    method, path, _ = head.split(" ", 2)
    status, data = "200 OK", {}
    if method == "POST" and path == "/api/jobs":
        status, data = "201 Created", {"id": str(uuid.uuid4())}
        if os.environ.get("BEHAVIOR") == "refuses":
            sys.stdout.write("no tenant of that name\n")
            sys.stdout.flush()
            status, data = "403 Forbidden", {}
    payload = json.dumps({"data": data}).encode()
    writer.write(
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n".encode()
        + payload
    )
    await writer.drain()
    writer.close()


async def main() -> None:
    sys.stdout.write(f"the secret is {os.environ.get('SECRET')}\n")
    sys.stdout.flush()
    if os.environ.get("BEHAVIOR") == "dies":
        sys.exit("cannot find my settings")
    if os.environ.get("BEHAVIOR") == "never-ready":
        await asyncio.sleep(600)
    server = await asyncio.start_server(answer, sys.argv[1], int(sys.argv[2]))
    await server.serve_forever()


asyncio.run(main())
