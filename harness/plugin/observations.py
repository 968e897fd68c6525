"""What a check really looked at: a pass rests on a number of observations."""


class Observations:
    """The `observe` fixture: counts what a check really looked at."""

    def __init__(self) -> None:
        self.count = 0
        self.kinds: dict[str, int] = {}
        self.excused: dict[str, int] = {}
        """What a pass needs fewer of, by the reason: what the target has not, or cannot show."""

    def __call__(self, n: int = 1, what: str = "") -> None:
        """Count `n` more observations, of the kind `what` when there are several kinds.

        Raises `ValueError` for a negative number: an observation cannot be taken back.
        """
        if n < 0:
            raise ValueError(f"observe({n}): the number of observations must not be negative")
        self.count += n
        if what:
            self.kinds[what] = self.kinds.get(what, 0) + n

    def excuse(self, n: int, why: str) -> None:
        """Ask for `n` observations fewer: the target has not, or cannot show, what they look at."""
        if n:
            self.excused[why] = self.excused.get(why, 0) + n

    def still_needed(self, declared: int) -> int:
        """How many a pass needs, of those that its check declares; at least one."""
        return max(1, declared - sum(self.excused.values()))

    def __str__(self) -> str:
        kinds = ", ".join(f"{what}: {n}" for what, n in self.kinds.items())
        return f"{self.count}" + (f" ({kinds})" if kinds else "")
