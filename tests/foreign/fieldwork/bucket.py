"""The bucket: files under keys, written whole, and addresses that open one for a while."""

import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import jwt

from tests.foreign.fieldwork.refusals import invalid, not_found

SIGNED_PATH = "/storage/v1/object/sign"
_NAME_LENGTH = 120
_BANNED = '"\\/'


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A directory of files, shared by all servers."""

    directory: Path
    secret: str
    signed_url_s: int

    def prepare(self) -> None:
        """Make its folders."""
        for folder in ("incoming", "documents", "packages"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Where the file of a key is. Raises `Refusal` for a key that leads out of the bucket."""
        path = (self.directory / key).resolve()
        if not path.is_relative_to(self.directory.resolve()):
            raise not_found()
        return path

    def receive(self) -> BinaryIO:
        """A new file for bytes that nobody has looked at yet."""
        return (self.directory / "incoming" / str(uuid.uuid4())).open("w+b")

    def keep(self, file: BinaryIO, key: str) -> None:
        """Give what was received its key."""
        file.flush()
        os.fsync(file.fileno())
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        Path(file.name).replace(path)

    def write(self, content: bytes, key: str) -> None:
        """Write a file whole, over one that is there."""
        with self.receive() as file:
            file.write(content)
            self.keep(file, key)

    def read(self, key: str) -> bytes:
        """The bytes of a file. Raises `OSError`."""
        return self.path(key).read_bytes()

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
        self.path(key).unlink(missing_ok=True)

    def signed(self, key: str, *, file_name: str, content_type: str) -> str:
        """An address, below this server's own, that opens one file for `signed_url_s` seconds."""
        granted = {
            "url": key,
            "name": harmless(file_name),
            "type": content_type,
            "exp": int(time.time()) + self.signed_url_s,
        }
        return f"{SIGNED_PATH}/{key}?token={jwt.encode(granted, self.secret, algorithm='HS256')}"

    def opened(self, key: str, token: str) -> dict[str, str]:
        """What an address grants: `name` and `type`. Raises `Refusal` when it is over."""
        try:
            granted = jwt.decode(token, self.secret, algorithms=["HS256"])
        except jwt.ExpiredSignatureError as error:
            raise invalid("This address has expired.") from error
        except jwt.PyJWTError as error:
            raise invalid("This address was not signed here.") from error
        if granted["url"] != key:
            raise invalid("This address was signed for another file.")
        return {"name": granted["name"], "type": granted["type"]}


def harmless(file_name: str) -> str:
    """A name for a download: short, and without what could be more than a name in a header."""
    plain = (each if each.isprintable() and each not in _BANNED else "_" for each in file_name)
    return "".join(plain).strip()[-_NAME_LENGTH:] or "file"
