"""The lines of `[contract.operations]` that name routes, and what belongs to them."""

from collections.abc import Iterator, Sequence

from harness.init.guess import Certainty, Guess
from harness.init.lexicon import Lexicon
from harness.init.operations import OperationMatch
from harness.init.routes import Route
from harness.init.sending import guess_sending

_DOWNLOADS = frozenset({"getEvidenceContent", "downloadExport", "getManifest"})
"""Operations that may answer with a redirect to a signed address."""

_PARTIAL = 206


def guess_operation(words: Lexicon, one: OperationMatch, ours: Route) -> Iterator[Guess]:
    """Say where an operation is and what it answers with, where that is not as in the contract."""
    where = ("contract", "operations", one.name)
    if one.route.method != ours.method:
        yield Guess(
            table=where,
            key=("method",),
            value=one.route.method,
            certainty=one.certainty,
            why=one.why,
        )
    if one.path != ours.path:
        yield Guess(
            table=where, key=("path",), value=one.path, certainty=one.certainty, why=one.why
        )
    theirs = [status for status in one.route.successes if status != _PARTIAL]
    if one.name in _DOWNLOADS and one.route.redirects:
        success = (*theirs, *one.route.redirects)
    elif theirs and ours.successes[0] not in theirs:
        success = tuple([each for each in theirs if each not in ours.successes] or theirs)
    else:
        success = ()
    if success:
        # A redirect needs its hosts, which only a person or the doctor can say.
        leads_away = one.name in _DOWNLOADS and bool(one.route.redirects)
        yield Guess(
            table=where,
            key=("success",),
            value=success,
            certainty=Certainty.DOUBTFUL if leads_away else one.certainty,
            why="as described; goes with [contract.redirects]" if leads_away else "as described",
        )
    yield from guess_sending(words, one, ours)


def guess_redirects(found: Sequence[OperationMatch]) -> Iterator[Guess]:
    """Where downloads lead elsewhere, the host is for a person to say."""
    leading = [one for one in found if one.name in _DOWNLOADS and one.route.redirects]
    if leading:
        why = f"{leading[0].route} answers with a redirect: to which host, and for how long?"
        for key, value in (("hosts", ("storage.example.net",)), ("expires_s", 60)):
            yield Guess(
                table=("contract", "redirects"),
                key=(key,),
                value=value,
                certainty=Certainty.DOUBTFUL,
                why=why,
            )
