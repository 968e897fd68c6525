"""Short names for the things in a trace: `A`, `export 1`, `t1`."""

from collections.abc import Iterable

from harness.explore.trace import FRESH, LETTERS, Ended, ExportState, Trace


class ShortNames:
    """The short names of one trace's workers, exports and tokens."""

    def __init__(self, trace: Trace) -> None:
        self._exports = {export: place for place, export in enumerate(trace.before, 1)}
        self._several = len(self._exports) > 1
        self._tokens: dict[str, int] = {}
        for moment in trace.moments:
            for event in moment.events:
                if isinstance(event, Ended):
                    for hold in event.claimed:
                        if hold.token is not None:
                            self._tokens.setdefault(hold.token, len(self._tokens) + 1)

    @staticmethod
    def worker(number: int) -> str:
        """`A`, `B`, `C`, or `fresh worker`."""
        return "fresh worker" if number == FRESH else LETTERS[number]

    def export(self, export: str) -> str:
        """`export 1`, in the order of the state query; the id itself for an unknown one."""
        return f"export {self._exports[export]}" if export in self._exports else f"export {export}"

    def exports(self, exports: Iterable[str]) -> str:
        """Several of them."""
        return ", ".join(map(self.export, exports))

    def token(self, token: str | None) -> str:
        """`t1`, in the order of claims; `no token` for none."""
        if token is None:
            return "no token"
        return f"t{self._tokens[token]}" if token in self._tokens else "a token of no claim"

    def state(self, state: ExportState) -> str:
        """`export 1 is preparing (attempt 2, t2)`."""
        known = [f"attempt {state.attempt}"] if state.attempt is not None else []
        if state.token is not None:
            known.append(self.token(state.token))
        details = f" ({', '.join(known)})" if known else ""
        return f"{self.export(state.id)} is {state.state}{details}"
