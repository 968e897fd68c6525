"""What a walk notices beside its steps: headers, fields and an order that answers do not have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.client import Answer, Record
from harness.doctor.step import Step
from harness.target.contract.dialect import Contract
from harness.target.document.api_document import ApiWords
from harness.untrusted.json_pointers import steps

_ORDERED_BY = {"listLedgerEvents": "ledger_seq"}
_MOST_LEFT = 12


@dataclass(kw_only=True)
class Noticed:
    """Collects it, and says at the end what to write."""

    contract: Contract
    words: ApiWords
    """Those of the contract's document."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of the contract that an answer did not have, and which answer that was."""
    missing: dict[str, list[str]] = field(default_factory=dict)
    """By resource: fields of the contract that it did not have."""
    left: dict[str, list[str]] = field(default_factory=dict)
    """By resource: members that are no field of the contract."""
    turned: list[str] = field(default_factory=list)
    """Lists that give the newest first."""
    whole: list[str] = field(default_factory=list)
    """Lists that gave more than the one item that was asked for."""
    lists: int = 0
    """How many lists had the two items that an order takes."""

    looked: int = 0
    """How many headers were looked for."""

    def header(self, answer: Answer, name: str, where: str = "") -> None:
        """Notice whether an answer has a header."""
        where = where or answer.operation_id
        self.looked += 1
        without = self.contract.without
        if not answer.headers.get(name.lower()) and not without.header(name, answer.operation_id):
            self.headers.setdefault(name, where)

    def thing(self, resource: str, thing: Mapping[str, Any]) -> None:
        """Notice which fields a thing has, in the contract's words."""
        fields = self.words.fields.get(resource, {})
        if not fields or resource in self.missing:
            return
        # The events in the ledger file are those that the API shows.
        owners = {resource, "ledger_event"} if resource == "ledger_line" else {resource}
        absent = {name for owner, name in self.contract.absent_fields if owner in owners}
        required = self.words.required.get(resource, frozenset())
        self.missing[resource] = [
            each for each in fields if each in required and each not in {*thing, *absent}
        ]
        self.left[resource] = [each for each in thing if each not in fields][:_MOST_LEFT]

    def listed(self, operation_id: str, items: Sequence[Record], limit: int | None = None) -> None:
        """Notice in which order a list is, and whether it keeps to a limit."""
        if limit is not None and len(items) > limit:
            self.whole.append(operation_id)
        by = _ORDERED_BY.get(operation_id, "created_at")
        values: list[Any] = [each.get(by) for each in items if each.get(by) is not None]
        if len(values) < 2 or self.contract.without.has_no_order(operation_id):
            return
        self.lists += 1
        if values[0] > values[-1] and values == sorted(values, reverse=True):
            self.turned.append(operation_id)

    def steps(self) -> Iterator[Step]:
        """Say what was noticed."""
        if self.missing:
            yield self._fields()
        if self.lists or self.whole:
            yield self._lists()
        yield self._headers()

    def _fields(self) -> Step:
        name = "fields of answers"
        missing = {each: names for each, names in self.missing.items() if names}
        if not missing:
            return Step(name=name, how="holds", seen=f"of {', '.join(self.missing)}")
        hints: list[str] = []
        places: list[str] = []
        absent: list[str] = []
        for owner, names in missing.items():
            table = f"[contract.fields.{owner}]"
            if found := self._as_the_api_shows(owner, names):
                hints.append(f"{owner} reads as ledger_event does")
                places += [table, *(f'{each} = "{place}"' for each, place in found.items())]
                continue
            absent += [f"{owner}.{each}" for each in names]
            if left := self.left[owner]:
                hints.append(
                    f"{owner} also has {', '.join(left)}: if one of them is it, write its place "
                    "instead"
                )
                places += [f"# {table}", *(f'# {each} = "/…"' for each in names)]
        lines: tuple[str, ...] = ()
        if absent:
            beside = " # beside what is there" if self.contract.absent else ""
            lines = ("[contract]", f"absent = {_texts(absent)}{beside}")
        every = [f"{owner}.{each}" for owner, names in missing.items() for each in names]
        return Step(
            name=name,
            how="does not hold",
            seen=f"without {', '.join(every)}",
            hint="; ".join(hints) or "if the backend has nothing like them, say so",
            lines=(*lines, *places),
        )

    def _as_the_api_shows(self, owner: str, names: Sequence[str]) -> Mapping[str, str]:
        """Give the places of events in the ledger file, where they are those of the API."""
        if owner != "ledger_line":
            return {}
        shown = self.contract.fields.get("ledger_event", {})
        places = {each: shown[each] for each in names if each in shown}
        return {
            each: place for each, place in places.items() if steps(place)[0] in self.left[owner]
        }

    def _lists(self) -> Step:
        name = "lists"
        lines: list[str] = []
        if self.turned:
            every = len(self.turned) == self.lists and not self.contract.without.order
            lines.append(f"order = {'true' if every else _texts(self.turned)}")
        if self.whole:
            lines.append(f"pages = {_texts(self.whole)}")
        if not lines:
            return Step(name=name, how="holds", seen="the oldest first, in pages or whole")
        seen = [f"the newest first: {', '.join(self.turned)}"] if self.turned else []
        seen += [f"more than the limit of 1: {', '.join(self.whole)}"] if self.whole else []
        return Step(
            name=name,
            how="does not hold",
            seen="; ".join(seen),
            hint="the contract's lists give the oldest first, in pages; where the backend promises "
            "another order or none, say so",
            lines=("[contract.without]", *lines),
        )

    def _headers(self) -> Step:
        name = "headers of answers"
        if not self.looked:
            return Step(name=name, how="not looked at", seen="no answer that has any")
        if not self.headers:
            return Step(name=name, how="holds", seen="those of the contract, or declared absent")
        missing = "; ".join(f"{each} ({where})" for each, where in self.headers.items())
        every = [*self.contract.without.headers, *self.headers]
        return Step(
            name=name,
            how="does not hold",
            seen=f"without {', '.join(self.headers)}",
            hint=f"not there: {missing}; where the backend has none, declare them absent",
            lines=("[contract.without]", f"headers = {_texts(every)}"),
        )


def _texts(texts: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{each}"' for each in texts) + "]"
