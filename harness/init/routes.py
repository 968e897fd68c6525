"""The routes of an API: what each takes and what it gives, from OpenAPI 3 and Swagger 2.0."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from harness.errors import Misconfigured
from harness.init.lexicon import words_of
from harness.init.references import Document, Json
from harness.init.things import Property, kind_of, properties
from harness.untrusted.members import items, table

_METHODS = ("get", "post", "put", "patch", "delete")
_MOST_ROUTES = 3000
_TAGS = 4
"""Members beside a file that say something of it; with more, it is a thing that may have files."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One described answer of a route."""

    status: int
    media: tuple[str, ...]
    schema: Json
    headers: Mapping[str, Property]
    is_file: bool = False
    """Whether it is bytes, not a document."""


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
    raw: bool
    """Whether the body is bytes."""
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
    def takes_file(self) -> bool:
        """Whether a file is sent: as the body, or as a part of a form."""
        if self.method not in {"POST", "PUT", "PATCH"}:
            return False
        return self.raw or any(each.kind == "file" for each in self.body) or self._is_bare_form

    @property
    def _is_bare_form(self) -> bool:
        """Whether the parts of a form are not described: a form without a file is not usual."""
        return self.form and not self.body

    @property
    def needs_file(self) -> bool:
        """Whether nothing can be sent without a file, as far as the document says."""
        if not self.takes_file:
            return False
        files = [each for each in self.body if each.kind == "file"]
        if any(each.required for each in self.body):
            return any(each.required for each in files)
        # Nothing is said to be required: a form with many other members does without.
        return len(self.body) - len(files) <= _TAGS

    @property
    def is_silent(self) -> bool:
        """Whether nothing is said of what success answers with."""
        return self.success is not None and not self.success.media

    @property
    def is_told(self) -> bool:
        """Whether success is described by a schema that says anything."""
        schema = self.success.schema if self.success is not None else None
        return isinstance(schema, Mapping) and bool(set(schema) - {"description", "title"})

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


def segments_of(path: str) -> tuple[str, ...]:
    """Split a path; a verb after a colon, `{id}:cancel`, is a segment of its own."""
    found: list[str] = []
    for part in path.split("/"):
        before, colon, verb = part.partition("}:")
        found += [f"{before}}}", verb] if colon else [part]
    return tuple(each for each in found if each)


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
    body, form, raw = _body(document, described, parameters)
    by_place: dict[str, dict[str, Property]] = {"path": {}, "query": {}, "header": {}}
    for each in parameters:
        place, name = str(each.get("in")), str(each.get("name"))
        if place in by_place:
            found = _property(document, name, each.get("schema") or each)
            by_place[place][name] = replace(found, required=each.get("required") is True)
    return Route(
        method=method.upper(),
        path=base + path,
        segments=segments_of(base + path),
        operation_id=str(described.get("operationId", "")),
        in_path=by_place["path"],
        query=tuple(by_place["query"].values()),
        headers=by_place["header"],
        body=body,
        form=form,
        raw=raw,
        answers=tuple(_answers(document, described)),
    )


def _body(
    document: Document, described: Json, parameters: list[Json]
) -> tuple[tuple[Property, ...], bool, bool]:
    """What is sent, whether as a form, and whether as bytes."""
    in_form = [each for each in parameters if each.get("in") == "formData"]
    if in_form:  # Swagger 2.0
        parts = [
            replace(
                _property(document, str(each.get("name")), each),
                required=each.get("required") is True,
            )
            for each in in_form
        ]
        return tuple(parts), True, False
    in_body = next((each for each in parameters if each.get("in") == "body"), None)
    if in_body is not None:
        return properties(document, in_body.get("schema")), False, False
    content = table(document.resolved(described.get("requestBody")), "content")
    forms = [
        properties(document, table(each, "schema"))
        for media, each in content.items()
        if str(media).startswith("multipart/")
    ]
    documents = [
        properties(document, table(each, "schema"))
        for media, each in content.items()
        if "json" in str(media) or media == "*/*"
    ]
    if forms and (not documents or any(each.kind == "file" for each in forms[0])):
        return forms[0], True, False
    if documents:
        return documents[0], False, False
    in_url = "application/x-www-form-urlencoded"
    if in_url in content:
        return properties(document, table(content[in_url], "schema")), True, False
    bytes_only = content and not any("xml" in str(m) or "text/" in str(m) for m in content)
    return (), False, bool(bytes_only)


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
            is_file=_is_file(document, media, schema)
            or "content-disposition" in {str(name).lower() for name in table(answer, "headers")},
            headers={
                str(name): _property(
                    document, str(name), table(document.resolved(each), "schema") or each
                )
                for name, each in table(answer, "headers").items()
            },
        )


def _is_file(document: Document, media: tuple[str, ...], schema: Json) -> bool:
    """Whether an answer is bytes: of a type that is no document, and with no members."""
    plain = document.plain(schema)
    if not media or document.members(plain) or document.members(plain.get("items")):
        return False
    if kind_of(document, plain) == "file":
        return True
    return not any("json" in each or each in {"*/*", "text/html"} for each in media)


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
