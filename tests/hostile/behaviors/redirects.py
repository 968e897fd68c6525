"""Where a backend would like to send us."""

from tests.hostile.server import Behavior, Request, Write, answer


def to(location: str, status: str = "302 Found") -> Behavior:
    async def behavior(_: Request, write: Write) -> None:
        await write(answer(b"", status, f"Location: {location}"))

    return behavior


async def in_a_loop(request: Request, write: Write) -> None:
    await write(answer(b"", "307 Temporary Redirect", f"Location: {request.path}"))


to_another_host = to("http://192.0.2.1/api/jobs")
to_a_file = to("file:///etc/passwd")
created_elsewhere = to("http://192.0.2.1/api/jobs/1", "201 Created")
created_at_a_strange_path = to("//192.0.2.1/x", "201 Created")
