"""What a fuzzing check found, as cells: each operation with each sentence that it is judged by."""

from collections.abc import Mapping

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.results import Results, WrongAnswer
from harness.errors import Absent, CheckFailed, Inconclusive
from harness.findings.exchanges import recall
from harness.plugin.cells import Cells


async def report_wrong_answers(
    cells: Cells, document: Document, results: Results, sentences: Mapping[str, str], seed: int
) -> None:
    """Look at each operation that was sent, by each of the `sentences`: rule and name of the cell.

    What breaks a sentence is one finding, with the simplest request that shows it.
    """
    for operation_id in document.operations:
        if not results.sent[operation_id]:
            continue
        wrong = [each for kind, each in results.wrong.items() if kind[0] == operation_id]
        for rule in sentences.keys() - {each.breach.rule for each in wrong}:
            async with cells.of(operation=operation_id, what=sentences[rule]):
                pass
        for each in wrong:
            what = sentences.get(each.breach.rule, "agreement with other answers")
            async with cells.of(operation=operation_id, what=what):
                for exchange in each.exchanges:
                    recall(exchange)
                raise _failure(operation_id, each, seed)


def _failure(operation_id: str, wrong: WrongAnswer, seed: int) -> CheckFailed:
    case, breach = wrong.case, wrong.breach
    times = f"{wrong.times} times" if wrong.times > 1 else "once"
    others = [what for what in wrong.ways.values() if what != breach.what]
    return CheckFailed(
        expected=f"every answer of {operation_id} to follow the contract and its OpenAPI document",
        got=f"{breach.what}: {wrong.got}",
        detail=f"{times}; the simplest is {case.phase} case {case.number} of seed {seed}: "
        f"{case.method} with {case.about:.120}"
        + "".join(f"\nalso: {what:.300}" for what in others),
        rule=breach.rule,
        subject=operation_id,
        # the operation and the rule are all that every seed finds
        aspect="",
    )


def _reached(document: Document) -> set[str]:
    """The operations that need no id, and those that links lead to from them."""
    reached: set[str] = set()
    ahead = [each.id for each in document.operations.values() if not each.parameters_in("path")]
    while ahead:
        operation = document.operations.get(ahead.pop())
        if operation is not None and operation.id not in reached:
            reached.add(operation.id)
            ahead += [link.target for link in document.links_of(operation)]
    return reached


async def expect_every_operation_succeeded(
    cells: Cells, document: Document, results: Results, *, by_links: bool = False
) -> None:
    """Take operations that never succeeded for cells that were not looked at.

    Where ids come `by_links` alone, those that need one and that no link leads to are left out.
    """
    reached = _reached(document) if by_links else set(document.operations)
    for missed in sorted(set(document.operations) - set(results.succeeded)):
        async with cells.of(operation=missed, what="a success"):
            if missed not in reached:
                raise Absent(f"a link to {missed}", "what links lead from, [contract] absent")
            raise Inconclusive(
                f"no generated request to {missed} succeeded, so its successful answers were not "
                "checked"
            )
