"""What a run was asked to do, shared by the controller and its worker processes."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.check import Profile
from harness.plugin.repeating import paths_from_anywhere
from harness.target.bundled import Choice, options_for


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The options of `shakedown run`, checked, with every default filled in."""

    seed: int
    report_path: Path
    """The directory that results and logs of this run go to; it exists."""
    target_path: Path | None = None
    """None stands for the bundled target: the reference backend."""
    target_url: str | None = None
    """Where the backend runs, if the command line says that."""
    driver: Choice | None = None
    """What `--driver` said."""
    variables: tuple[str, ...] = ()
    """What a shell must set to run the same again, as its words: `NAME=value`, `TOKEN="$TOKEN"`."""
    profile: Profile = "quick"
    only: tuple[str, ...] = ()
    """Patterns over check ids; empty means every check of the profile."""
    allow_inconclusive: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Folders or files of the team's own checks, as given on the command line."""
    built_in: bool = True
    """Whether the checks that come with Shakedown run as well."""
    cleanup: bool = False
    """Whether to remove what was made on a backend that runs elsewhere."""
    first_finding: bool = False
    """Whether a check ends at its first finding: quicker, where only the verdict matters."""
    allow_faults: bool = False
    """Whether a backend that runs elsewhere may be harmed, within what its target file allows."""

    def reproduce_command(self, check_id: str) -> str:
        """Give the command line that runs one check again, as it ran here, from any folder."""
        words = ["shakedown", "run", "--only", check_id, "--seed", str(self.seed)]
        words += options_for(self.target_path, self.target_url, self.driver)
        if self.profile != "quick":
            words += ["--profile", self.profile]
        if self.allow_faults:
            words.append("--allow-faults")
        if not self.built_in:
            words.append("--no-built-in")
        if self.cleanup:
            words.append("--cleanup")
        words += paths_from_anywhere(self.folders, built_in=self.built_in)
        return " ".join([*self.variables, shlex.join(words)])


SETTINGS = pytest.StashKey[RunSettings]()


def settings_of(config: pytest.Config) -> RunSettings:
    """Give the settings of the run this pytest belongs to.

    Raises `pytest.UsageError` when pytest was started by hand with our plugin.
    """
    try:
        return config.stash[SETTINGS]
    except KeyError:
        raise pytest.UsageError(
            "harness.plugin is loaded without a run: start checks with `shakedown run`"
        ) from None
