"""Reading the bodies of answers: a bound for each of them, and one for all that are held."""

import io
import weakref

import aiohttp

from harness.client.answers.answer import Answer
from harness.errors import Inconclusive
from harness.untrusted.documents import MAX_DOCUMENT_BYTES

MAX_FILE_BYTES = 96 * 1024 * 1024
"""More than the largest file of the contract; a backend that sends more is stopped."""

MAX_HELD_BYTES = 384 * 1024 * 1024
"""The bodies of a check that compares seven of the largest files, and no backend's flood."""


class TooLong(Exception):
    """A body goes on beyond its bound."""

    def __init__(self, most: int, status: int) -> None:
        self.expected = f"a body of at most {most} bytes"
        self.got = f"more than that, after status {status}"
        super().__init__(self.expected)


class Bodies:
    """The memory for the bodies of one transport's answers."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, response: aiohttp.ClientResponse, *, may_be_file: bool) -> bytes:
        """Read a body to its end: a file, or else a document, which is much shorter.

        What is read counts as held until `keep` knows when it is no more. Raises `TooLong`, and
        `Inconclusive` when all bodies together are more than the harness can hold.
        """
        most = MAX_FILE_BYTES if may_be_file and response.ok else MAX_DOCUMENT_BYTES
        content = io.BytesIO()
        try:
            async for piece in response.content.iter_any():
                content.write(piece)
                self._held += len(piece)
                if content.tell() > most:
                    raise TooLong(most, response.status)
                if self._held > MAX_HELD_BYTES:
                    raise Inconclusive(
                        f"the answers that this check holds have more than {MAX_HELD_BYTES} bytes"
                    )
        except BaseException:
            self._held -= content.tell()
            raise
        return content.getvalue()

    def keep(self, answer: Answer) -> None:
        """Count an answer's body as held for as long as there is the answer."""
        weakref.finalize(answer, self._release, len(answer.body)).atexit = False

    def _release(self, size: int) -> None:
        self._held -= size
