from collections.abc import Mapping

from psycopg import sql

from harness.target.sql.claim_call import claim_call, shown_call
from harness.target.sql.export_table import ExportTable
from harness.target.tables.claim import Claim, ClaimArgument, ClaimArguments

STATES = {"preparing": ("generating", "uploading"), "failed": ("broken",)}


def table(**claim: object) -> ExportTable:
    return ExportTable(
        claim=Claim.model_validate(claim), words={"state": STATES}, stuck_timeout_s=2
    )


def call(claim: Claim, given: Mapping[ClaimArgument, int | str], **how: bool) -> str:
    values = {name: sql.Literal(value) for name, value in given.items()}
    return claim_call(claim, values, **how).as_string(None)


def test_names_are_quoted() -> None:
    odd = table(table='work.pack"ages', columns={"id": "Id"})
    assert odd.name == '"work"."pack""ages"'
    assert odd.rows("id") == '(SELECT own."Id" AS id FROM "work"."pack""ages" AS own)'


def test_several_words_for_one_state() -> None:
    own = table(columns={"state": "phase"})
    for word in ("generating", "uploading"):
        assert f"WHEN '{word}' THEN 'preparing'" in own.shown("state", "e")
    assert own.becomes("preparing") == "\"phase\" = 'generating'"
    assert own.becomes("queued") == "\"phase\" = 'queued'"
    assert own.is_in("failed", "e").endswith("::text = 'failed'")


def test_a_table_without_attempt_and_owner() -> None:
    bare = table(columns={"attempt": "", "claimed_by": "", "heartbeat_at": "", "started_at": ""})
    assert bare.shown("attempt", "e") == "NULL::integer"
    assert bare.shown("claimed_by", "e") == "NULL::text"
    assert bare.needed("attempt", "claimed_by", "heartbeat_at", "id") == {"id"}
    assert not bare.has("heartbeat_at")
    assert bare.made_older("1 hour") == ""


def test_a_claim_token_tells_owners_apart_where_nothing_else_does() -> None:
    leased = table(columns={"claimed_by": "", "claim_token": "lease"}, lease_until="until")
    assert leased.shown("claimed_by", "e") == 'e."lease"::text'
    assert leased.needed("claimed_by", "heartbeat_at") == {"lease", "until"}
    assert leased.has("heartbeat_at")
    by_hand = leased.claimed_by_hand("me")
    assert by_hand.startswith('"state" = \'generating\', "attempt" = "attempt" + 1')
    assert '"lease" = gen_random_uuid()' in by_hand
    assert "heartbeat_at" not in by_hand


def test_what_is_set_back_keeps_its_attempt() -> None:
    assert table().set_back_by_hand() == (
        '"state" = \'queued\', "claimed_by" = NULL, "heartbeat_at" = NULL'
    )
    leased = table(columns={"claimed_by": "", "claim_token": "lease"}, lease_until="until")
    assert leased.set_back_by_hand() == '"state" = \'queued\', "lease" = NULL, "until" = NULL'


def test_a_sign_of_life_is_a_heartbeat_or_a_longer_lease() -> None:
    assert table().kept_alive() == '"heartbeat_at" = clock_timestamp()'
    leased = table(lease_until="until").kept_alive()
    assert leased.startswith('"until" = clock_timestamp() + interval \'')


def test_calls_by_the_contract() -> None:
    given: dict[ClaimArgument, int | str] = {"worker": "w'1", "limit": 2}
    assert call(Claim(), given) == '"claim_export_job"("p_worker" => \'w\'\'1\', "p_limit" => 2)'
    assert call(Claim(), given, by_position=True) == "\"claim_export_job\"('w''1', 2)"
    assert shown_call({"per_org": 3, "worker": "{worker}"}) == (
        "p_max_per_org => 3, p_worker => {worker}"
    )


def test_calls_by_names_of_its_own() -> None:
    arguments = ClaimArguments(worker="who", limit="", constants={"kind": "a", "deep": True})
    claim = Claim(function="work.take", arguments=arguments)
    given: dict[ClaimArgument, int | str] = {"per_org": 3, "limit": 2, "worker": "w"}
    assert call(claim, given) == (
        '"work"."take"("p_max_per_org" => 3, "who" => \'w\', "kind" => \'a\', "deep" => true)'
    )
