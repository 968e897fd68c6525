"""Every hostile case: what the backend does, what the gate is asked, and what it must come to."""

from dataclasses import dataclass
from typing import Literal

from tests.hostile.behaviors import bodies, documents, heads, markup, redirects, state
from tests.hostile.server import Behavior

Verdict = Literal["pass", "fail", "inconclusive", "misconfigured"]

REQUEST_S = 10
"""The deadline of one request of the client."""

GATE_S = 60
"""What the command may take besides: a second, and much more on a machine that is busy."""

GATE_MB = 200
"""The command alone has some 100."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One run of the real command against one behavior."""

    name: str
    behavior: Behavior
    reason: str
    """A regular expression that must be found in the message."""
    verdict: Verdict = "fail"
    check: str = "golden.upload"
    """Which check runs; `hostile.*` stand in tests/hostile/checks."""
    seconds: float = GATE_S
    megabytes: int = GATE_MB
    is_ready: bool = True
    speaks_first: bytes = b""
    keeps_open: bool = False
    tls: Literal["", "other-host", "unknown-issuer"] = ""


def named(behavior: Behavior, reason: str, **more: object) -> Case:
    """A case that is called as its behavior."""
    name = behavior.__name__.replace("_", " ")
    return Case(name=name, behavior=behavior, reason=reason, **more)  # type: ignore[arg-type]


SLOW_S = REQUEST_S + GATE_S
LARGE_MB = 420
"""A document just below its bound takes 200 MB once it is parsed."""

