"""The reference backend with other names in its database, and a claim function of its own."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[3]

OWN_NAMES = {"attempt": "tries", "claimed_by": "taken_by", "preparing": "generating"}
"""What the contract calls it, in SQL and code, and what this backend does."""

FUNCTION = """
CREATE FUNCTION take_package(p_name text, p_running int, p_kind text) RETURNS json
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    taken record;
BEGIN
    IF p_kind <> 'package' THEN
        RAISE EXCEPTION 'unknown kind %', p_kind;
    END IF;
    SELECT * INTO taken FROM claim_export_job(p_name, {limit}, p_running);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN json_build_object('package', taken.id, 'try', taken.tries, 'ticket', taken.claim_token);
END $$;
REVOKE ALL ON FUNCTION take_package(text, int, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_package(text, int, text) TO service_role;
"""

CLAIM = """
[claim]
function = "take_package"

[claim.arguments]
worker = "p_name"
limit = ""
per_org = "p_running"
constants = { p_kind = "package" }

[claim.result]
id = "package"
attempt = "try"
claim_token = "ticket"

[claim.columns]
attempt = "tries"
claimed_by = "taken_by"
claim_token = "claim_token"

[contract.fields.export]
attempt = "/tries"
claimed_by = "/taken_by"

[contract.values.export.state]
preparing = ["generating", "uploading"]
"""


def install_renamed(folder: Path, *, limit: int = 1) -> Path:
    """Copy the backend with its own names into a folder; give the target file beside it.

    Its function claims so many exports, and returns one.
    """
    copy = folder / "reference_backend"
    shutil.copytree(ROOT / "reference_backend", copy, ignore=shutil.ignore_patterns("__pycache__"))
    names = re.compile(rf"\b({'|'.join(OWN_NAMES)})\b")
    for path in (*copy.rglob("*.sql"), *copy.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        path.write_text(names.sub(lambda found: OWN_NAMES[found[0]], text), encoding="utf-8")
    function = FUNCTION.replace("{limit}", str(limit))
    (copy / "migrations" / "0099_take_package.sql").write_text(function, encoding="utf-8")
    default = (ROOT / "harness" / "target" / "default.toml").read_text(encoding="utf-8")
    kept = re.sub(r"(?ms)^\[(claim|claim\.columns|zoo)\].*?(?=^\[)", "", default + "\n[end]\n")
    kept = kept.replace("[end]\n", "").replace('openapi = "contracts/openapi.yaml"', "")
    target = folder / "shakedown.toml"
    target.write_text(kept + CLAIM, encoding="utf-8")
    return target
