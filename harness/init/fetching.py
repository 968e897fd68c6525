"""The OpenAPI document: from a file, a URL, or where a running backend usually has it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import yaml

from harness.errors import Misconfigured
from harness.init.references import Document
from harness.target.document.document_files import parse_document
from harness.target.values.pasted import url_problem
from harness.untrusted.members import table

USUAL_PLACES = (
    *("/openapi.json", "/docs/openapi.json", "/api/openapi.json", "/openapi.yaml", "/openapi"),
    *("/swagger.json", "/swagger/v1/swagger.json", "/api-docs", "/api-docs.json", "/api-json"),
    *("/docs-json", "/docs/json", "/documentation/json", "/v3/api-docs", "/v2/api-docs"),
    *("/api/docs/openapi.json", "/api/schema", "/schema", "/swagger/doc.json"),
)
"""Where FastAPI, APIFlask, NestJS, Fastify, springdoc, swaggo and drf-spectacular have it."""

_OTHER_FILE = re.compile(r"""["']?\$ref["']?\s*:\s*["']?(?!\#|https?:)[^"'\s\#{]""")

DEADLINE_S = 10
MOST_BYTES = 16 * 1024 * 1024

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A document, and where it was."""

    document: Document
    shown: str
    path: str = ""
    """Its path on the backend, where it was read from there."""


def read_file(path: Path) -> Found:
    """Read a document and the files that it refers to. Raises `Misconfigured` for what is none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Misconfigured(f"{path} is longer than {MOST_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Misconfigured(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path} is not UTF-8: {error}") from error
    document = parse(text, str(path))
    if _OTHER_FILE.search(text) and "openapi" in document.root:
        document = Document(parse_document(path))  # one of several files
    return Found(document=document, shown=str(path))


def parse(text: str, shown: str) -> Document:
    """Parse JSON or YAML. Raises `Misconfigured` where it is not an OpenAPI document."""
    # The C loader is ten times as fast; PyYAML is built without it on a few platforms.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Misconfigured(f"{shown} is neither JSON nor YAML: {error}") from error
    if not isinstance(root, dict) or not ("openapi" in root or "swagger" in root):
        raise Misconfigured(
            f"{shown} is not an OpenAPI document: expected an object with `openapi` or `swagger`"
        )
    if not table(root, "paths"):
        raise Misconfigured(f"{shown} describes no routes: it has no `paths`")
    return Document(root)


async def fetch(url: str) -> Found:
    """Get a document from its URL. Raises `Misconfigured` where there is none."""
    if problem := url_problem(url.partition("?")[0]):
        raise Misconfigured(f"--openapi: {problem}")
    async with _session() as session:
        status, text, problem = await _get(session, url)
    if problem:
        raise Misconfigured(f"--openapi {url}: {problem}")
    if status != 200:
        raise Misconfigured(f"--openapi {url}: expected status 200, got {status}")
    return Found(document=parse(text, url), shown=url, path=urlsplit(url).path)


async def find(base_url: str, say: Say) -> Found | None:
    """Look for a document in the usual places of a backend; None where none has it.

    Raises `Misconfigured` where the backend cannot be reached at all.
    """
    if problem := url_problem(base_url):
        raise Misconfigured(f"--url: {problem}")
    base = base_url.rstrip("/")
    async with _session() as session:
        for place in USUAL_PLACES:
            status, text, problem = await _get(session, base + place)
            if problem:
                raise Misconfigured(f"--url {base}: {problem}")
            if status != 200:
                continue
            try:
                document = parse(text, base + place)
            except Misconfigured:
                continue  # a page of the web application, with status 200
            say(f"{base}{place}: an OpenAPI document")
            return Found(document=document, shown=base + place, path=place)
    return None


def _session() -> aiohttp.ClientSession:
    # No proxy, cookies or netrc of this machine: it speaks to the host that was named, alone.
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=DEADLINE_S),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[int, str, str]:
    """Give status, body and, where there was no answer, why; a redirect is not followed."""
    try:
        async with session.get(url, allow_redirects=False) as answer:
            content = await answer.content.read(MOST_BYTES + 1)
            while len(content) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES)):
                content += more
            if len(content) > MOST_BYTES:
                return answer.status, "", f"the answer is longer than {MOST_BYTES >> 20} MiB"
            return answer.status, content.decode("utf-8-sig", "replace"), ""
    except TimeoutError:
        return 0, "", f"no answer within {DEADLINE_S} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return 0, "", f"no answer: {error}"
