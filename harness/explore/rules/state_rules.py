"""What may be in the database after a commit, and at the end."""

from collections import Counter

from harness.explore.rules.bookkeeping import Book, Owner
from harness.explore.scripts.scenario import ENDING_KINDS, RECOVERY_KINDS, Kind
from harness.explore.trace import DELETED, Committed, Ended, ExportState, Snapshot


def judge_state(book: Book, after: Snapshot) -> None:
    """Judge the state after a commit; from here on it is the current one."""
    current = dict(after)
    for export, before in book.current.items():
        now = book.after(export)
        assert now is not None
        if _is_lost(book, before, now):
            book.report("lost", f"{book.names.export(export)} is not there any more")
            continue
        current[export] = now
        _change(book, before, now)
        _owner(book, now)
        _completions(book, now)
    for export in after.keys() - book.current.keys():
        book.report("lost", f"{book.names.export(export)} is new, and no step asked for it")
    cap = book.trace.scenario.cap
    for number in _in_progress(book, current).values():
        if number > cap:
            got = f"{number} of one organization are in progress, the cap is {cap}"
            book.report("over-cap", got)
    book.current = current


def judge_end(book: Book) -> None:
    """Judge what is left after a fresh worker took what it could get."""
    waits = book.moment.waits_for
    if waits:
        worker = book.names.worker
        lines = [f"{worker(one)} waits for {', '.join(map(worker, waits[one]))}" for one in waits]
        got = f"with all transactions ended, {'; '.join(lines)}"
        book.report("blocked-for-ever", got)
        return
    kinds, in_progress = book.trace.kinds, _in_progress(book, book.current)
    can_take = Kind.RECOVER in kinds or book.trace.takes_over
    can_finish = can_take and not kinds.isdisjoint(ENDING_KINDS)
    for export in book.current.values():
        has_room = in_progress[export.organization or ""] < book.trace.scenario.cap
        state = book.names.state(export)
        if export.state in book.state.queued and (has_room or export.organization is None):
            book.report("not-drained", f"a fresh worker's claims returned no export, and {state}")
        elif export.state in book.state.owned and can_finish:
            book.report("not-drained", f"a fresh worker did what it could, and {state}")


def _is_lost(book: Book, before: ExportState, now: ExportState) -> bool:
    """Whether an export disappeared otherwise than by a step that may delete it."""
    if now.state != DELETED or before.state == DELETED:
        return False
    return not any(
        _may_delete(book, step, now.id)
        for event in book.moment.events
        if isinstance(event, Committed)
        for step in event.steps
    )


def _may_delete(book: Book, step: Ended, export: str) -> bool:
    kind = Kind.RECOVER if step.call.kind in RECOVERY_KINDS else step.call.kind
    holds = step.call.holds
    named = kind is Kind.RECOVER or any(hold.export == export for hold in holds)
    return kind in (book.state.deleted_by or ()) and named


def _change(book: Book, before: ExportState, now: ExportState) -> None:
    state, shown = book.state, book.names.state(now)
    if before.state in (*state.terminal, DELETED) and now.state != before.state:
        got = f"{book.names.export(now.id)} went from {before.state} to {now.state}"
        book.report("terminal-changed", got)
    if now.state not in (*state.queued, *state.owned, *state.terminal, DELETED):
        book.report("unknown-state", shown)
    if now.attempt is not None and before.attempt is not None and now.attempt < before.attempt:
        book.report("attempt-not-risen", f"{shown}, after attempt {before.attempt}")


def _owner(book: Book, now: ExportState) -> None:
    owner, shown = book.owners.get(now.id), book.names.state(now)
    is_owned = now.state in book.state.owned
    if owner is not None and now.id in book.unsure:
        if is_owned and now.token == owner.hold.token:
            return
        owner = None
        del book.owners[now.id]
    if not is_owned:
        if owner is not None:
            _not_owned(book, owner, now)
        return
    if owner is None:
        book.report("owned-by-nobody", f"{shown}, and no claim returned it to a worker")
        return
    for what, stored, given in (
        ("token", now.token, owner.hold.token),
        ("attempt", now.attempt, owner.hold.attempt),
        ("owner", now.owner, book.trace.names.get(owner.worker)),
    ):
        if stored is not None and given is not None and stored != given:
            who = book.names.worker(owner.worker)
            got = f"{shown}, whose {what} is not the one that {who}'s claim returned"
            book.report("owned-by-nobody", got)
            return


def _not_owned(book: Book, owner: Owner, now: ExportState) -> None:
    """Judge that an export is no longer in progress, though its owner has not ended it."""
    if now.state in book.state.queued and book.may_have_expired(now.id):
        return  # its claim has run out by itself; until the next claim its owner may go on
    del book.owners[now.id]
    if now.id not in book.stale:  # reported as the stale step that did it
        who = book.names.worker(owner.worker)
        got = f"{book.names.state(now)}, though {who} owned it and has not ended it"
        book.report("taken-from-owner", got)


def _completions(book: Book, now: ExportState) -> None:
    due = 1 if now.state in book.state.completed else 0
    if now.completions is not None and now.completions != due:
        shown = book.names.state(now)
        got = f"{shown}, and its completion is recorded {now.completions} times"
        book.report("completed-twice", got)


def _in_progress(book: Book, exports: Snapshot) -> Counter[str]:
    """How many exports of each organization are in progress."""
    return Counter(
        export.organization
        for export in exports.values()
        if export.organization is not None
        and export.state in book.state.owned
        and not book.may_have_expired(export.id)
    )
