"""One spelling for every host: two texts mean the same host only if theirs are equal.

What could be read in two ways is refused: what one program takes for
a name, another takes for the address 127.0.0.1 (`0x7f.1`, `2130706433`, `127.1`).
"""

import ipaddress
import re

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LIKE_A_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253

# No user, no backslash, no blank: nothing that two parsers split in two ways.
_URL = re.compile(
    r"https?://(?P<host>\[[^\[\]/@\\?#\s]+\]|[^:\[\]/@\\?#\s]+)(?::[0-9]{1,5})?(?:/[^\\?#\s]*)?",
    re.ASCII | re.IGNORECASE,
)

_CARRIES_IPV4 = tuple(
    map(
        ipaddress.IPv6Network,
        ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"),
    )
)
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_LOOPBACK = ipaddress.IPv6Address("::1")


class InvalidHost(ValueError):
    """Not exactly one host, or not spelled in the one way that all programs read alike."""


def canonical_host(text: str) -> str:
    """Give the one spelling of a host name or address; an IPv6 address comes without brackets.

    Case, one dot at the end, the brackets of an IPv6 address and its zeros make no difference.
    Raises `InvalidHost` for everything else that is not plainly one host.
    """
    if not text:
        raise InvalidHost("expected a host, got an empty text")
    if not text.isascii():
        raise InvalidHost(
            f"{text!r} has letters outside ASCII, which can look like others; "
            "write the name as it is looked up (xn--…)"
        )
    if text.startswith("[") and text.endswith("]"):
        return _ipv6(text[1:-1], text)
    _refuse_more_than_a_host(text)
    if ":" in text:
        return _ipv6(text, text)
    lowered = text.lower().removesuffix(".")
    if _LIKE_A_NUMBER.fullmatch(lowered.rpartition(".")[2]):
        return _ipv4(lowered, text)
    return _name(lowered, text)


def host_of_url(url: str) -> str:
    """Give the canonical host of an http(s) URL as it stands.

    Raises `InvalidHost` where the URL carries a user, a query or anything else that could make
    another program see another host in it.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise InvalidHost(
            "expected http(s)://host, with a port and a path at most: no user, query, blank "
            "or backslash"
        )
    return canonical_host(found["host"])


def _refuse_more_than_a_host(text: str) -> None:
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        raise InvalidHost(f"{text!r} holds blanks or control characters")
    if "*" in text or "?" in text:
        raise InvalidHost(f'"{text}" is a wildcard; each host must be written out')
    if "://" in text:
        raise InvalidHost(f'"{text}" has a scheme; write the host alone')
    if "@" in text:
        raise InvalidHost(f'"{text}" has a user; write the host alone')
    if "/" in text or "\\" in text:
        raise InvalidHost(f'"{text}" is a network or a path; each host must be written out')
    if text.count(":") == 1 or "]" in text or "[" in text:
        raise InvalidHost(f'"{text}" has a port; write the host alone')
    if text.startswith("."):
        raise InvalidHost(f'"{text}" is the end of many names; each host must be written out')


def _ipv4(lowered: str, text: str) -> str:
    try:
        address = ipaddress.IPv4Address(lowered)
    except ValueError:
        raise InvalidHost(
            f'"{text}" is an address in a form that programs read differently; '
            "write four decimal numbers"
        ) from None
    return _one_host(address, text)


def _ipv6(inner: str, text: str) -> str:
    if "%" in inner:
        raise InvalidHost(f'"{text}" names a zone, which means another host on each machine')
    try:
        address = ipaddress.IPv6Address(inner)
    except ValueError:
        raise InvalidHost(f'"{text}" is neither a host nor an IPv6 address') from None
    compatible = address in _IPV4_COMPATIBLE and int(address) > int(_LOOPBACK)
    if compatible or any(address in network for network in _CARRIES_IPV4):
        raise InvalidHost(
            f'"{text}" is an IPv4 address within IPv6; write it as four decimal numbers'
        )
    return _one_host(address, text)


def _one_host(address: ipaddress.IPv4Address | ipaddress.IPv6Address, text: str) -> str:
    broadcast = address == ipaddress.IPv4Address("255.255.255.255")
    if address.is_unspecified or address.is_multicast or broadcast:
        raise InvalidHost(f'"{text}" is not the address of one host')
    return str(address)


def _name(lowered: str, text: str) -> str:
    labels = lowered.split(".")
    if len(lowered) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise InvalidHost(f'"{text}" is not a host name')
    return lowered


def is_on_loopback(url: str) -> bool:
    """Whether a URL leads to this machine by its own address, as far as the URL alone says it."""
    try:
        host = host_of_url(url)
    except InvalidHost:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
