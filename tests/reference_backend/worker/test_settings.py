"""Settings and failpoints come from the environment, and what is wrong there is said at once."""

import subprocess
import sys

import pytest

from reference_backend import failpoints
from reference_backend.failpoints import Action, FailpointReached, FailpointSyntaxError
from reference_backend.settings import Settings, SettingsError

WORKER = {"DATABASE_URL": "postgresql://u:secret@h/d", "STORAGE_DIR": "/data"}
API = {**WORKER, "JWT_SECRET": "secret", "LEDGER_SALT": "secret"}


def test_a_worker_needs_little() -> None:
    settings = Settings.from_environment("worker", WORKER)
    assert settings.stuck_timeout_s == 300
    assert settings.heartbeat_interval_s == settings.sweep_interval_s == 15
    assert settings.max_exports_per_org == 3
    assert settings.worker_name


def test_intervals_follow_a_short_stuck_timeout() -> None:
    settings = Settings.from_environment("worker", {**WORKER, "STUCK_TIMEOUT_S": "1"})
    assert settings.heartbeat_interval_s == settings.sweep_interval_s == 0.2


def test_retired_salts_are_known_beside_the_active_one() -> None:
    environment = {**API, "LEDGER_SALT_KEY_ID": "3", "LEDGER_RETIRED_SALTS": "1=one;2=t=wo"}
    settings = Settings.from_environment("api", environment)
    assert settings.ledger_salts == {"1": "one", "2": "t=wo", "3": "secret"}


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(Settings.from_environment("api", API))


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment(
            "api",
            {"PORT": "x", "STUCK_TIMEOUT_S": "nan", "RUN_WORKER": "maybe", "LOG_LEVEL": "LOUD"},
        )
    lines = str(raised.value).splitlines()
    assert [line.partition(":")[0].partition("=")[0] for line in lines] == [
        "DATABASE_URL", "PORT", "STORAGE_DIR", "JWT_SECRET", "STUCK_TIMEOUT_S", "RUN_WORKER",
        "LOG_LEVEL", "LEDGER_SALT",
    ]  # fmt: skip


@pytest.mark.parametrize(("heartbeat", "accepted"), [("0.5", True), ("0.6", False), ("1", False)])
def test_a_heartbeat_must_fit_into_the_timeout(heartbeat: str, accepted: bool) -> None:
    environment = {**WORKER, "STUCK_TIMEOUT_S": "1", "HEARTBEAT_INTERVAL_S": heartbeat}
    if accepted:
        assert Settings.from_environment("worker", environment).heartbeat_interval_s == 0.5
    else:
        with pytest.raises(SettingsError, match="at most half of STUCK_TIMEOUT_S=1"):
            Settings.from_environment("worker", environment)


def test_failpoints_are_parsed() -> None:
    assert failpoints.parse("after_claim=sleep:1.5; before_commit=exit:9;while_working=raise") == {
        "after_claim": Action(kind="sleep", amount=1.5),
        "before_commit": Action(kind="exit", amount=9),
        "while_working": Action(kind="raise"),
    }
    assert failpoints.parse("after_store=exit")["after_store"].amount == 70
    assert failpoints.parse("") == {}


@pytest.mark.parametrize(
    "text", ["nowhere=raise", "after_claim", "after_claim=sleep", "after_claim=sleep:x",
             "after_claim=sleep:-1", "after_claim=explode", "after_claim=raise:1"],
)  # fmt: skip
def test_failpoints_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(FailpointSyntaxError, match="expected name=action"):
        failpoints.parse(text)


async def test_a_failpoint_raises_and_an_unarmed_one_does_nothing() -> None:
    failpoints.configure("after_store=raise")
    try:
        await failpoints.reach("before_store")
        with pytest.raises(FailpointReached, match="after_store"):
            await failpoints.reach("after_store")
    finally:
        failpoints.configure("")


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ([], {}, "expected one of migrate, api, worker, got nothing"),
        (["serve"], {}, "expected one of migrate, api, worker, got serve"),
        (["worker"], {}, "DATABASE_URL: expected a value"),
        (["worker"], {**WORKER, "FAILPOINTS": "x=y"}, "FAILPOINTS: 'x=y'"),
    ],
)
def test_a_wrong_call_is_exit_3_with_a_reason(
    arguments: list[str], environment: dict[str, str], message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reference_backend", *arguments],
        env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert message in done.stderr


def test_a_database_that_is_not_there_is_exit_1() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reference_backend", "migrate"],
        env={"DATABASE_URL": "postgresql://u@127.0.0.1:1/d", "LEDGER_SALT": "s"},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot connect to the database" in done.stderr
