"""The routes of an API: what each takes and what it gives, from OpenAPI 3 and Swagger 2.0."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.errors import Misconfigured
from harness.init.lexicon import words_of
from harness.init.references import Document, Json, items, table
from harness.init.things import Property, kind_of, properties

_METHODS = ("get", "post", "put", "patch", "delete")
_MOST_ROUTES = 3000


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One described answer of a route."""

    status: int
    media: tuple[str, ...]
    schema: Json
    headers: Mapping[str, Property]

    @property
    def is_file(self) -> bool:
        """Whether it is bytes, not a document."""
        return any(
            not each.startswith(("application/json", "application/problem", "text/json"))
            and "+json" not in each
            for each in self.media
        )


@dataclass(frozen=True, kw_only=True)
class Route:
    """A method and a path."""

    method: str
    path: str
    segments: tuple[str, ...]
    operation_id: str
    in_path: Mapping[str, Property]
    query: tuple[Property, ...]
    headers: Mapping[str, Property]
    """Request headers by their names."""
    body: tuple[Property, ...]
    form: bool
    """Whether the body is a multipart form."""
    answers: tuple[Answer, ...]

    @property
    def success(self) -> Answer | None:
        """The first answer that means success."""
        return next((each for each in self.answers if 200 <= each.status < 300), None)

    @property
    def successes(self) -> tuple[int, ...]:
        """The statuses that mean success."""
        return tuple(each.status for each in self.answers if 200 <= each.status < 300)

    @property
    def redirects(self) -> tuple[int, ...]:
        """The statuses that lead elsewhere."""
        return tuple(each.status for each in self.answers if each.status in {302, 303, 307})

    @property
    def gives_file(self) -> bool:
        """Whether it answers with bytes, or leads to them by a redirect."""
        return bool(self.redirects) or (self.success is not None and self.success.is_file)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def is_parameter(segment: str) -> bool:
    """Whether a segment of a path is a parameter."""
    return segment.startswith("{") and segment.endswith("}")


def routes_of(document: Document) -> tuple[Route, ...]:
    """Give the routes of a document. Raises `Misconfigured` where it describes none."""
    found = []
    for path, item in table(document.root, "paths").items():
        shared = document.resolved(item)
        for method in _METHODS:
            described = table(shared, method)
            if described:
                found.append(_route(document, str(path), method, shared, described))
            if len(found) > _MOST_ROUTES:
                raise Misconfigured(f"the document has more than {_MOST_ROUTES} routes")
    if not found:
        raise Misconfigured("the document describes no routes: it has no paths")
    return tuple(found)


def _base(document: Document) -> str:
    """The path that stands before all paths of a document; empty where it is filled in later."""
    if "swagger" in document.root:
        path = str(document.root.get("basePath", ""))
    else:
        servers = items(document.root, "servers")
        url = str(servers[0].get("url", "")) if servers and isinstance(servers[0], Mapping) else ""
        path = urlsplit(url).path if "{" not in url else ""
    path = path.rstrip("/")
    return path if path.startswith("/") else ""


def _route(document: Document, path: str, method: str, item: Json, described: Json) -> Route:
    base = _base(document)
    parameters = [
        document.resolved(each)
        for each in (*items(item, "parameters"), *items(described, "parameters"))
    ]
    body, form = _body(document, described, parameters)
    by_place: dict[str, dict[str, Property]] = {"path": {}, "query": {}, "header": {}}
    for each in parameters:
        place, name = str(each.get("in")), str(each.get("name"))
        if place in by_place:
            by_place[place][name] = _property(document, name, each.get("schema") or each)
    return Route(
        method=method.upper(),
        path=base + path,
        segments=tuple(part for part in (base + path).split("/") if part),
        operation_id=str(described.get("operationId", "")),
        in_path=by_place["path"],
        query=tuple(by_place["query"].values()),
        headers=by_place["header"],
        body=body,
        form=form,
        answers=tuple(_answers(document, described)),
    )


def _body(
    document: Document, described: Json, parameters: list[Json]
) -> tuple[tuple[Property, ...], bool]:
    in_form = [each for each in parameters if each.get("in") == "formData"]
    if in_form:  # Swagger 2.0
        return tuple(_property(document, str(each.get("name")), each) for each in in_form), True
    in_body = next((each for each in parameters if each.get("in") == "body"), None)
    if in_body is not None:
        return properties(document, in_body.get("schema")), False
    content = table(document.resolved(described.get("requestBody")), "content")
    for media, each in content.items():
        if str(media).startswith("multipart/"):
            return properties(document, table(each, "schema")), True
    for media, each in content.items():
        if "json" in str(media) or media == "*/*":
            return properties(document, table(each, "schema")), False
    return (), False


def _answers(document: Document, described: Json) -> Iterator[Answer]:
    produced = items(described, "produces") or items(document.root, "produces")
    for status, raw in table(described, "responses").items():
        if not str(status).isdigit():
            continue
        answer = document.resolved(raw)
        content = table(answer, "content")
        schema: Json = answer.get("schema")  # Swagger 2.0
        media = tuple(map(str, content)) or (tuple(map(str, produced)) if schema else ())
        for name, each in content.items():
            if schema is None or "json" in str(name):
                schema = table(each, "schema")
        yield Answer(
            status=int(str(status)),
            media=media,
            schema=schema,
            headers={
                str(name): _property(
                    document, str(name), table(document.resolved(each), "schema") or each
                )
                for name, each in table(answer, "headers").items()
            },
        )


def _property(document: Document, name: str, schema: Json) -> Property:
    plain = document.plain(schema)
    return Property(
        pointer=f"/{name}",
        own=words_of(name),
        around=(),
        kind=kind_of(document, plain),
        words=document.listed(plain),
        nullable=document.nullable(schema),
        schema=plain,
    )
