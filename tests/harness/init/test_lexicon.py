"""Words, their stems, and phrases in names."""

import pytest

from harness.init.lexicon import lexicon, stem, words_of
from harness.target.document.api_document import contract_document
from harness.target.document.api_document import words_of as names_of
from harness.vocabulary.exports import STATES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("queued", "queue"),
        ("queues", "queue"),
        ("canceled", "cancelled"),
        ("tries", "try"),
        ("running", "run"),
        ("files", "file"),
        ("matches", "match"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize("other", ["pack", "state", "id"])
def test_other_words_have_other_stems(other: str) -> None:
    assert stem("package") != stem(other)


@pytest.mark.parametrize("name", ["createdAt", "created_at", "created-at", "CreatedAt"])
def test_a_name_is_split_however_it_is_spelled(name: str) -> None:
    assert words_of(name) == (stem("created"), "at")


def test_a_phrase_is_found_in_other_words() -> None:
    words = lexicon()
    assert words.phrase("error text", words_of("failure_message")) == 1
    assert words.phrase("error text", words_of("message"), words_of("failure")) > 0.9
    assert words.phrase("error text", words_of("created_at")) == 0
    assert words.phrase("digest", words_of("digest_of_something")) < 0.8


def test_a_word_that_names_one_thing_here_names_no_other() -> None:
    words = lexicon().calling({"export": "document", "evidence": "photo"})
    assert words.means(stem("document"), "export")
    assert not words.means(stem("document"), "evidence")


def test_the_words_are_of_fields_that_the_contract_has() -> None:
    path = contract_document()
    assert path is not None
    contract = names_of(path).fields
    tables = lexicon().tables["fields"]
    for resource in contract.keys() & tables.keys():
        assert set(tables[resource]) <= set(contract[resource]), resource
    assert {"job", "evidence", "export", "ledger_event", "manifest"} <= tables.keys()


def test_every_state_has_words() -> None:
    assert set(lexicon().tables["values"]["states"]) == STATES
