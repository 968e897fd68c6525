"""What the proxy reads of a connection to PostgreSQL, byte by byte; no server is needed."""

import struct

import pytest

from harness.network.postgres_conversation import HELD_BYTES, AnswerCut, PostgresConversation
from harness.network.postgres_messages import SSL_REQUEST, message

STARTUP = struct.pack("!ii", 17, 196608) + b"user\0me\0\0"
READY = message(b"Z", b"I")
IN_TRANSACTION = message(b"Z", b"T")


def query(text: str) -> bytes:
    return message(b"Q", text.encode() + b"\0")


def done(tag: str, status: bytes = READY) -> bytes:
    return message(b"C", tag.encode() + b"\0") + status


def claims(text: str) -> bool:
    return "claim_export_job" in text


def started(*cuts: AnswerCut) -> PostgresConversation:
    conversation = PostgresConversation(cuts=cuts)
    assert conversation.from_client(STARTUP).data == STARTUP
    greeting = message(b"K", struct.pack("!ii", 4711, 1)) + READY
    assert conversation.from_server(greeting).data == greeting
    return conversation


def exchange(conversation: PostgresConversation, asked: bytes, answer: bytes) -> bytes | None:
    """Give what the client gets, None if it is cut off; bytes come one by one."""
    for byte in asked:
        assert conversation.from_client(bytes([byte])).data == bytes([byte])
    got = b""
    for byte in answer:
        passed = conversation.from_server(bytes([byte]))
        got += passed.data
        if passed.is_cut:
            return None
    return got


def test_all_goes_through_as_it_is() -> None:
    conversation = started()
    assert exchange(conversation, query("SELECT 1"), done("SELECT 1")) == done("SELECT 1")
    assert (conversation.backend_pid, conversation.statements) == (4711, 1)
    assert not conversation.listens


def test_who_listens_is_known_of_a_simple_and_of_a_prepared_statement() -> None:
    simple, prepared = started(), started()
    exchange(simple, query("listen  jobs"), done("LISTEN"))
    parse = message(b"P", b"s\0LISTEN jobs\0" + struct.pack("!h", 0))
    bind = message(b"B", b"p\0s\0" + struct.pack("!hhh", 0, 0, 0))
    execute = message(b"E", b"p\0" + struct.pack("!i", 0))
    exchange(prepared, parse + bind + execute + message(b"S", b""), done("LISTEN"))
    assert simple.listens
    assert prepared.listens


def test_the_answer_of_a_commit_is_cut_and_that_of_the_next_one_is_not() -> None:
    cut = AnswerCut(wanted=claims)
    conversation = started(cut)
    begin, claim = query("BEGIN"), query("SELECT claim_export_job('w')")
    assert exchange(conversation, begin, done("BEGIN", IN_TRANSACTION)) is not None
    got = exchange(conversation, claim, done("SELECT 1", IN_TRANSACTION))
    assert got == done("SELECT 1", IN_TRANSACTION)
    assert exchange(conversation, query("COMMIT"), done("COMMIT")) is None
    [lost] = cut.cut
    assert (lost.connection, lost.tag) == (4711, "COMMIT")
    assert lost.statements == ("BEGIN", "SELECT claim_export_job('w')", "COMMIT")
    assert exchange(started(cut), claim, done("SELECT 1")) is not None, "once is enough"


def test_a_claim_that_found_nothing_is_not_cut() -> None:
    cut = AnswerCut(wanted=claims)
    conversation = started(cut)
    claim = query("SELECT claim_export_job('w')")
    assert exchange(conversation, claim, done("SELECT 0")) == done("SELECT 0")
    assert exchange(conversation, claim, done("SELECT 1")) is None


