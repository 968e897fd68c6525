"""What a step may do when its transaction commits; keeps book of who owns what."""

from harness.explore.rules.bookkeeping import Book, Owner
from harness.explore.rules.result_rules import judge_refusal, judge_taken_back
from harness.explore.scripts.scenario import OWNER_KINDS, RECOVERY_KINDS, Kind
from harness.explore.trace import DELETED, Ended, Hold


def judge_commit(book: Book, step: Ended) -> None:
    """Judge a step of a transaction that has committed."""
    kind = step.call.kind
    if kind is Kind.CLAIM:
        for hold in step.claimed:
            _claim(book, step, hold)
    elif kind in OWNER_KINDS:
        for hold, accepted in zip(step.call.holds, step.acknowledged, strict=True):
            _owner_step(book, step, hold, accepted)
    elif kind in RECOVERY_KINDS:
        _recovery(book, step)


def _recovery(book: Book, step: Ended) -> None:
    took = step.took
    if took is None and book.is_alone(step):
        took = tuple(export for export in book.owners if not _is_left(book, export))
        for export in took:
            judge_taken_back(book, export, book.names.worker(step.call.worker))
    if took is None:
        book.unsure |= set(book.owners)
    for export in took or ():
        _attempts(book, export, step)
        book.end_ownership(export, step)
    for export, owner in book.due.pop(step.call.number, {}).items():
        stays = book.owners.get(export) == owner and book.is_silent(export)
        if stays and book.is_alone(step) and _is_left(book, export):
            who, silent = book.names.worker(step.call.worker), book.names.worker(owner.worker)
            book.report(
                "not-recovered",
                f"{who}'s recovery left {book.names.export(export)} to {silent}, who had "
                "given no sign of life for an hour",
            )


def _is_left(book: Book, export: str) -> bool:
    """Whether an export is still its owner's, by the state that was committed."""
    owner, after = book.owners[export], book.after(export)
    if after is None or after.state not in book.state.owned:
        return False
    return after.token is None or owner.hold.token is None or after.token == owner.hold.token


def _claim(book: Book, step: Ended, hold: Hold) -> None:
    names, owner = book.names, book.owners.get(hold.export)
    claimed = f"{names.worker(step.call.worker)} claimed {names.export(hold.export)}"
    expired = book.may_have_expired(hold.export)
    if owner is not None and hold.export not in book.unsure and not expired:
        book.report("claimed-twice", f"{claimed}, which {names.worker(owner.worker)} owns")
    if hold.attempt is not None:
        before = book.attempts.get(hold.export, 0)
        if hold.attempt <= before:
            got = f"{claimed} as attempt {hold.attempt}, after attempt {before}"
            book.report("attempt-not-risen", got)
        book.attempts[hold.export] = max(before, hold.attempt)
    book.owners[hold.export] = Owner(worker=step.call.worker, hold=hold, number=step.call.number)
    book.unsure.discard(hold.export)
    book.signs_of_life[hold.export] = book.events


def _owner_step(book: Book, step: Ended, hold: Hold, accepted: bool | None) -> None:
    export, is_owner = hold.export, book.owns(step, hold)
    if step.call.kind is Kind.HEARTBEAT:
        if is_owner and accepted is not False:
            book.signs_of_life[export] = book.events
        return
    if step.call.kind is Kind.COMPLETE and accepted:
        times = book.completions[export] = book.completions.get(export, 0) + 1
        if times > 1:
            got = f"{book.names.export(export)} was completed {times} times"
            book.report("completed-twice", got)
    if accepted is None:  # a function that returns nothing is judged by the state of the export
        after = book.after(export)
        accepted = after is None or after.state not in book.state.owned
        if is_owner and not accepted and book.is_undisturbed(step):
            judge_refusal(book, step, hold)
    if is_owner and accepted:
        _end_state(book, export, step)
        book.end_ownership(export, step)


def _end_state(book: Book, export: str, step: Ended) -> None:
    state, after = book.state, book.after(export)
    if after is None or after.state == DELETED or not book.is_alone(step):
        return
    wanted = {
        Kind.COMPLETE: set(state.completed),
        Kind.FAIL: set(state.terminal) - set(state.completed),
        Kind.RELEASE: set(state.queued),
    }[step.call.kind]
    if after.state not in wanted:
        who = book.names.worker(step.call.worker)
        got = f"{book.names.state(after)} after {who}'s {step.call.kind}"
        book.report("ended-otherwise", got)


def _attempts(book: Book, export: str, step: Ended) -> None:
    owner, most, after = book.owners.get(export), book.trace.attempts, book.after(export)
    if most is None or owner is None or after is None or not book.is_alone(step):
        return
    made = owner.hold.attempt
    if made is None and export in book.current:
        made = book.current[export].attempt
    if made is None:
        return
    if (after.state in book.state.queued) != (made < most):
        who = book.names.worker(step.call.worker)
        got = f"{book.names.state(after)} after {who}'s recovery took it back from attempt "
        book.report("attempts-bound", f"{got}{made} of {most}")
