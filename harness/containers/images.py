"""Images: found here, pulled, or built from the target's Dockerfile and kept by content."""

import hashlib
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from docker.errors import APIError
from docker.utils.build import exclude_paths, tar

from harness.containers.engine import NOT_FOUND, Engine, explained
from harness.containers.labels import IMAGE
from harness.errors import Misconfigured
from harness.target.tables.models import Build
from harness.target.target import Target

_REPOSITORY = "shakedown-build"
_KEEP = 3
"""How many builds of a target stay: this one and those before it."""
_SHOWN_LINES = 20

Say = Callable[[str], None]


def images_of(engine: Engine, target: Target, say: Say, log_path: Path) -> dict[str, str]:
    """Give the image of each piece (`api`, `worker`, `migrate`), all of them here.

    Blocks: for a minute or so when it must build or pull. Raises `Misconfigured`.
    """
    pieces = {
        "api": target.api,
        "worker": target.worker,
        "migrate": target.database.migrate,
    }
    named = {piece: table.image for piece, table in pieces.items() if table is not None}
    for piece, image in named.items():
        if image is not None:
            require_image(engine, image, f"{piece}.image", say)
    built = None
    if target.build is not None and None in named.values():
        built = build(engine, target.build, target.name, say, log_path)
    found = {piece: image or built for piece, image in named.items()}
    return {piece: image for piece, image in found.items() if image is not None}


def require_image(engine: Engine, image: str, key: str, say: Say) -> None:
    """Make sure that an image is here; pull it if it is not.

    Raises `Misconfigured` with the name of the image where it cannot be had.
    """
    if _has(engine, image):
        return
    say(f"pulling {image}")
    try:
        with explained("pulling"):
            engine.client.images.pull(image)
    except Misconfigured as error:
        raise Misconfigured(
            f"{key}: there is no image {image!r} on this machine, and it cannot be pulled "
            f"({error.what}); check the name, or `docker pull {image}` where there is a registry"
        ) from error


def build(engine: Engine, wanted: Build, name: str, say: Say, log_path: Path) -> str:
    """Give the tag of the image that a build context makes; build it unless it is here.

    The tag is a digest of everything that goes into it, so a changed file is a new image.
    """
    context = Path(wanted.context)
    digest = digest_of(wanted)
    repository = f"{_REPOSITORY}/{_tag_part(name)}"
    tag = f"{repository}:{digest}"
    if _has(engine, tag):
        return tag
    say(f"building an image from {context / wanted.dockerfile}")
    lines = _run_build(engine, wanted, tag, log_path)
    if not _has(engine, tag):
        last = "\n".join(f"    {line}" for line in lines[-_SHOWN_LINES:])
        raise Misconfigured(
            f"build: {context / wanted.dockerfile} builds no image; its last log lines:\n{last}"
        )
    _forget_old_ones(engine, repository)
    return tag


def _run_build(engine: Engine, wanted: Build, tag: str, log_path: Path) -> list[str]:
    lines: list[str] = []
    log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    archive = tar(
        wanted.context, exclude=_ignored(Path(wanted.context)), dockerfile=(wanted.dockerfile, None)
    )
    with (
        archive,
        explained(f"building {tag}"),
        log_path.open("a", buffering=1, encoding="utf-8") as log,
    ):
        for message in engine.client.api.build(
            fileobj=archive,
            custom_context=True,
            dockerfile=wanted.dockerfile,
            tag=tag,
            rm=True,
            forcerm=True,
            labels={IMAGE: tag.partition(":")[0]},
            decode=True,
        ):
            text = str(message.get("stream") or message.get("error") or "")
            log.write(text)
            lines += filter(None, map(str.rstrip, text.splitlines()))
    return lines


def _has(engine: Engine, image: str) -> bool:
    found = None
    with explained(f"looking for the image {image}", {NOT_FOUND}):
        found = engine.client.api.inspect_image(image)
    return found is not None


def _ignored(context: Path) -> list[str]:
    try:
        text = (context / ".dockerignore").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    lines = map(str.strip, text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def digest_of(wanted: Build) -> str:
    """Give a digest of everything that goes into a build: names, contents, who may run it."""
    context = Path(wanted.context)
    excluded = _ignored(context)
    digest = hashlib.sha256(wanted.dockerfile.encode())
    for name in sorted(exclude_paths(str(context), excluded, wanted.dockerfile)):
        path = context / name
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            executable = "x" if mode & stat.S_IXUSR else "-"
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{name}\0{executable}\0{content}\n".encode())
        elif stat.S_ISLNK(mode):
            digest.update(f"{name}\0@\0{path.readlink()}\n".encode())
    return digest.hexdigest()[:16]


def _tag_part(name: str) -> str:
    """Give a target's name as a repository may spell it."""
    kept = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower())
    return kept.strip("-") or "target"


def _forget_old_ones(engine: Engine, repository: str) -> None:
    with explained("looking for older images"):
        found: list[Mapping[str, object]] = engine.client.api.images(name=repository)
    newest_first = sorted(found, key=lambda image: int(str(image["Created"])), reverse=True)
    for image in newest_first[_KEEP:]:
        with suppress(APIError):  # a container still uses it: it stays
            engine.client.api.remove_image(str(image["Id"]))
