"""Checks that Hypothesis feeds: how its settings differ where a backend is the subject."""

from typing import Any


def adapt_hypothesis(function: Any, seed: int) -> None:  # noqa: ANN401 - or its wrapper
    """Adapt seed and settings of a check under `@given`; other functions are left alone.

    Fixtures such as `observe` and `org` are meant to last for all examples of a check. How long
    one example may take is the check's own deadline's business: a request is no computation. And
    examples that failed once are not kept, because the seed repeats them.
    """
    if not getattr(function, "is_hypothesis_test", False):
        return
    # Loaded here: most check files do without, and it takes its time.
    from hypothesis import HealthCheck, core, settings  # noqa: PLC0415

    # What Hypothesis's own `--hypothesis-seed` does, which would load it in every run.
    core.global_force_seed = seed  # type: ignore[assignment]

    # Hypothesis has no public way to change a function's settings once they are made.
    own = function._hypothesis_internal_use_settings  # noqa: SLF001
    unchanged = own.deadline == settings.get_profile("default").deadline
    function._hypothesis_internal_use_settings = settings(  # noqa: SLF001
        own,
        database=None,
        deadline=None if unchanged else own.deadline,
        suppress_health_check={*own.suppress_health_check, HealthCheck.function_scoped_fixture},
    )
