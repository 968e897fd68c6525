"""Names in `[contract]` are looked up before anything starts: all mistakes at once, by line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.target import Target, load_target
from harness.target.document.api_document import contract_document, words_of
from harness.target.toml.toml_file import MAX_BYTES

MINIMAL = """\
name = "mine"
driver = "external"
api = { base_urls = ["http://127.0.0.1:8000"] }
tokens.given = { token = "t" }
"""
FIRST = len(MINIMAL.splitlines()) + 1

CONTRACT = contract_document() or Path()

Load = Callable[[str], Target]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def loaded(contract: str) -> Target:
        file = tmp_path / "shakedown.toml"
        file.write_text(MINIMAL + contract, encoding="utf-8")
        return load_target(file)

    return loaded


WRONG = {
    '[contract]\nabsent = ["createJbo"]': (2, "unknown operation 'createJbo'", "createJob"),
    '[contract]\nabsent = ["job.titel"]': (2, "unknown field of job 'titel'", "title"),
    '[contract]\nabsent = ["exprot.state"]': (2, "'exprot'", "export"),
    '[contract.operations]\ncreatJob = { path = "/x" }': (2, "unknown operation", "createJob"),
    '[contract.operations]\ngetJob = { path = "/x/{jobid}" }': (2, "'{jobid}'", "{job_id}"),
    '[contract.operations.uploadEvidence.send]\nflie = "x"': (2, "uploadEvidence 'flie'", "file"),
    '[contract.fields.job]\ntitel = "/name"': (2, "unknown field of job 'titel'", "title"),
    '[contract.fields.manifest_file]\nsha265 = "/x"': (2, "'sha265'", "sha256"),
    '[contract.fields.jbo]\ntitle = "/x"': (1, '"jbo"', "job"),
    '[contract.values.export.state]\nqeued = "waiting"': (2, "export.state 'qeued'", "queued"),
    '[contract.values.export.stat]\nqueued = "waiting"': (1, "'stat'", "state"),
    '[contract.headers]\nIdempotency-Kye = "X-Key"': (2, "'Idempotency-Kye'", "Idempotency-Key"),
    '[contract.refusals]\n"404 not_fuond" = "404 NO"': (2, "'not_fuond'", "not_found"),
    '[contract.operations.getJob.refusals]\n"404 not_fuond" = "404 NO"': (2, "", "not_found"),
}


ENVELOPES = {
    '[contract.envelope]\ncursor = "limit"': "contract.envelope.cursor: 'limit' is the name of",
    '[contract.operations.getJob.envelope]\nitems = "/x"': "getJob is no list; expected data",
    '[contract.operations.listJobs.envelope]\ndata = "/x"': "listJobs is a list; expected items",
    '[contract.operations.metrics.envelope]\ndata = "/x"': "metrics returns nothing that is in",
    '[contract.operations.listJobs.envelope]\nitmes = "/x"': "did you mean items?",
    '[contract.operations.listJobs.envelope]\nitems = "x"': "expected a JSON Pointer",
    '[contract.operations.listJobs.envelope]\ncursor = ""': "at least 1 characters",
    '[contract.operations.listJobs.envelope]\nlimit = "cursor"': "'cursor' is the name of limit",
    "[contract.operations.listLedgerEvents]\n"
    'envelope = { cursor = "about" }\nsend = { target_id = "?about" }': "send has target_id in the",
}


@pytest.mark.parametrize(("contract", "said"), ENVELOPES.items(), ids=range(len(ENVELOPES)))
def test_an_envelope_that_is_around_nothing_is_refused(
    load: Load, contract: str, said: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(contract)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("contract", "said"), WRONG.items(), ids=[each[1][2] for each in WRONG.items()]
)
def test_a_name_that_is_unknown_has_its_line_and_the_nearest_name(
    load: Load, contract: str, said: tuple[int, str, str]
) -> None:
    line, got, meant = said
    with pytest.raises(Misconfigured) as refused:
        load(contract)
    assert str(refused.value).count("\n") == 0
    assert f"shakedown.toml:{FIRST + line - 1}: contract." in str(refused.value)
    assert got in str(refused.value)
    assert f"(did you mean {meant}?)" in str(refused.value)


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ('[contract.refusals]\n"409 not_found" = "404 NO"', "answers not_found with 404, not 409"),
        ('[contract.refusals]\n"418" = "404 NO"', "the contract never answers 418"),
        ('[contract.refusals]\n"404not_found" = "404"', 'such as "404 not_found"'),
        ('[contract.fields.job]\ntitle = "name"', "expected a JSON Pointer"),
        ('[contract.fields.evidence]\nevidence_id = "/id"', 'id = "/id" if it is the same value'),
        ('[contract]\nabsent = ["getJob"]\noperations.getJob.path = "/x"', "one or the other"),
    ],
)
def test_what_contradicts_the_contract_is_refused(load: Load, contract: str, said: str) -> None:
    with pytest.raises(Misconfigured, match="contract") as refused:
        load(contract)
    assert said in str(refused.value)


def test_all_mistakes_at_once(load: Load) -> None:
    tables = [each for each in WRONG if not each.startswith("[contract]\n")]
    names = ["[contract.operations]", "[contract.values.export.stat]", "[contract.fields.jbo]"]
    chosen = [each for each in tables if not any(each.startswith(name) for name in names)]
    with pytest.raises(Misconfigured) as refused:
        load("\n".join(chosen))
    assert len(str(refused.value).splitlines()) == len(chosen)


RIGHT = """
[contract]
absent = ["metrics", "export.heartbeat_at", "manifest_head.hash"]
[contract.operations]
getJob = { path = "/cases/{job_id}" }
requestExport = { path = "/packages", send = { job_id = "/case", filters = "/f" } }
[contract.fields.evidence]
id = "/id"
evidence_id = "/id"
[contract.fields.ledger_event]
"metadata.manifest_hash" = "/details/digest"
[contract.values.export.error_code]
attempts_exhausted = "TRIES"
[contract.headers]
idempotency-key = "X-Key"
[contract.refusals]
"404" = "410"
"422 content_mismatch" = "400 MAGIC"
"""


def test_what_is_named_rightly_is_taken(load: Load) -> None:
    target = load(RIGHT)
    assert target.contract.fields["evidence"] == {"id": "/id", "evidence_id": "/id"}


def test_a_document_of_the_teams_own_has_names_of_its_own(load: Load, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "openapi: 3.1.0\n"
        "paths:\n"
        "  /jobs/{id}: { get: { operationId: getJob, responses: {}, parameters: "
        "[{ name: id, in: path, required: true }] } }\n"
        "  /mine: { post: { operationId: closeMonth, responses: {} } }\n",
        encoding="utf-8",
    )
    others = sorted({*words_of(CONTRACT).operations} - {"getJob", "listJobs"})
    own = f'[contract]\nopenapi = "own.yaml"\nabsent = {others}\n[contract.operations]\n'
    listed = 'listJobs = { method = "GET", path = "/jobs" }'
    load(f'{own}{listed}\ngetJob.path = "/v2/jobs/{{job_id}}"\ncloseMonth.path = "/months"')
    with pytest.raises(Misconfigured, match=r"unknown parameter '{id}'; expected one of {job_id}"):
        load(f'{own}{listed}\ngetJob.path = "/v2/jobs/{{id}}"')
    with pytest.raises(Misconfigured, match=r"own\.yaml describes no listJobs; say where each"):
        load(f'{own}closeMonth.path = "/months"')
    with pytest.raises(Misconfigured, match=r"own\.yaml does not describe it, so both"):
        load(f'{own}listJobs.path = "/jobs"')


def test_a_document_that_cannot_be_read_is_refused_at_its_line(load: Load, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("{", encoding="utf-8")
    with pytest.raises(Misconfigured, match=rf":{FIRST + 1}: contract.openapi: .*is not YAML"):
        load('[contract]\nopenapi = "own.yaml"\nabsent = ["metrics"]')


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "shakedown.toml"
    file.write_text("\ufeff" + MINIMAL, encoding="utf-8")
    assert load_target(file).name == "mine"


def test_a_file_that_is_much_too_long_is_refused_with_a_word(tmp_path: Path) -> None:
    file = tmp_path / "shakedown.toml"
    file.write_text(MINIMAL + "#" * MAX_BYTES, encoding="utf-8")
    with pytest.raises(Misconfigured, match="longer than 1024 KiB; is it the right file"):
        load_target(file)
