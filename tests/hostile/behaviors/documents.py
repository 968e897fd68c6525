"""JSON that is none, too much, or different for each who reads it."""

from tests.hostile.server import Behavior, Request, Write, answer

EMPTY_OBJECTS = 1_390_000
"""Just below the bound of a document, and the most memory for its length."""


def says(body: bytes, status: str = "201 Created") -> Behavior:
    async def behavior(_: Request, write: Write) -> None:
        await write(answer(body, status))

    return behavior


html = says(b"<html><script>alert(1)</script></html>")
garbage = says(b'{"data": {"id": \xff\xfe')
deep = says(b'{"data":' * 500_000)
a_million_digits = says(b'{"data": {"id": ' + b"9" * 1_000_000 + b"}}")
half_a_surrogate_pair = says(b'{"data": {"id": "\\ud800"}}')
a_name_twice = says(b'{"data": {"id": "1", "id": "2"}}')
not_a_number = says(b'{"data": {"id": NaN}}')
another_shape = says(b'[{"data": null}]')
a_field_of_another_type = says(b'{"data": {"id": {"$ne": null}}}')
many_objects = says(b'{"data":[' + b"{}," * EMPTY_OBJECTS + b"{}]}")
many_names = says(b'{"data":{' + b",".join(b'"%d":0' % n for n in range(300_000)) + b"}}")


async def a_hundred_megabytes(_: Request, write: Write) -> None:
    piece = b"[]," * 20_000
    length = len(piece) * 1700
    await write(
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % (length + 4)
    )
    await write(b"[")
    for _number in range(1700):
        await write(piece)
    await write(b"[]]")


circular_references = says(
    b"""{"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/api/jobs":
    {"$ref": "#/paths/~1api~1jobs"}}, "components": {"schemas": {
    "A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"},
    "C": {"$ref": "http://192.0.2.1/schema.json"}}}}""",
    "200 OK",
)
