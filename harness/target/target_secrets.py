"""What of a target must not reach a message, a log or a report."""

from harness.redaction.secret_encodings import passwords_of
from harness.redaction.secret_values import secrets_in
from harness.target.launch_values import texts_of
from harness.target.target_file import TargetFile
from harness.target.values.libpq_variables import as_given
from harness.target.values.template import variables


def secrets_of(target: TargetFile) -> frozenset[str]:
    """Every secret that the file holds, or names by a variable."""
    found: set[str] = set()
    if mint := target.tokens.mint:
        found |= {t.get_secret_value() for t in (mint.secret, mint.private_key) if t}
    if given := target.tokens.given:
        found |= {t.get_secret_value() for t in (given.token, given.org_a, given.org_b) if t}
    if (admin_token := target.tokens.admin_token) is not None:
        found.add(admin_token.get_secret_value())
    if target.ledger:
        found |= {salt.get_secret_value() for salt in target.ledger.salts.values()}
    if target.database.url:
        found.add(target.database.url.get_secret_value())
    found |= {password for url in target.api.base_urls for password in passwords_of(url)}
    found |= {text for table in target.contract.all_constants for text in table.secrets()}
    command = target.tokens.command
    for key, text in (*texts_of(target), *(command.texts() if command else ())):
        for name in variables(text):
            found |= set(secrets_in(as_given(name) or "", (key, name)))
    return frozenset(found - {""})
