import shutil
from pathlib import Path

import pytest

from harness.errors import Misconfigured
from harness.target import Capability, Target, load_target
from harness.target.document.api_document import contract_document
from tests.target_files import refusals, write

MINIMAL = """\
name = "mine"

[api]
command = "serve --port {port}"

[tokens.mint]
secret = "0123456789abcdef0123456789abcdef"
claims = { sub = "{user}" }
"""


def test_the_shipped_target_is_the_reference_backend() -> None:
    target = load_target()
    assert target.name == "reference"
    assert (target.api.instances, target.worker and target.worker.instances) == (3, 2)
    assert target.file is None
    assert target.directory is None
    assert Path(target.contract.openapi).is_file()
    without = {Capability.NETWORK, Capability.FAULTS, Capability.ABSENCES}
    assert target.capabilities() == frozenset(Capability) - without
    assert target.zoo
    assert target.expand_command(target.zoo.list_command)[1:] == ("-m", "reference_backend.defects")


def test_a_minimal_target(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, MINIMAL))
    assert target.file == tmp_path / "shakedown.toml"
    assert target.api.command == ("serve", "--port", "{port}")
    assert target.directory == str(tmp_path)
    assert target.database.source == "none"
    assert Capability.DATABASE not in target.capabilities()
    assert Capability.TENANTS in target.capabilities()


def test_one_misspelt_key(tmp_path: Path) -> None:
    text = MINIMAL.replace("[api]\n", "[api]\ninstnaces = 3\n")
    (line,) = refusals(tmp_path, text)
    assert line.startswith(
        "shakedown.toml:4: api.instnaces: unknown key; expected one of base_urls,"
    )
    assert line.endswith("(did you mean instances?)")


def test_every_problem_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
nmae = "mine"
[api]
command = "serve {prot}"
instances = "3"
ready_path = "readyz"
stop_grace_s = 0
[api.environment]
DSN = "{database_url}"
TOKEN = "{env:NOT_THERE}"
[tokens.mint]
secret = 5
claims = 3
algorithm = "none"
[contract.operations.createJob]
metod = "POST"
[ledger]
salts = {}
"""
    found = refusals(tmp_path, text)
    # What is missing altogether belongs to the table that should have it: the file itself.
    assert found[0] == "shakedown.toml:1: name: missing; this key is required"
    assert found[1].startswith(
        "shakedown.toml:1: nmae: unknown key; expected one of accepted, allow_inconclusive, api,"
    )
    expected = """\
4: api.instances: expected a whole number, got "3"
5: api.ready_path: expected a path that begins with /, got "readyz"
6: api.stop_grace_s: expected more than 0, got 0
9: api.environment.TOKEN: the environment variable NOT_THERE is not set; the target needs it
11: tokens.mint.secret: expected a text in quotes, got a number
12: tokens.mint.claims: expected a table, got 3
13: tokens.mint.algorithm: expected one of 'HS256', 'HS384', 'HS512', \
'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', \
got "none"
15: contract.operations.createJob.metod: unknown key; expected one of constants, envelope, method, \
path, refusals, send, success (did you mean method?)
17: ledger.salts: empty; expected salts by their key ids, or false: hashes without a salt"""
    assert found[2:] == [f"shakedown.toml:{line}" for line in expected.splitlines()]


def test_contradictions_come_with_the_other_problems(tmp_path: Path) -> None:
    text = MINIMAL.replace("--port {port}", "{prot}").replace("[api]\n", "[api]\nbad = 1\n")
    first, second = refusals(tmp_path, text)
    assert first.startswith("shakedown.toml:4: api.bad: unknown key")
    assert second.startswith("shakedown.toml:5: api.command: unknown placeholder {prot};")
    assert "{port}" in second


def test_contradictions_come_with_a_list_that_has_a_wrong_item(tmp_path: Path) -> None:
    more = """
[contract]
absent = ["metrics", 7, "metrix"]

[[accepted]]
fingerprint = 3
reason = "known"

