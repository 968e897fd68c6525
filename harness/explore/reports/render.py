"""Renders an interleaving step by step: what each step returned, and who waited for whom."""

from collections.abc import Iterator

from harness.explore.exploration import Exploration, Finding
from harness.explore.rules.violation import RULES
from harness.explore.scripts.scenario import OWNER_KINDS, RECOVERY_KINDS, TRANSACTION_ENDS, Kind
from harness.explore.short_names import ShortNames
from harness.explore.trace import FRESH, Ended, Moment, Snapshot, Trace

_DID = {True: "accepted", False: "changed nothing", None: "done"}


def render_finding(finding: Finding) -> list[str]:
    """A broken rule and the interleaving that breaks it, one line a step."""
    trace, violation = finding.trace, finding.violation
    scenario = trace.scenario
    workers = {moment.call.worker for moment in trace.moments} - {FRESH}
    steps = f"{_many(len(trace.schedule), 'step')} of {_many(len(workers), 'worker')}"
    queued = " + ".join(map(str, scenario.exports))
    setting = f"{queued} queued, limit {scenario.limit}, cap {scenario.cap}"
    if scenario.one_name and len(workers) > 1:
        setting += ", all workers of one name"
    return [
        f"violated: {violation.rule}: {violation.expected}",
        f"  {steps} ({setting}); seen first in: {finding.title}",
        "",
        *_steps(trace, violation.number),
        "",
        f"  got: {violation.got}",
    ]


def _many(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")


def _steps(trace: Trace, last: int) -> Iterator[str]:
    names, before, drained = ShortNames(trace), trace.before, False
    width = max(len(_what(moment)) for moment in trace.moments[:last])
    for moment in trace.moments:
        if moment.call.number > last:
            return
        if moment.call.worker == FRESH and not drained:
            drained = True
            yield "      then a fresh worker finishes what is left:"

        lines = _results(moment, names, before)
        yield f"  {moment.call.number:>2}  {_what(moment):<{width}}  {lines[0]}"
        yield from (" " * (width + 8) + line for line in lines[1:])
        before = moment.after if moment.after is not None else before


def _what(moment: Moment) -> str:
    call = moment.call
    text = str(call.kind)
    if call.kind is Kind.RECLAIM:
        text = "an hour passes, recover"
    elif call.kind is Kind.AGE:
        text = "an hour passes"
    if call.act.held:
        text = f"begin, {text}"
    who = ShortNames.worker(call.worker)
    return f"{who}  {text}" if call.kind is not Kind.AGE else f"-  {text}"


def _results(moment: Moment, names: ShortNames, before: Snapshot) -> list[str]:
    if moment.idle:
        has = "no transaction" if moment.call.kind in TRANSACTION_ENDS else "no export"
        return [f"nothing: it has {has}"]
    lines = []
    lines += [
        _ended(ended, names)
        for ended in moment.ended()
        if ended.call.number == moment.call.number and ended.call.kind is moment.call.kind
    ]
    if moment.call.worker in moment.waits_for:
        lines.append(_waits(moment, moment.call.worker, names))
    for ended in moment.ended():
        if ended.call.number != moment.call.number:
            who, kind = names.worker(ended.call.worker), ended.call.kind
            result = _ended(ended, names)
            lines.append(f"{who}'s {kind} of step {ended.call.number} goes on → {result}")
    lines += [
        _waits(moment, worker, names) + " still"
        for worker in moment.waits_for
        if worker != moment.call.worker
    ]
    lines += _changes(moment, names, before)
    return [part for line in lines for part in line.splitlines()] or ["done"]


def _changes(moment: Moment, names: ShortNames, before: Snapshot) -> Iterator[str]:
    after = before if moment.after is None else moment.after
    for now in after.values():
        known = before.get(now.id)
        if known is None or names.state(known) != names.state(now):
            yield names.state(now)
        elif now != known and moment.call.kind is not Kind.AGE:
            yield f"{names.export(now.id)}'s row has changed"
    for export in before.keys() - after.keys():
        yield f"{names.export(export)} is gone"


def _waits(moment: Moment, worker: int, names: ShortNames) -> str:
    blockers = ", ".join(map(names.worker, moment.waits_for[worker]))
    return f"{names.worker(worker)} waits for {blockers}"


def _ended(ended: Ended, names: ShortNames) -> str:
    kind = ended.call.kind
    if ended.error is not None:
        # A deadlock's detail names processes, which tell a reader nothing.
        whole = str(ended.error)
        return whole.splitlines()[0] if ended.error.is_retriable else whole
    if kind is Kind.CLAIM:
        got = [
            f"{names.export(hold.export)}"
            + (f" attempt {hold.attempt}" if hold.attempt is not None else "")
            + (f" {names.token(hold.token)}" if hold.token is not None else "")
            for hold in ended.claimed
        ]
        return "; ".join(got) or "no export"
    if kind in OWNER_KINDS:
        return "; ".join(
            f"{names.export(hold.export)} {names.token(hold.token)}: {_DID[accepted]}"
            for hold, accepted in zip(ended.call.holds, ended.acknowledged, strict=True)
        )
    if kind is Kind.AGE:
        return f"{names.exports(ended.took or ()) or 'nothing'} is silent from now on"
    if kind in RECOVERY_KINDS:
        if ended.took is None:
            return "done"
        return f"took back {names.exports(ended.took) or 'nothing'}"
    return ""


def render_exploration(found: Exploration, left_out: list[Kind]) -> list[str]:
    """What was run and what holds, in a few lines."""
    planned = sum(each.planned.interleavings for each in found.covered)
    begun = sum(each.run > 0 for each in found.covered)
    rate = found.run / found.seconds if found.seconds else 0.0
    lines = [
        (
            f"{found.run:,} interleavings run in {found.seconds:.1f} s ({rate:.0f}/s), "
            f"{found.merged:,} more are the same as one of these because a step has to wait"
        ),
        f"of {planned:,} in {_many(len(found.covered), 'scenario')}"
        + ("" if found.is_complete else f"; {begun} of them begun"),
    ]
    lines += [
        f"sampled: {each.planned.scenario.title}: {each.run:,} of {each.planned.interleavings:,}"
        for each in found.covered
        if each.planned.sample is not None and each.run
    ]
    if left_out:
        lines.append(
            f"not explored, because the protocol file has no SQL for them: {', '.join(left_out)}"
        )
    for sqlstate, times in found.retriable_errors.items():
        what = "deadlock" if sqlstate == "40P01" else "serialization failure"
        lines.append(
            f"{times} × {what} ({sqlstate}): the transaction was rolled back; "
            "no violation, as long as nothing is lost by it"
        )
    if found.stopped_by:
        lines.append(f"stopped: {found.stopped_by}")
    lines += [
        f"violated in {found.broken[rule]:,} interleavings: {rule}: {finding.violation.expected}"
        for rule, finding in found.findings.items()
    ]
    if found.not_looked_at:
        lines.append(f"not looked at: {found.not_looked_at}")
    elif not found.findings:
        lines.append(f"{len(found.rules)} invariants hold in every interleaving that was run")
    if found.run and (untried := [rule for rule in RULES if rule not in found.rules]):
        lines.append(f"invariants that no step put to the test: {', '.join(untried)}")
    return lines