def test_rows_of_another_statement_do_not_count() -> None:
    cut = AnswerCut(wanted=claims)
    texts = ("SET LOCAL x = 1", "SELECT claim_export_job('w')", "SELECT 1")
    asked = b""
    for text in texts:
        asked += message(b"P", b"\0" + text.encode() + b"\0" + struct.pack("!h", 0))
        asked += message(b"B", b"\0\0" + struct.pack("!hhh", 0, 0, 0))
        asked += message(b"E", b"\0" + struct.pack("!i", 0))
    asked += message(b"S", b"")
    none, some = (
        b"".join(message(b"C", tag + b"\0") for tag in (b"SET", tag, b"SELECT 1")) + READY
        for tag in (b"SELECT 0", b"SELECT 2")
    )
    conversation = started(cut)
    assert exchange(conversation, asked, none) == none
    assert exchange(conversation, asked, some) is None


def test_a_statement_that_commits_by_itself_is_cut() -> None:
    cut = AnswerCut(wanted=claims)
    assert exchange(started(cut), query("SELECT claim_export_job('w')"), done("SELECT 1")) is None
    assert cut.cut[0].tag == "SELECT 1"


@pytest.mark.parametrize(
    ("end", "answer"),
    [
        ("ROLLBACK", done("ROLLBACK")),
        ("COMMIT", message(b"E", b"SERROR\0\0") + READY),
        ("COMMIT", done("ROLLBACK")),  # of a transaction that had failed
    ],
)
def test_what_was_not_committed_is_not_cut(end: str, answer: bytes) -> None:
    cut = AnswerCut(wanted=claims)
    conversation = started(cut)
    exchange(conversation, query("BEGIN"), done("BEGIN", IN_TRANSACTION))
    exchange(conversation, query("SELECT claim_export_job('w')"), done("SELECT 1", IN_TRANSACTION))
    assert exchange(conversation, query(end), answer) == answer
    assert cut.is_armed


def test_another_transaction_is_not_cut_and_none_is_taken_for_the_one_before() -> None:
    cut = AnswerCut(wanted=claims)
    conversation = started(cut)
    exchange(conversation, query("BEGIN"), done("BEGIN", IN_TRANSACTION))
    exchange(conversation, query("SELECT claim_export_job('w')"), done("SELECT 1", IN_TRANSACTION))
    exchange(conversation, query("ROLLBACK"), done("ROLLBACK"))
    assert exchange(conversation, query("SELECT 2"), done("SELECT 1")) == done("SELECT 1")


def test_an_answer_that_is_too_large_goes_on() -> None:
    cut = AnswerCut(wanted=claims)
    row = message(b"D", bytes(HELD_BYTES + 1))
    conversation = started(cut)
    conversation.from_client(query("SELECT claim_export_job('w')"))
    assert len(conversation.from_server(row).data) == len(row)


def test_what_refuses_encryption_is_read_and_what_is_encrypted_is_not() -> None:
    ssl = struct.pack("!ii", 8, SSL_REQUEST)
    refused, encrypted = PostgresConversation(), PostgresConversation()
    refused.from_client(ssl)
    assert refused.from_server(b"N").data == b"N"
    refused.from_client(STARTUP)
    exchange(refused, query("LISTEN x"), done("LISTEN"))
    assert refused.listens
    encrypted.from_client(ssl)
    assert encrypted.from_server(b"S").data == b"S"
    assert encrypted.is_unread
    assert encrypted.from_server(b"\0" * 10).data == b"\0" * 10


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", bytes(64), b"\xff" * 64])
def test_what_is_not_the_protocol_is_passed_on(garbage: bytes) -> None:
    conversation = PostgresConversation(cuts=(AnswerCut(wanted=lambda _: True),))
    assert conversation.from_client(garbage).data == garbage
    assert conversation.is_unread
    assert conversation.from_server(garbage).data == garbage


def test_nonsense_of_a_server_is_passed_on_whole() -> None:
    conversation = started(AnswerCut(wanted=claims))
    conversation.from_client(query("SELECT claim_export_job('w')"))
    row, nonsense = message(b"D", b"row"), b"D\xff\xff\xff\xffrest"
    got = conversation.from_server(row).data + conversation.from_server(nonsense).data
    assert got == row + nonsense
    assert conversation.is_unread