[[allow_inconclusive]]
check = "hash.chain"
"""
    found = refusals(tmp_path, MINIMAL + more)
    lines = len(MINIMAL.splitlines())
    assert [each.split(": ")[:2] for each in found] == [
        [f"shakedown.toml:{lines + 3}", "contract.absent.1"],
        [f"shakedown.toml:{lines + 3}", "contract.absent.2"],
        [f"shakedown.toml:{lines + 6}", "accepted.0.fingerprint"],
        [f"shakedown.toml:{lines + 9}", "allow_inconclusive.0.reason"],
    ]
    assert "unknown operation 'metrix'" in found[1]


def test_a_secret_is_not_repeated(tmp_path: Path) -> None:
    text = MINIMAL.replace('"0123456789abcdef0123456789abcdef"', "123456789")
    (line,) = refusals(tmp_path, text)
    assert line == "shakedown.toml:7: tokens.mint.secret: expected a text in quotes, got a number"
    target = load_target(write(tmp_path, MINIMAL))
    assert "0123456789" not in repr(target)
    assert "0123456789abcdef0123456789abcdef" in target.secrets


def test_a_secret_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = MINIMAL.replace("0123456789abcdef0123456789abcdef", "{env:MY_SECRET}")
    (line,) = refusals(tmp_path, text)
    expected = (
        "tokens.mint.secret: the environment variable MY_SECRET is not set; the target needs it"
    )
    assert line == f"shakedown.toml:7: {expected}"
    monkeypatch.setenv("MY_SECRET", "hush{port}")
    target = load_target(write(tmp_path, text))
    assert target.tokens.mint
    assert target.tokens.mint.secret
    assert target.tokens.mint.secret.get_secret_value() == "hush{port}"
    assert target.secrets == {"hush{port}"}


def test_the_environment_of_instances_is_filled_in_at_launch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hush")
    text = MINIMAL + '[api.environment]\nP = "{env:PASSWORD}:{port}"\nN = 8\n'
    target = load_target(write(tmp_path, text))
    expanded = target.expand_environment(target.api.environment, {"port": "1"})
    assert expanded == {"P": "hush:1", "N": "8"}
    assert "hush" in target.secrets


def test_the_common_environment_is_under_the_special_one(tmp_path: Path) -> None:
    text = MINIMAL + '[api.environment]\nA = "api"\n[environment]\nA = "all"\nB = "all"\n'
    target = load_target(write(tmp_path, text))
    assert target.expand_environment(target.api.environment) == {"A": "api", "B": "all"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = ", "shakedown.toml:1: not TOML: Invalid value (at end of document)"),
        ("a = 1\na = 2\n", "shakedown.toml:2: not TOML: Cannot overwrite a value (column 6)"),
    ],
)
def test_a_file_that_is_not_toml(tmp_path: Path, text: str, expected: str) -> None:
    assert refusals(tmp_path, text) == [expected]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        Misconfigured, match=r"cannot read the target file .*gone\.toml: No such file"
    ):
        load_target(tmp_path / "gone.toml")
    with pytest.raises(Misconfigured, match="Is a directory"):
        load_target(tmp_path)


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(Misconfigured, match="is not UTF-8"):
        load_target(tmp_path / "x.toml")


def contradiction(folder: Path, *changes: tuple[str, str]) -> str:
    text = MINIMAL
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return "\n".join(refusals(folder, text))


HEAD = '[api]\ncommand = "serve --port {port}"\n'


@pytest.mark.parametrize(
    ("replacement", "expected"),
    [
        ("[api]\n", 'api.command: missing; driver = "process" starts the API with it'),
        (HEAD + "instances = 0\n", "api.instances: expected at least 1, got 0"),
        (HEAD + "port = 80\n", "api.port: 3 instances cannot share port 80; use {port}"),
        (HEAD + 'base_urls = ["http://x"]\n', 'api.base_urls: only driver = "external"'),
        (HEAD + "[worker]\n", 'worker.command: missing; driver = "process" starts the workers'),
        (
            HEAD + "[worker]\ncommand='w'\nstuck_timeout_s=1\nheartbeat_interval_s=2\n",
            "worker: heartbeat_interval_s = 2 must be less than stuck_timeout_s = 1",
        ),
        (
            HEAD + "[worker]\ncommand='w'\nstop_grace_s=5\ndrain_grace_s=6\n",
            "worker: drain_grace_s = 6 must be at most stop_grace_s = 5",
        ),
        (
            HEAD + "[worker]\ncommand='w'\npoll_interval_s=0\n",
            "worker.poll_interval_s: expected more than 0, got 0",
        ),
        (
            HEAD + "[storage]\nlayout='directory'\ntidy_s=0\n",
            "storage.tidy_s: expected more than 0, got 0",
        ),
        (HEAD + '[database]\nsource = "external"\n', "database.url: missing"),
        (
            HEAD + '[database]\nurl = "postgresql://u:hush@h/d"\n',
            'database.url: only [database] source = "external"',
        ),
        (HEAD + '[database.migrate]\ncommand = "m"\n', 'database.migrate: source = "none"'),
        (
            HEAD + '[database]\nsource = "docker"\nbinaries = 17\n',
            'database.binaries: only [database] source = "embedded" uses it; remove it',
        ),
        (
            HEAD + '[database]\nsource = "embedded"\nbinaries = "pgsql/bin"\n',
            "database.binaries: expected a release of PostgreSQL such as 17, or a directory beside",
        ),
        (
            HEAD + '[database]\nsource = "embedded"\nbinaries = true\n',
            "database.binaries: expected a text in quotes, got true",
        ),
        (
            HEAD + '[database]\nprelude = "roles.sql"\n',
            'database.prelude: source = "none": the database is not ours to change',
        ),
        (
            HEAD + '[database]\nsource = "embedded"\nprelude = "roles.sql"\n',
            "database.prelude: expected a file beside the target file or in a package, got",
        ),
        (
            HEAD + '[database]\nsource = "embedded"\nprelude = 3\n',
            'database.prelude: expected a list, such as ["a", "b"], got 3',
        ),
        (
            HEAD + '[database]\nsource = "embedded"\ninstrument = true\n',
            "database.instrument: needs [claim] table",
        ),
        (
            HEAD + "[claim.columns]\nstate = ''\n",
            "claim.columns.state: empty; only attempt, claimed_by, claim_token, heartbeat_at, ",
        ),
        (HEAD + "[claim]\nlease_until = 'due'\n", "claim.lease_until: needs [worker]"),
        (
            HEAD + "[claim.arguments]\nworker = 'p_a'\nlimit = 'p_a'\n",
            "claim.arguments: 'p_a' stands for two arguments",
        ),
        (
            HEAD + "[claim.arguments]\nwrker = 'p_a'\n",
            "claim.arguments.wrker: unknown key; expected one of",
        ),
        (
            HEAD + "[claim]\nfunction = ''\n[claim.arguments]\nlimit = ''\n",
            "claim.arguments: there is no function to call",
        ),
        (
            HEAD + "[claim]\nfunction = ''\n[claim.result]\nattempt = 'n'\n",
            "claim.result: there is no function to call",
        ),
        (HEAD + "[pace]\nexport_s = 0\n", "pace.export_s: "),
        (HEAD + "[pace]\nexport_s = 5\nat_once = 0\n", "pace.at_once: "),
        (HEAD + "[pace]\nexports = 5\n", "pace.exports: unknown key"),
        (HEAD + "[claim.result]\nid = ''\n", "claim.result.id: expected at least 1 character"),
        (HEAD + "[claim]\nby_hand = true\n", "claim.by_hand: checks claim by the function"),
        (
            HEAD + "[claim.states]\nqueued = 'w'\nready = ['r', 'w']\n",
            "claim.states.ready: 'w' means queued already",
        ),
        (HEAD + "[claim.states]\nqueued = '%'\n", "claim.states: '%' has a %, { or }"),
        (HEAD + "[claim.states]\nwaiting = 'w'\n", "unknown state 'waiting'; expected one of"),
        (
            HEAD + '[database]\nsource="embedded"\n[database.migrate]\ncommand="m {port}"\n',
            "database.migrate.command: unknown placeholder {port}",
        ),
        (
            '[api]\ncommand = "serve {jwt_secret}"\n',
            "api.command: {jwt_secret} is secret, and a process's arguments are not",
        ),
        (
            HEAD + '[zoo]\nlist_command="z {port}"\nvariable="Z"\n',
            "zoo.list_command: unknown placeh",
        ),
        (HEAD + '[contract]\nopenapi = "gone.yaml"\n', "contract.openapi: expected a file beside"),
        (HEAD + 'command = ["x", 1]\n', "not TOML"),
        ('[api]\ncommand = ["x", 1]\n', "api.command.1: expected a text in quotes, got 1"),
        ("[api]\ncommand = []\n", "api.command: expected at least 1 of them, got an empty list"),
        ('[api]\ncommand = "unclosed \'quote"\n', "api.command: No closing quotation"),
    ],
)
def test_contradictions(tmp_path: Path, replacement: str, expected: str) -> None:
    message = contradiction(tmp_path, (HEAD, replacement))
    assert expected in message
    assert message.startswith("shakedown.toml:")
    assert "hush" not in message


def test_external(tmp_path: Path) -> None:
    external = HEAD.replace('command = "serve --port {port}"', 'base_urls = ["http://h:1"]')
    text = 'driver = "external"\n' + MINIMAL.replace(HEAD, external)
    target = load_target(write(tmp_path, text))
    assert target.capabilities() == {
        Capability.HTTP,
        Capability.TENANTS,
        Capability.ORGANIZATIONS,
    }
    assert "api.base_urls: missing" in "\n".join(
        refusals(tmp_path, 'driver="external"\n' + MINIMAL)
    )
    text = text.replace("http://h:1", "h:1")
    assert (
        'api.base_urls.0: expected http://… or https://…, got "h:1"' in refusals(tmp_path, text)[0]
    )


def test_exactly_one_way_to_tokens(tmp_path: Path) -> None:
    both = MINIMAL + '[tokens.given]\ntoken = "t"\n'
    (line,) = refusals(tmp_path, both)
    assert "tokens: expected exactly one of [tokens.mint], [tokens.given], [tokens.calls]" in line
    head, _, _ = MINIMAL.partition("[tokens.mint]")
    given = head + '[tokens.given]\ntoken = "aaaa"\norg_a = "bbbb"\n'
    target = load_target(write(tmp_path, given))
    assert Capability.TENANTS not in target.capabilities()
    assert target.secrets == {"aaaa", "bbbb"}
    target = load_target(write(tmp_path, given + 'org_b = "cccc"\n'))
    assert Capability.TENANTS in target.capabilities()


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app").mkdir()
    shipped = contract_document()
    assert shipped is not None
    shutil.copy(shipped, tmp_path / "api.yaml")
    write(tmp_path, 'directory = "app"\n' + MINIMAL + '[contract]\nopenapi = "api.yaml"\n')
    monkeypatch.chdir(tmp_path / "app")
    target = load_target(Path("../shakedown.toml"))
    assert target.directory == str(tmp_path / "app")
    assert target.contract.openapi == str(tmp_path / "api.yaml")
    (line,) = refusals(tmp_path, 'directory = "gone"\n' + MINIMAL)
    assert line == "shakedown.toml:1: directory: expected a directory, but gone is none"


def test_failpoints() -> None:
    failpoints = load_target().failpoints
    assert failpoints
    armed = failpoints.environment({"after_claim": "sleep:30", "before_commit": "exit:9"})
    assert armed == {"FAILPOINTS": "after_claim=sleep:30;before_commit=exit:9"}
    with pytest.raises(Misconfigured, match="unknown failpoint nope; expected one of after_claim,"):
        failpoints.environment({"nope": "raise"})


def test_targets_do_not_change() -> None:
    target = load_target()
    with pytest.raises(Exception, match="frozen"):
        target.name = "other"
    assert isinstance(target, Target)


def test_an_installed_postgresql(tmp_path: Path) -> None:
    (tmp_path / "pgsql" / "bin").mkdir(parents=True)
    for written, expected in (
        ("17", "17"),
        ('"17"', "17"),
        ('"pgsql/bin"', str(tmp_path / "pgsql" / "bin")),
        ('"harness/target"', str(Path(__file__).parents[3] / "harness" / "target")),  # a package
    ):
        text = MINIMAL + f'[database]\nsource = "embedded"\nbinaries = {written}\n'
        assert load_target(write(tmp_path, text)).database.binaries == expected
