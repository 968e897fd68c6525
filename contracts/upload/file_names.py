"""File names as clients send them, ordinary and hostile, each as the bytes of a header."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

MARK = "shkdwn"
"""The start of the mark by which a misplaced file is found."""


@dataclass(frozen=True, kw_only=True)
class SentName:
    """One file name, as it is sent."""

    what: str
    parameters: bytes
    """What follows `form-data; name="file"` in the part's Content-Disposition."""
    mark: str
    """A text in the name that must not be in any path."""
    shown: str | None = None
    """What a record must show; None where the backend may change or refuse the name."""
    directory: str = ""
    """A folder of this run that is in the name."""

    @property
    def case(self) -> str:
        """What it is called in every run: without what differs between runs."""
        text = self.what.replace(self.mark, "MARK")
        return text.replace(self.directory, "DIRECTORY") if self.directory else text


def ordinary_names(mark: str) -> Iterator[SentName]:
    """Names of everyday files."""
    for name in (
        f"photo {mark}.png",
        f"{mark}",
        f"Überprüfung März {mark}.png",
        f"写真 {mark}.png",
        f"смета {mark} 📷.png",
        f"a'b (1) [2] {{3}} #4 & 5 + 6, 7; name=8 {mark}.tar.gz",
        f"100% sure {mark}.{mark}",
        f"{mark} {'long ' * 20}.png",
    ):
        yield SentName(what=repr(name), parameters=_quoted(name), mark=mark, shown=name)


def hostile_names(mark: str, directory: str) -> Iterator[SentName]:
    """Names that could be misread; `directory` is one that the server could write to."""
    for name in (
        f"../{mark}.png",
        f"../../../../../../{mark}.png",
        f"..\\..\\..\\{mark}.png",
        f"{directory}/{mark}.png",
        f"C:\\{mark}\\photo.png",
        f"\\\\{mark}\\share\\photo.png",
        f"file:///{mark}.png",
        f"..%2f..%2f{mark}.png",
        f"%2e%2e/{mark}.png",
        f"....//....//{mark}.png",
        f"a/../{mark}/./b.png",
        f"photo.png/../../{mark}",
        f"photo.{mark}",
        f"{mark}.png/",
        f"{mark}.png. ",
        f".{mark}",
        f"-{mark}",
        f"~{mark}",
        f"CON.{mark}",
        f"$(touch {mark}) `touch {mark}` | {mark}",
        f"<img src={mark} onerror=alert(1)>.png",
        f"{{{{{mark}}}}} ${{{mark}}} %s%n{mark}",
        f"gnp.\u202e{mark}.exe",
        f"cafe\u0301 {mark}\u200b\ufeff.png",
        ".",
        "..",
        "/",
        " ",
    ):
        yield SentName(what=repr(name), parameters=_quoted(name), mark=mark, directory=directory)
    yield from _unprintable(mark)
    yield from _long(mark)


def _unprintable(mark: str) -> Iterator[SentName]:
    for name in (
        f"a\0{mark}.png",
        f"{mark}.png\0.exe",
        f"a\r\nX-Injected: {mark}.png",
        f"a\n{mark}\t\x1b[31m\x7f\x85\u2028.png",
        f'{mark}.png"; injected="yes',
        f"../../{mark}.png",
    ):
        encoded = f"; filename*=UTF-8''{quote(name, safe='')}"
        yield SentName(
            what=f"{name!r} as filename*", parameters=_quoted("a.png") + encoded.encode(), mark=mark
        )
    for what, parameters in (
        ("CR and LF as browsers encode them", f'; filename="a%0D%0AX-Injected: {mark}.png"'),
        ("a quote as browsers encode it", f'; filename="{mark}.png%22; injected=%22yes"'),
        ("a quote after a backslash", f'; filename="{mark}.png\\"; injected=\\"yes"'),
        ("a backslash at the end", f'; filename="{mark}\\\\"'),
        ("no quotes around it", f"; filename=../{mark}.png"),
        ("two names", f'; filename="a.png"; filename="../{mark}.png"'),
    ):
        yield SentName(what=what, parameters=parameters.encode(), mark=mark)
    marked = mark.encode()
    for what, raw in (
        ("a raw NUL", b"a\x00" + marked),
        ("raw control characters", b"a\x01\x1b\x7f\t" + marked),
        ("invalid UTF-8", b"\xff\xfe" + marked),
        ("an overlong encoding of ../", b"\xc0\xae\xc0\xae/" + marked),
        ("half a surrogate pair", b"\xed\xa0\x80" + marked),
        ("Latin-1", b"\xdcberpr\xfcfung" + marked),
    ):
        yield SentName(what=what, parameters=b'; filename="' + raw + b'"', mark=mark)


def _long(mark: str) -> Iterator[SentName]:
    for name in (
        f"{mark}{'x' * 10_000}.png",
        f"{'../' * 3_000}{mark}.png",
        f"{mark}.{'p' * 10_000}",
        f"{mark}{'é' * 300}.png",
    ):
        yield SentName(what=f"{len(name)} characters", parameters=_quoted(name), mark=mark)
    encoded = f"; filename*=UTF-8''{mark}{'%C3%A9' * 5_000}"
    yield SentName(what="5,000 characters as filename*", parameters=encoded.encode(), mark=mark)


def _quoted(name: str) -> bytes:
    return f'; filename="{name}"'.encode()
