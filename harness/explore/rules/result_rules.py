"""What a step may return at the moment it ends, by what was committed until then."""

from harness.explore.rules.bookkeeping import Book
from harness.explore.scripts.scenario import OWNER_KINDS, RECOVERY_KINDS, Kind
from harness.explore.trace import Ended, Hold


def judge_result(book: Book, step: Ended) -> None:
    """Judge what a step returned."""
    kind, who = step.call.kind, book.names.worker(step.call.worker)
    if step.error is not None:
        if not step.error.is_retriable:
            raised = f"{step.error.sqlstate}: {step.error.message}"
            book.report("step-raised", f"{who}'s {kind} raised {raised}")
    elif kind is Kind.AGE:
        book.aged |= dict.fromkeys(step.took or (), book.events)
    elif kind is Kind.CLAIM:
        _claim(book, step, who)
    elif kind in OWNER_KINDS:
        for hold, accepted in zip(step.call.holds, step.acknowledged, strict=True):
            if hold.export not in book.unsure:
                _owner_step(book, step, hold, accepted)
    elif kind in RECOVERY_KINDS:
        for export in step.took or ():
            _taken_back(book, export, who)
        _left_by_recovery(book, step, who)


def _claim(book: Book, step: Ended, who: str) -> None:
    claimed, limit = len(step.claimed), step.call.limit
    if limit is not None and claimed > limit:
        book.report("over-limit", f"{who} asked for {limit} and got {claimed}")
    for hold in step.claimed:
        if hold.token is None:
            continue
        if hold.token in book.tokens or hold.token in book.earlier_tokens:
            what = book.names.export(hold.export)
            book.report("token-repeated", f"{who}'s claim of {what} got an earlier claim's token")
        book.tokens.add(hold.token)


def _owner_step(book: Book, step: Ended, hold: Hold, accepted: bool | None) -> None:
    names, owner = book.names, book.owners.get(hold.export)
    what = (
        f"{names.worker(step.call.worker)}'s {step.call.kind} of "
        f"{names.export(hold.export)} with {names.token(hold.token)}"
    )
    change = book.change_of(hold.export)
    if owner is not None and owner.hold == hold and owner.worker == step.call.worker:
        if accepted is False and book.is_undisturbed(step) and not change:
            book.report("owner-refused", f"{what} changed nothing, though it owns the export")
    elif accepted:
        book.report("stale-token", f"{what} was accepted, though {book.owner_of(hold.export)}")
    elif book.is_alone(step) and change:
        whose = book.owner_of(hold.export)
        book.report("stale-token", f"{what} changed the row, though {whose}: {change}")


def _taken_back(book: Book, export: str, who: str) -> None:
    owner = book.owners.get(export)
    # Silent only if it aged after its last sign of life; without either it may be taken.
    if owner is None or book.signs_of_life.get(export, -1) <= book.aged.get(export, -1):
        return
    names = book.names
    took = f"{who}'s recovery took {names.export(export)} back"
    living = names.worker(owner.worker)
    if export in book.aged:
        book.report(
            "stolen-live",
            f"{took}, though its owner {living} gave a sign of life after the hour had passed",
        )
    else:
        book.report("stolen-live", f"{took}, which {living} had claimed a moment before")


def _left_by_recovery(book: Book, step: Ended, who: str) -> None:
    """Recovery without an open transaction in its way takes back everything that is silent."""
    if not book.is_undisturbed(step):
        return
    for export, owner in book.owners.items():
        # Where recovery does not report what it took, the committed state shows it.
        if step.took is None:
            after = book.after(export)
            is_left = after is not None and after.state in book.state.owned
        else:
            is_left = export not in step.took
        if is_left and book.is_silent(export):
            silent = book.names.worker(owner.worker)
            book.report(
                "not-recovered",
                f"{who}'s recovery left {book.names.export(export)} to {silent}, who had "
                "given no sign of life for an hour",
            )