BODIES = (
    named(bodies.endless_chunks, "at most 4194304 bytes"),
    named(bodies.endless_without_a_length, "at most 4194304 bytes"),
    named(bodies.endless_failure, "at most 4194304 bytes"),
    named(bodies.a_byte_now_and_then, "within 10 s", seconds=SLOW_S),
    named(bodies.shorter_than_its_length, "ClientPayloadError"),
    named(bodies.longer_than_its_length, "no HTTP/1.1 answer|JSON body"),
    named(bodies.a_length_of_exabytes, "at most 4194304 bytes"),
    named(bodies.a_negative_length, "no HTTP/1.1 answer"),
    named(bodies.two_lengths, "no HTTP/1.1 answer"),
    named(bodies.garbage_for_a_chunk, "chunk"),
    named(bodies.a_chunk_of_exabytes, "at most 4194304 bytes"),
    named(bodies.chunks_of_a_byte, "at most 4194304 bytes|within 10 s", seconds=SLOW_S),
    named(bodies.a_gzip_bomb, "gzip, gzip, which the request did not ask for", check="hostile.job"),
)
HEADS = (
    named(heads.endless_headers, "no HTTP/1.1 answer"),
    named(heads.an_endless_header, "no HTTP/1.1 answer"),
    named(heads.an_endless_status_line, "no HTTP/1.1 answer"),
    named(heads.a_hundred_megabytes_of_headers, "no HTTP/1.1 answer"),
    named(heads.a_header_byte_now_and_then, "within 10 s", seconds=SLOW_S),
    named(heads.endless_interim_answers, "within 10 s|interim", seconds=SLOW_S),
    named(heads.silence, "within 10 s", seconds=SLOW_S),
    named(heads.a_closed_door, "Disconnected"),
    named(heads.binary_garbage, "no HTTP/1.1 answer"),
    named(heads.http_0_9, "no HTTP/1.1 answer"),
    named(heads.control_characters_in_a_header, "no HTTP/1.1 answer"),
    Case(
        name="an answer before the request",
        behavior=heads.a_closed_door,
        speaks_first=b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n[]",
        check="hostile.job",
        reason="JSON object|Disconnected",
    ),
)
JOB = "hostile.job"
DOCUMENTS = (
    Case(name="HTML with a script", behavior=documents.html, check=JOB, reason="JSON body"),
    Case(name="garbage for JSON", behavior=documents.garbage, check=JOB, reason="utf-8"),
    Case(
        name="JSON nested deep",
        behavior=documents.deep,
        check=JOB,
        reason="nested (deeper|too deeply)",
    ),
    Case(
        name="a number of a million digits",
        behavior=documents.a_million_digits,
        check=JOB,
        reason="1000000 digits",
    ),
    Case(
        name="half a surrogate pair",
        behavior=documents.half_a_surrogate_pair,
        check=JOB,
        reason="surrogate",
    ),
    Case(name="a name twice", behavior=documents.a_name_twice, check=JOB, reason="name 'id' twice"),
    Case(name="NaN", behavior=documents.not_a_number, check=JOB, reason="NaN"),
    Case(name="another shape", behavior=documents.another_shape, check=JOB, reason="JSON object"),
    Case(
        name="an object for an id",
        behavior=documents.a_field_of_another_type,
        check="hostile.id",
        reason="200 from getJob",
    ),
    Case(
        name="a million objects",
        behavior=documents.many_objects,
        check=JOB,
        reason="object under",
        megabytes=LARGE_MB,
    ),
    Case(
        name="300,000 names",
        behavior=documents.many_names,
        check=JOB,
        reason="a field 'id'",
        megabytes=LARGE_MB,
    ),
    named(documents.a_hundred_megabytes, "at most 4194304 bytes"),
    Case(
        name="an OpenAPI document of circles",
        behavior=documents.circular_references,
        check="contract.openapi",
        reason="leads in a circle|circular",
    ),
    Case(
        name="garbage for every request of the fuzzer",
        behavior=documents.html,
        check="contract.fuzz",
        reason="201 from|JSON",
    ),
)
REDIRECTS = (
    named(redirects.in_a_loop, "201"),
    Case(name="to another host", behavior=redirects.to_another_host, reason="201"),
    Case(name="to a file", behavior=redirects.to_a_file, reason="201"),
    Case(
        name="created on another host",
        behavior=redirects.created_elsewhere,
        check="hostile.follow",
        reason="Location on this server",
    ),
    Case(
        name="created at a strange path",
        behavior=redirects.created_at_a_strange_path,
        check="hostile.follow",
        reason="Location on this server",
    ),
)
STATE = (
    named(state.a_list_without_end, "within 100 pages", check="hostile.list"),
    named(state.a_list_in_circles, "cursor 'again'", check="hostile.list"),
    named(state.a_list_of_large_pages, "8388608 bytes", check="hostile.list", megabytes=700),
    named(state.a_cursor_of_another_type, "next_cursor", check="hostile.list"),
    named(state.always_queued, "still queued", check="hostile.wait"),
    named(state.a_state_of_another_type, "a state of the export, as text", check="hostile.wait"),
    named(state.a_cookie, "", check="hostile.cookies", verdict="pass"),
    named(
        state.a_second_answer_unasked, "", check="hostile.answers", verdict="pass", keeps_open=True
    ),
)
FILES = (
    Case(
        name="a ZIP that inflates to more than it says",
        behavior=state.a_lying_bomb,
        check="hostile.zip",
        reason="CRC|valid ZIP",
    ),
    Case(
        name="a ZIP that inflates to 300 MB",
        behavior=state.an_honest_bomb,
        check="hostile.zip",
        reason="unpacks to more than",
    ),
    Case(
        name="a ZIP of a million entries",
        behavior=state.many_entries,
        check="hostile.zip",
        reason="more than 20000 entries",
        megabytes=LARGE_MB,
    ),
    named(state.an_endless_file, "at most 100663296 bytes", check="hostile.zip", megabytes=450),
    Case(
        name="a dozen files of ninety megabytes",
        behavior=state.ninety_megabytes,
        check="hostile.many-files",
        verdict="inconclusive",
        reason="402653184 bytes",
        megabytes=750,
    ),
)
RAW = (
    Case(
        name="chunks of a byte, on a bare socket",
        behavior=bodies.chunks_of_a_byte,
        check="hostile.raw",
        reason="more than 4194304 bytes|within 2 s",
    ),
    Case(
        name="endless interim answers, on a bare socket",
        behavior=heads.endless_interim_answers,
        check="hostile.raw",
        reason="more than 20 interim answers",
    ),
    Case(
        name="a header byte now and then, on a bare socket",
        behavior=heads.a_header_byte_now_and_then,
        check="hostile.raw",
        reason="within 2 s",
    ),
    Case(
        name="endless headers, on a bare socket",
        behavior=heads.endless_headers,
        check="hostile.raw",
        reason="no end of the headers",
    ),
)
MARKUP = (
    Case(name="markup in a failure", behavior=markup.in_a_failure, reason="500"),
    Case(name="markup in a success", behavior=markup.in_a_success, reason="X-Request-ID"),
    Case(
        name="markup in an id",
        behavior=markup.in_a_success,
        check="hostile.id",
        reason="200 from getJob",
    ),
)
BRING_UP = (
    Case(
        name="a certificate of another host",
        behavior=heads.a_closed_door,
        verdict="misconfigured",
        reason="certificate that cannot be trusted: .*(?i:mismatch|not valid)",
        tls="other-host",
    ),
    Case(
        name="a certificate of an unknown issuer",
        behavior=heads.a_closed_door,
        verdict="misconfigured",
        reason="certificate that cannot be trusted: .*self.signed|unable to get",
        tls="unknown-issuer",
    ),
    *(
        Case(
            name=f"{what} while getting ready",
            behavior=behavior,
            verdict="misconfigured",
            reason=reason,
            is_ready=False,
        )
        for what, behavior, reason in (
            ("silence", heads.silence, "no answer within"),
            ("a header byte now and then", heads.a_header_byte_now_and_then, "no answer within"),
            ("endless headers", heads.endless_headers, "headers without an end"),
            ("binary garbage", heads.binary_garbage, "not HTTP"),
            ("a redirect loop", redirects.in_a_loop, "got: 307"),
            ("markup", markup.in_readiness, "got: 503"),
        )
    ),
)
CASES = (
    *BODIES, *HEADS, *DOCUMENTS, *REDIRECTS, *STATE, *FILES, *RAW, *MARKUP, *BRING_UP,
)  # fmt: skip
