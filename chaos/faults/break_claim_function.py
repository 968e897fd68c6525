"""The claim function is missing, or raises: an outage of one function of the database."""

from collections.abc import Mapping
from typing import Any, Literal

import psycopg

from chaos.faults.fault import ENDS_WITH_THE_RUN, Fault
from chaos.faults.harmed_database import VICTIM
from chaos.faults.proof import FaultNotShown
from harness.database import Database
from harness.system.function_outage import BreakableFunction
from harness.target import Capability

How = Literal["missing", "raising"]

_REASON = "the claim function is out of order"
_RAISE = f"RAISE EXCEPTION '{_REASON}';"
_IS_THERE = """
SELECT count(*) AS n FROM pg_proc AS p JOIN pg_namespace AS s ON s.oid = p.pronamespace
WHERE p.proname = %s AND s.nspname = %s
"""
_DEFINED = "SELECT count(*) AS n FROM pg_proc WHERE pg_get_functiondef(oid) = %s AND prokind = 'f'"


def break_claim_function(control: Database, function: BreakableFunction, how: How) -> Fault:
    """Take the claim function away, or let it raise; healing puts back what was there.

    `function` is what `find_function` gave. Every caller meets the effect; a call of ours shows
    it.
    """
    names = [(each["schema"], each["name"]) for each in function.overloads]

    async def inject() -> None:
        if how == "missing":
            await function.rename_away()
        else:
            await function.replace_body(_RAISE)

    async def victim_shows() -> str:
        there = [await control.fetch_one(_IS_THERE, [name, schema]) for schema, name in names]
        count = sum(int(each["n"]) for each in there)
        if how == "missing" and count:
            raise FaultNotShown(f"the database still has {count} functions of that name")
        return f"the database has {count} functions of that name"

    async def others_see() -> str:
        wanted = "does not exist" if how == "missing" else _REASON
        for each in function.overloads:
            got = await _call(control, each)
            if wanted not in got:
                raise FaultNotShown(f"a call of {each['signature']} got: {got}, not {wanted!r}")
        return f"a call gets: {wanted}"

    async def healed() -> str:
        for each in function.overloads:
            if not (await control.fetch_one(_DEFINED, [each["definition"]]))["n"]:
                raise FaultNotShown(f"{each['signature']} is not what it was")
            if _REASON in await _call(control, each):
                raise FaultNotShown(f"{each['signature']} still raises")
        return "the functions are what they were"

    return Fault(
        label=f"claim-function-{how}",
        what=f"claim function {how}",
        victims=(VICTIM,),
        needs=frozenset({Capability.DATABASE_CONTROL}),
        undo=ENDS_WITH_THE_RUN,
        inject=inject,
        victim_shows=victim_shows,
        others_see=others_see,
        heal=function.rename_back if how == "missing" else function.restore,
        healed=healed,
    )


async def _call(control: Database, function: Mapping[str, Any]) -> str:
    """Call a function without values, and undo it; give the error, or `no error`."""
    types = function["signature"].partition("(")[2].rstrip(")")
    nulls = ", ".join(f"NULL::{each}" for each in types.split(",") if each)
    call = f'SELECT "{function["schema"]}"."{function["name"]}"({nulls})'
    async with control.connect() as connection:
        try:
            async with connection.transaction(force_rollback=True):
                await connection.execute(call.encode())
        except psycopg.Error as error:
            return str(error).partition("\n")[0]
    return "no error"
