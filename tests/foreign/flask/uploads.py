"""One upload from its first byte to its answer: token, form, file, journal, in this order."""

import time
from dataclasses import dataclass
from typing import IO, Any

from tests.foreign.flask import files, intake, projects, reservations
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.people import Caller
from tests.foreign.flask.reservations import Remembered, Scope

_RENEW_EVERY_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the client gets: status, body, and whether it is from before."""

    status: int
    body: dict[str, Any]
    from_before: bool = False


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload whose headers were read and found good."""

    depot: Depot
    caller: Caller
    project: str
    token: str

    def run(self, stream: IO[bytes], boundary: bytes) -> Answer:
        """Read the form from `stream` and keep its file. Raises `Refusal`; then nothing stays."""
        scope = reservations.scope_of(self.caller.tenant, "files", self.token)
        with self.depot.store.writing() as connection:
            projects.find(connection, self.caller.tenant, self.project)
            before = reservations.recall(connection, scope)
            holder = None if before else reservations.hold(connection, scope)
        path = self.depot.vault.incoming()
        try:
            arrival = intake.receive(
                stream,
                boundary,
                path,
                self.depot.settings.max_file_bytes,
                _Renewal(self.depot, scope, holder),
            )
            if before is not None:
                same = reservations.same_or_spent(before, files.fingerprint(self.project, arrival))
                return Answer(status=same.status, body=same.answer, from_before=True)
            return self._keep(arrival, scope, holder or "")
        except BaseException:
            if holder is not None:
                give_up(self.depot, scope, holder)
            raise
        finally:
            path.unlink(missing_ok=True)

    def _keep(self, arrival: intake.Arrival, scope: Scope, holder: str) -> Answer:
        kept: files.Kept | None = None
        try:
            with self.depot.store.writing() as connection:
                kept = files.keep(
                    connection,
                    self.depot.vault,
                    self.depot.journal,
                    caller=self.caller,
                    project=self.project,
                    arrival=arrival,
                )
                answer = Answer(status=200 if kept.known else 201, body=kept.file)
                remembered = Remembered(
                    fingerprint=files.fingerprint(self.project, arrival),
                    status=answer.status,
                    answer=answer.body,
                )
                reservations.settle(connection, scope, holder, remembered)
        except BaseException:
            if kept is not None and not kept.known:
                self.depot.vault.forget(kept.file["kept_in"])
            raise
        return answer


def give_up(depot: Depot, scope: Scope, holder: str) -> None:
    """Free the token of an upload that came to nothing."""
    with depot.store.writing() as connection:
        reservations.release(connection, scope, holder)


class _Renewal:
    """Called with every piece that comes: keeps the token held, at a bounded rate."""

    def __init__(self, depot: Depot, scope: Scope, holder: str | None) -> None:
        self._depot = depot
        self._scope = scope
        self._holder = holder
        self._renewed_at = time.monotonic()

    def __call__(self) -> None:
        if self._holder is None or time.monotonic() - self._renewed_at < _RENEW_EVERY_S:
            return
        with self._depot.store.writing() as connection:
            reservations.renew(connection, self._scope, self._holder)
        self._renewed_at = time.monotonic()
