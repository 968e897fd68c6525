"""The files in an export: their names, the manifest, and the events of the ledger file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.client.dialect.pointers import moved, moved_back
from harness.target.contract.dialect import Contract
from harness.untrusted.json_pointers import steps
from harness.vocabulary.exports import LEDGER_FILE, MANIFEST_FILE
from harness.vocabulary.resources import Resource

_MANIFESTS: tuple[Resource, ...] = ("manifest", "manifest_file", "manifest_head")

_INSIDE: Mapping[str, Resource] = {"files": "manifest_file", "ledger_head": "manifest_head"}

_STEP = re.compile(r"\w+")

Json = Any


@dataclass(frozen=True)
class ExportFileMap:
    """Maps names in the files of exports to the contract's, and back.

    Only names of members and of files are translated. What is not where the dialect says stays
    as it is, so that a check can report it.
    """

    contract: Contract

    @cached_property
    def translates(self) -> bool:
        """Whether the backend writes manifests differently at all."""
        return bool(self._names) or any(self.contract.fields.get(one) for one in _MANIFESTS)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """The contract's name of each file that is called differently.

        Another file with the contract's name gets the backend's in exchange: no two files
        become one.
        """
        archive = self.contract.archive
        pairs = ((archive.manifest, MANIFEST_FILE), (archive.ledger, LEDGER_FILE))
        differing = {theirs: ours for theirs, ours in pairs if theirs and theirs != ours}
        return {ours: theirs for theirs, ours in differing.items()} | differing

    def name(self, name: Json) -> Json:
        """The contract's name for a file of the archive, and the other way round."""
        return self._names.get(name, name) if isinstance(name, str) else name

    def contract_manifest(self, document: Json) -> Json:
        """A manifest in the contract's names."""
        if not isinstance(document, dict):
            return document
        manifest = moved(self._places("manifest"), document)
        if isinstance(files := manifest.get("files"), list):
            manifest["files"] = [self._file(each) for each in files]
        if isinstance(head := manifest.get("ledger_head"), dict):
            manifest["ledger_head"] = moved(self._places("manifest_head"), head)
        return manifest

    def backend_manifest(self, document: Json) -> Json:
        """A manifest in the backend's names."""
        if not isinstance(document, dict):
            return document
        manifest = dict(document)
        if isinstance(files := manifest.get("files"), list):
            manifest["files"] = [self._file_back(each) for each in files]
        if isinstance(head := manifest.get("ledger_head"), dict):
            manifest["ledger_head"] = moved_back(self._places("manifest_head"), head)
        return moved_back(self._places("manifest"), manifest)

    def translate_verification(self, record: dict[str, Json]) -> None:
        """Translate the files and paths in a verification."""
        if isinstance(files := record.get("files"), list):
            record["files"] = [self._named(each) if _is_object(each) else each for each in files]
        if isinstance(mismatches := record.get("mismatches"), list):
            record["mismatches"] = [
                {**each, "path": self.contract_path(each["path"])}
                if _is_object(each, "path")
                else each
                for each in mismatches
            ]

    def contract_path(self, path: Json) -> Json:
        """A path into a manifest (`/files/0/size`, `files[0].size`) in the contract's names."""
        if not isinstance(path, str):
            return path
        resource: Resource | None = "manifest"

        def renamed(found: re.Match[str]) -> str:
            nonlocal resource
            if found[0].isdigit() or resource is None:
                return found[0]
            ways = self._places(resource).items()
            name = next((ours for ours, way in ways if way == (found[0],)), found[0])
            resource = _INSIDE.get(name) if resource == "manifest" else None
            return name

        return _STEP.sub(renamed, path)

    def contract_event(self, event: Mapping[str, Json]) -> dict[str, Json]:
        """An event of the ledger file under the contract's names."""
        return moved(self._places("ledger_line"), event)

    def _file(self, file: Json) -> Json:
        if not isinstance(file, dict):
            return file
        return self._named(moved(self._places("manifest_file"), file))

    def _file_back(self, file: Json) -> Json:
        if not isinstance(file, dict):
            return file
        return moved_back(self._places("manifest_file"), self._named(file))

    def _named(self, file: dict[str, Json]) -> dict[str, Json]:
        return {**file, "name": self.name(file["name"])} if "name" in file else file

    def _places(self, resource: Resource) -> Mapping[str, tuple[str, ...]]:
        fields = self.contract.fields.get(resource, {})
        return {name: steps(place) for name, place in fields.items()}


def _is_object(value: Json, *members: str) -> bool:
    return isinstance(value, dict) and all(name in value for name in members)
