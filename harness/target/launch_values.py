"""What is filled in when a target's processes are started, and the texts that it is filled into."""

import sys
from collections.abc import Iterator

from harness.target.target_file import TargetFile


def values_of(target: TargetFile) -> dict[str, str]:
    """The placeholders that mean the same everywhere in a target, secrets included."""
    values = {
        "python": sys.executable,
        "host": "127.0.0.1",
        "max_upload_bytes": str(target.limits.max_upload_bytes),
        "per_org_in_progress": str(target.limits.per_org_in_progress),
        "max_attempts": str(target.limits.max_attempts),
    }
    if mint := target.tokens.mint:
        if mint.secret is not None:
            values["jwt_secret"] = mint.secret.get_secret_value()
        values["jwt_audience"] = mint.audience or ""
        values["jwt_issuer"] = mint.issuer or ""
    if (admin_token := target.tokens.admin_token) is not None:
        values["admin_token"] = admin_token.get_secret_value()
    if target.ledger and target.ledger.salts:
        key_id, salt = next(iter(target.ledger.salts.items()))
        values |= {"ledger_salt_key_id": key_id, "ledger_salt": salt.get_secret_value()}
    if worker := target.worker:
        values["stuck_timeout_s"] = f"{worker.stuck_timeout_s:g}"
        values["sweep_interval_s"] = f"{worker.sweep_interval_s:g}"
        values["heartbeat_interval_s"] = f"{worker.heartbeat_interval_s:g}"
        values["poll_interval_s"] = f"{worker.poll_interval_s:g}"
        values["drain_grace_s"] = f"{worker.grace_s:g}"
    if target.storage and target.storage.tidy_s is not None:
        values["tidy_s"] = f"{target.storage.tidy_s:g}"
    return values


def texts_of(target: TargetFile) -> Iterator[tuple[str, str]]:
    """The texts with the variable that each becomes; a command's words become none."""
    yield from target.environment.items()
    for part in (target.api, target.worker, target.database.migrate):
        if part is not None:
            yield from part.environment.items()
            yield from (("", word) for word in part.command or ())
