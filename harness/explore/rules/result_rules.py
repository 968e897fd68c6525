"""What a step may return at the moment it ends, by what was committed until then."""

from harness.explore.rules.bookkeeping import Book
from harness.explore.scripts.scenario import OWNER_KINDS, RECOVERY_KINDS, Kind
from harness.explore.trace import Ended, Hold


def judge_result(book: Book, step: Ended) -> None:
    """Judge what a step returned."""
    kind, who = step.call.kind, book.names.worker(step.call.worker)
    if step.error is not None:
        if not step.error.is_retriable and not _is_refusal(book, step):
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
            judge_taken_back(book, export, who)
        _note_what_is_due(book, step)


def _claim(book: Book, step: Ended, who: str) -> None:
    claimed, limit = len(step.claimed), step.call.limit
    if limit is not None and claimed > limit:
        book.report("over-limit", f"{who} asked for {limit} and got {claimed}")
    for hold in step.claimed:
        if hold.token is None:
            continue
        key = token_key(hold.token, hold.export)
        if key in book.tokens or key in book.earlier_tokens:
            what = book.names.export(hold.export)
            got = f"{who}'s claim of {what} got an earlier claim's token"
            book.report("token-repeated", f"{got}, which its worker may still use")
        book.tokens.add(key)


def _is_refusal(book: Book, step: Ended) -> bool:
    """Whether a step says by an error what it should say: that its claim is over."""
    error, holds = step.error, step.call.holds
    if error is None or not error.may_refuse:
        return False
    return any(
        not book.owns(step, hold)
        or hold.export in book.unsure
        or book.may_have_expired(hold.export)
        for hold in holds
    )


def judge_refusal(book: Book, step: Ended, hold: Hold) -> None:
    """Judge that an owner's step changed nothing."""
    if not book.may_have_expired(hold.export):
        what = _what(book, step, hold)
        book.report("owner-refused", f"{what} changed nothing, though it owns the export")


def _what(book: Book, step: Ended, hold: Hold) -> str:
    names = book.names
    return (
        f"{names.worker(step.call.worker)}'s {step.call.kind} of "
        f"{names.export(hold.export)} with {names.token(hold.token)}"
    )


def token_key(token: str, export: str) -> str:
    """What must not be there twice: a token, or a whole number with the export it counts for."""
    return f"{export}/{token}" if token.isdecimal() else token


def _owner_step(book: Book, step: Ended, hold: Hold, accepted: bool | None) -> None:
    what, change = _what(book, step, hold), book.change_of(hold.export)
    if book.owns(step, hold):
        if accepted is False and book.is_undisturbed(step) and not change:
            judge_refusal(book, step, hold)
    elif accepted:
        book.stale.add(hold.export)
        book.report("stale-token", f"{what} was accepted, though {book.owner_of(hold.export)}")
    elif book.is_alone(step) and change:
        whose = book.owner_of(hold.export)
        book.stale.add(hold.export)
        book.report("stale-token", f"{what} changed the row, though {whose}: {change}")


def judge_taken_back(book: Book, export: str, who: str) -> None:
    """Judge that recovery took an export back: its owner must have been silent."""
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


def _note_what_is_due(book: Book, step: Ended) -> None:
    """Without an open transaction in its way recovery takes back everything that is silent.

    Whether it did is judged by the state once it has committed.
    """
    if book.is_undisturbed(step):
        book.due[step.call.number] = {
            export: owner for export, owner in book.owners.items() if book.is_silent(export)
        }
