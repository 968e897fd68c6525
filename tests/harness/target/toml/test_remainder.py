"""What is left without what is wrong, and where that stands in the file."""

from pydantic import BaseModel, ConfigDict

from harness.target.toml.remainder import Remainder, remaining


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    size: int = 1


class File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    words: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    item: Item | None = None


def test_items_of_lists_keep_their_place_in_the_file() -> None:
    rest = Remainder.of({"words": ("a", 2, "c", "d"), "more": 1}, {("words", 1), ("more",)})
    assert rest.values == {"words": ("a", "c", "d")}
    assert [rest.in_file(("words", number)) for number in range(3)] == [
        ("words", 0),
        ("words", 2),
        ("words", 3),
    ]
    assert rest.in_file(("words", 2, "x")) == ("words", 3, "x")
    assert rest.in_file(("other", 1)) == ("other", 1)


def test_what_cannot_be_without_a_value_goes_with_it() -> None:
    values = {"items": ({"name": "a"}, {"name": 2}, {"name": "c", "size": "x"}), "item": {}}
    bad = {("items", 1, "name"), ("items", 2, "size"), ("item", "name")}
    built, rest = remaining(File, values, bad)
    assert built is not None
    assert [each.name for each in built.items] == ["a", "c"]
    assert rest.in_file(("items", 1, "name")) == ("items", 2, "name")
    assert built.item is None


def test_nothing_is_built_where_the_whole_is_wrong() -> None:
    class Needy(BaseModel):
        name: str

    built, _ = remaining(Needy, {"name": 1}, {("name",)})
    assert built is None


def test_what_follows_from_what_is_gone_is_not_said() -> None:
    rest = Remainder.of({"words": ("a", 2)}, {("words", 1), ("item",)})
    assert rest.decides(("words",))
    assert rest.decides(("item", "name"))
    assert not rest.decides(("words", 0))
    assert not rest.decides(("items",))
