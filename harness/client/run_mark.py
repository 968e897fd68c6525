"""The mark of a run on a system that others use too, and the record of what the run made."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.client.answers.answer import Answer
from harness.errors import CheckFailed
from harness.redaction.redactor import Redactor
from harness.target.tables.chaos import Removable
from harness.untrusted.sanitizing import shorten

_MOST_CHARACTERS = 500

_MAKES: Mapping[str, Removable] = {
    "createJob": "job",
    "uploadEvidence": "evidence",
    "requestExport": "export",
}


@dataclass(frozen=True, kw_only=True)
class Created:
    """One thing that a run made."""

    kind: Removable
    id: str
    job_id: str = ""
    headers: Mapping[str, str] = field(repr=False)
    """The headers of the request that made it; they are never written to a file."""


class RunMark:
    """Marks requests with the run's id, and records what they made.

    `file` (`created.jsonl`) is appended to, one JSON object a line and one write each: it is
    complete also after the run was killed. Later lines about a thing say what became of it.
    """

    def __init__(
        self,
        run_id: str,
        file: Path,
        *,
        cleanup: bool = False,
        redact: Callable[[str], str] | None = None,
    ) -> None:
        self.run_id = run_id
        self.cleanup = cleanup
        """Whether what was made is removed at the end."""
        self.created: list[Created] = []
        self.user_agent = f"shakedown/{version('shakedown')} run/{run_id}"
        self.file = file
        """Where it is recorded."""
        self._redact = redact or Redactor()

    def title(self, title: str) -> str:
        """Give the title that a job of this run has."""
        return f"{title} [shakedown {self.run_id}]"

    def record_created(self, answer: Answer, authorization: str, *, by: str = "") -> None:
        """Record what an answer says was made; never raises for a bad answer.

        `by` names who asked, where another process is to `adopt` what was made.
        """
        kind = _MAKES.get(answer.operation_id)
        if kind is None or answer.status not in (201, 202):
            return
        try:
            record = answer.data
        except CheckFailed:
            record = None
        made = str(record.get("id", "")) if record is not None else ""
        job = made if kind == "job" else str(record.get("job_id", "")) if record else ""
        facts = {"id": made, "job_id": job, "location": answer.headers.get("location", "")}
        self._write(kind=kind, **facts, **({"by": by} if by else {}))
        if made:
            headers = {"authorization": authorization} if authorization else {}
            self.created.append(Created(kind=kind, id=made, job_id=job, headers=headers))

    def record_organization(self, organization: str, headers: Mapping[str, str]) -> None:
        """Record that an organization was made by a call with these headers."""
        self._write(kind="organization", id=organization)
        self.created.append(Created(kind="organization", id=organization, headers=headers))

    def adopt(self, authorizations: Mapping[str, str]) -> None:
        """Take over what other processes of this run recorded, to remove it, too.

        `authorizations` are those they asked with, by the name that they wrote down as theirs.
        """
        known = {(one.kind, one.id) for one in self.created}
        for facts in _lines_of(self.file, self.run_id):
            authorization = authorizations.get(facts.get("by", ""))
            if authorization and facts["id"] and (facts["kind"], facts["id"]) not in known:
                headers = {"authorization": authorization}
                one = Created(
                    kind=facts["kind"], id=facts["id"], job_id=facts["job_id"], headers=headers
                )
                self.created.append(one)

    def removed(self, one: Created, how: str) -> None:
        """Record that a thing is gone, or has at least been stopped."""
        self._write(kind=one.kind, id=one.id, removed=how)

    def left(self, one: Created, why: str) -> None:
        """Record that a thing is still there."""
        self._write(kind=one.kind, id=one.id, left=why)

    def _write(self, **facts: str) -> None:
        # Ids and reasons are the backend's words: shown harmless, and no longer than an id may be.
        shown = {
            name: shorten(self._redact(text), _MOST_CHARACTERS) for name, text in facts.items()
        }
        line = json.dumps({"run": self.run_id, **shown}).encode() + b"\n"
        target = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(target, line)
        finally:
            os.close(target)


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What became of everything that a run made."""

    made: int
    removed: int
    left: tuple[str, ...]
    """`kind id: why`, for each thing that is still there."""


def read_leftovers(file: Path, run_id: str) -> Leftovers:
    """Read what a run made and what became of it; a line that was cut off is left out."""
    fate: dict[tuple[str, str], str | None] = {}
    for facts in _lines_of(file, run_id):
        key = (facts["kind"], facts["id"] or facts.get("location", ""))
        if "removed" in facts:
            fate[key] = None
        else:
            fate[key] = facts.get("left", "no attempt to remove it")
    left = tuple(f"{kind} {id_}: {why}" for (kind, id_), why in fate.items() if why is not None)
    return Leftovers(made=len(fate), removed=len(fate) - len(left), left=left)


def _lines_of(file: Path, run_id: str) -> Iterator[dict[str, Any]]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for line in lines:
        try:
            facts = json.loads(line)
        except ValueError:
            continue
        if isinstance(facts, dict) and facts.get("run") == run_id and {"kind", "id"} <= {*facts}:
            yield facts
