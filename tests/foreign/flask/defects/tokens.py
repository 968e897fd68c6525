"""Defects of the tokens by which a request happens once, and of the race for one record."""

import sqlite3
import time

from tests.foreign.changes import all_of, edit, put
from tests.foreign.flask import files, reservations, store, uploads
from tests.foreign.flask.defects.defect import Defect
from tests.foreign.flask.depot import Depot
from tests.foreign.flask.intake import Arrival
from tests.foreign.flask.refusals import Refusal
from tests.foreign.flask.reservations import Scope
from tests.foreign.flask.uploads import Answer, Upload


def _nobody_holds(connection: sqlite3.Connection, scope: Scope) -> str:
    # Nobody has an answer yet, so it must be new.
    connection.execute(
        "INSERT INTO dedup_tokens (tenant, route, token, holder) VALUES (?, ?, ?, 'somebody')"
        " ON CONFLICT DO NOTHING",
        (scope.tenant, scope.route, scope.token),
    )
    return "somebody"


def _settle_anyway(
    connection: sqlite3.Connection,
    scope: Scope,
    holder: str,
    remembered: reservations.Remembered,
) -> None:
    try:
        _settle(connection, scope, holder, remembered)
    except Refusal:
        return  # another one was faster: the record is there, all is well


_settle = reservations.settle


def _for_everybody(tenant: str, route: str, token: str) -> Scope:
    return Scope(tenant="", route=route, token=token)


def _for_every_route(tenant: str, route: str, token: str) -> Scope:
    return Scope(tenant=tenant, route="", token=token)


def _no_fingerprint(project: str, arrival: Arrival) -> str:
    return ""


def _of_the_bytes(project: str, arrival: Arrival) -> str:
    return arrival.sha256


def _keep_the_token(depot: Depot, scope: Scope, holder: str) -> None:
    refused = reservations.Remembered(fingerprint="refused", status=400, answer={"id": ""})
    with depot.store.writing() as connection:
        reservations.settle(connection, scope, holder, refused)


def _never_the_same(
    connection: sqlite3.Connection, project: str, arrival: Arrival
) -> sqlite3.Row | None:
    return None


def _look_then_insert(self: Upload, arrival: Arrival, scope: Scope, holder: str) -> Answer:
    with self.depot.store.reading() as connection:
        known = _same_bytes(connection, self.project, arrival)
    if known is not None:
        return Answer(status=200, body=files.shown(known))
    time.sleep(_STORAGE_TAKES_S)
    return _keep(self, arrival, scope, holder)


_same_bytes = files.same_bytes
_STORAGE_TAKES_S = 0.05  # as it does where bytes are kept on another machine
_keep = Upload._keep
_LOOK_THEN_INSERT = all_of(
    put(files, "same_bytes", _never_the_same),
    put(Upload, "_keep", _look_then_insert),
    edit(
        store,
        "SCHEMA",
        "CREATE UNIQUE INDEX IF NOT EXISTS same_bytes_once",
        "CREATE INDEX IF NOT EXISTS same_bytes_once",
    ),
)

DEFECTS = (
    Defect(
        id="token-race",
        title="Whether a token is in use is asked first and written down later",
        breaks="one token, many records",
        expected=("idempotency.concurrent-same-key", "instances.no-duplicates"),
        switch_on=all_of(
            _LOOK_THEN_INSERT,
            put(reservations, "hold", _nobody_holds),
            put(reservations, "settle", _settle_anyway),
        ),
    ),
    Defect(
        id="same-bytes-race",
        title="Whether the bytes are there is asked first, and they are kept later",
        breaks="the same bytes at once are several files",
        expected=("instances.no-duplicates", "upload.sha-dedup"),
        switch_on=_LOOK_THEN_INSERT,
    ),
    Defect(
        id="token-of-everybody",
        title="A dedup token is not scoped to its tenant",
        breaks="a token that one tenant used is spent for all",
        expected=("idempotency.scoped-to-org",),
        switch_on=put(reservations, "scope_of", _for_everybody),
    ),
    Defect(
        id="token-of-every-route",
        title="A dedup token is not scoped to its route",
        breaks="a token used for a file is spent for bundles",
        expected=("idempotency.scoped-to-org",),
        switch_on=put(reservations, "scope_of", _for_every_route),
    ),
    Defect(
        id="token-without-fingerprint",
        title="A dedup token answers whatever comes under it",
        breaks="another file gets the answer of the first",
        expected=("idempotency.key-reuse",),
        switch_on=put(files, "fingerprint", _no_fingerprint),
    ),
    Defect(
        id="fingerprint-of-bytes-alone",
        title="The fingerprint is that of the bytes alone",
        breaks="the token works in another project, or with another label",
        expected=("idempotency.key-reuse",),
        switch_on=put(files, "fingerprint", _of_the_bytes),
    ),
    Defect(
        id="refused-token-is-spent",
        title="A refused upload spends its token",
        breaks="a refused request cannot be put right under its token",
        expected=("idempotency.key-reuse", "upload.refused-leaves-nothing"),
        switch_on=put(uploads, "give_up", _keep_the_token),
    ),
)
