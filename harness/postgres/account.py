"""The user that PostgreSQL runs as: ourselves, but never root, which it refuses."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

_NOBODY = 65534


class PopenUser(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that change the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A user of the machine; without numbers, the one we are."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_server(cls) -> "Account":
        """Give ourselves, or `nobody` when we are root."""
        if os.geteuid() != 0:
            return cls()
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            return cls(_NOBODY, _NOBODY)
        return cls(nobody.pw_uid, nobody.pw_gid)

    @property
    def has_entry(self) -> bool:
        """Whether the system's list of users has it, which initdb needs."""
        try:
            pwd.getpwuid(os.geteuid() if self.uid is None else self.uid)
        except KeyError:
            return False
        return True

    @property
    def is_another(self) -> bool:
        """Whether it is not the one we are."""
        return self.uid is not None

    def popen(self) -> PopenUser:
        """Give the arguments of `Popen` that start a program as this user."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or directory to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
