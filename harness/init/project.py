"""What a project's folder shows: how it is started, and its variables' names, never values."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.errors import Misconfigured

_VARIABLE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")
_ENV_FILES = (".env", ".env.example", ".env.sample", ".env.template", ".env.local")
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_DOCUMENTS = (
    *("openapi.json", "openapi.yaml", "openapi.yml", "swagger.json", "swagger.yaml"),
    *("docs/openapi.json", "docs/openapi.yaml", "api/openapi.yaml", "api/openapi.json"),
    *("public/openapi.json", "spec/openapi.yaml"),
)
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Project:
    """What was found in the folder."""

    name: str = ""
    scripts: Mapping[str, str] = field(default_factory=dict)
    """Of `package.json`."""
    services: tuple[str, ...] = ()
    """Of the compose file: each with its image or build, in words."""
    variables: tuple[str, ...] = ()
    document: Path | None = None
    """An OpenAPI document in one of the usual places."""
    files: tuple[str, ...] = ()
    """The files that were read."""


def read_project(folder: Path) -> Project:
    """Look into a project's folder. Raises `Misconfigured` where it is none."""
    if not folder.is_dir():
        raise Misconfigured(f"--project {folder}: there is no such folder")
    read: list[str] = []
    package = _package(folder, read)
    names: dict[str, None] = {}
    for file in _ENV_FILES:
        for line in _text(folder / file, read).splitlines():
            if found := _VARIABLE.match(line):
                names[found[1]] = None
    services = []
    for file in _COMPOSE:
        services = _services(_text(folder / file, read))
        if services:
            break
    document = next((folder / each for each in _DOCUMENTS if (folder / each).is_file()), None)
    scripts = package.get("scripts")
    return Project(
        name=str(package.get("name", "")),
        scripts={str(k): str(v) for k, v in scripts.items()} if isinstance(scripts, dict) else {},
        services=tuple(services),
        variables=tuple(names),
        document=document,
        files=tuple(read),
    )


def _package(folder: Path, read: list[str]) -> Mapping[str, Any]:
    try:
        found = json.loads(_text(folder / "package.json", read) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _services(text: str) -> list[str]:
    try:
        found = yaml.safe_load(text) if text else {}
    except yaml.YAMLError:
        return []
    services = found.get("services") if isinstance(found, dict) else None
    if not isinstance(services, dict):
        return []
    return [
        f"{name} ({each.get('image') or 'built here'})"
        for name, each in services.items()
        if isinstance(each, dict)
    ]


def _text(file: Path, read: list[str]) -> str:
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return ""
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
    read.append(file.name)
    return text
