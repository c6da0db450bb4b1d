"""Which item is which in another press: lists that grow, shrink and change their order keep their rows."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawer_ipy import DefinitionError, DrawerFailed, Results, each, press
from drawer_ipy.engine.matching import NO_MATCH, match_items, value_key


@dataclasses.dataclass
class Point:
    x: int


class ByIdentity:
    """Objects without an equality of their own."""


class Work:
    """A button that notes what it pressed."""

    def __init__(self, bad: Any = ()) -> None:
        self.pressed: list[Any] = []
        self.bad = bad

    def __call__(self, x: Any) -> Any:
        self.pressed.append(x)
        if x in self.bad:
            raise ValueError(x)
        return {"of": repr(x), "press": len(self.pressed)}


def run(items: Any, work: Work, **fields: Any) -> Results:
    """Press a loop that tolerates failures; its list can be changed before a retry."""
    loop = {
        "id": "each",
        "kind": "for_each",
        "over": "${inputs.xs}",
        "as": "x",
        "on_item_failure": "continue",
    }
    steps = [{"id": "work", "button": "work", "args": {"x": "${x}"}}]
    drawer = {"name": "d", "inputs": ["xs"], "steps": [{**loop, "steps": steps, **fields}]}
    return press(drawer, {"xs": items}, check=False, quiet=True, buttons={"work": work})


def retried(
    items: list[Any], change: Callable[[list[Any]], None], bad: Any, **fields: Any
) -> tuple[Results, Work]:
    """Press `items`, let `change` edit the list, and press what is new or had failed."""
    work = Work(bad)
    results = run(items, work, **fields)
    change(items)
    work.pressed.clear()
    work.bad = ()
    return results.retry(quiet=True), work


def test_one_item_in_front_of_a_thousand_is_the_only_one_pressed() -> None:
    results, work = retried(list(range(1000)), lambda xs: xs.insert(0, -1), bad=[500])
    assert sorted(work.pressed) == [-1, 500]
    assert results["x"] == list(range(-1, 1000))
    assert [row["of"] for row in results] == [repr(x) for x in range(-1, 1000)]


def test_an_item_removed_from_the_middle_presses_nothing_else() -> None:
    results, work = retried(list(range(1000)), lambda xs: xs.remove(300), bad=[999])
    assert work.pressed == [999]
    assert [row["of"] for row in results] == [repr(x) for x in range(1000) if x != 300]


def test_a_shuffled_list_presses_only_what_had_failed() -> None:
    def shuffle(xs: list[Any]) -> None:
        random.Random(1).shuffle(xs)

    results, work = retried(list(range(1000)), shuffle, bad=[7])
    assert work.pressed == [7]
    assert [row["of"] for row in results] == [repr(row["x"]) for row in results]


def test_a_key_identifies_an_item_whose_other_fields_change() -> None:
    def reprice(xs: list[Any]) -> None:
        xs[:] = [{"url": row["url"], "price": row["price"] + 1} for row in reversed(xs)]
        xs.append({"url": "new", "price": 0})

    rows = [{"url": f"u{i}", "price": i} for i in range(5)]
    work = Work([rows[3]])
    results = run(rows, work, key="${x.url}")
    reprice(rows)
    work.pressed.clear()
    work.bad = ()
    results.retry(quiet=True)
    assert sorted(x["url"] for x in work.pressed) == ["new", "u3"]
    assert [row["x"]["url"] for row in results] == ["u4", "u3", "u2", "u1", "u0", "new"]
    assert results[0]["x"]["price"] == 5, "the row shows the item as it is now"
    assert results[0]["of"] == repr({"url": "u4", "price": 4}), "with the result that it had"


def test_two_items_with_one_key_are_refused_by_name() -> None:
    work = Work()
    results = run([{"u": "a"}, {"u": "b"}, {"u": "a"}], work, key="${x.u}")
    assert work.pressed == []
    error = results.run.error
    assert error is not None
    assert "`key` of step 'each'" in error.message
    assert "items 0 and 2 have the same key 'a'" in error.message


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([{"u": 1}, {}], "item 1"),
        ([{"u": 1}, {"u": None}], "item 1: the key is null"),
        ([{"u": ByIdentity()}], "item 0: the key is of type ByIdentity"),
    ],
)
def test_a_key_that_cannot_be_compared_is_refused_with_its_item(items: Any, words: str) -> None:
    work = Work()
    error = run(items, work, key="${x.u}").run.error
    assert error is not None
    assert words in error.message
    assert work.pressed == []


def test_what_is_wrong_with_a_key_is_known_before_the_run() -> None:
    for key, words in (("${inputs.xs}", "does not refer to 'x'"), ("${y}", "y"), ("${x.", ""), (3, "not 3")):
        with pytest.raises(DefinitionError) as caught:
            run([1], Work(), key=key)
        assert words in str(caught.value)


def test_the_second_of_two_items_of_an_iterator_with_one_key_fails() -> None:
    work = Work()
    results = run(({"u": n % 3} for n in range(5)), work, key="${x.u}")
    assert results.counts["failed"] == 2
    assert "items 0 and 3 have the same key 0" in str(results.errors[0].message)
    assert len(work.pressed) == 3


class Pages:
    """Can be iterated once, without a length."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.count))


def test_the_items_of_a_new_iterator_keep_their_rows() -> None:
    work = Work([2])
    counts = iter([4, 6])

    def source() -> Pages:
        return Pages(next(counts))

    loop = {
        "id": "each",
        "kind": "for_each",
        "over": "${source.output}",
        "as": "x",
        "on_item_failure": "continue",
        "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
    }
    drawer = {"name": "d", "steps": [{"id": "source", "button": "source"}, loop]}
    results = press(drawer, check=False, quiet=True, buttons={"source": source, "work": work})
    assert results.counts == {"ok": 3, "failed": 1, "cancelled": 0, "skipped": 0}
    results.run.steps[0].status = "failed"  # so that the retry presses it again
    work.pressed.clear()
    work.bad = ()
    results.retry(quiet=True)
    assert sorted(work.pressed) == [2, 4, 5]
    assert [row["of"] for row in results] == [repr(x) for x in range(6)]
    assert results.run.status == "ok"


def test_nested_loops_match_their_items_too() -> None:
    shops = [{"name": "a", "pages": [1, 2, 3]}, {"name": "b", "pages": [4, 5]}]
    work = Work([2, 4])
    loop = {
        "id": "each",
        "kind": "for_each",
        "over": "${inputs.shops}",
        "as": "shop",
        "key": "${shop.name}",
        "on_item_failure": "continue",
        "steps": [
            {
                "id": "inner",
                "kind": "for_each",
                "over": "${shop.pages}",
                "as": "x",
                "on_item_failure": "continue",
                "steps": [{"id": "work", "button": "work", "args": {"x": "${x}"}}],
            }
        ],
    }
    drawer = {"name": "d", "inputs": ["shops"], "steps": [loop]}
    results = press(drawer, {"shops": shops}, check=False, quiet=True, buttons={"work": work})
    shops.reverse()
    shops[1]["pages"].insert(0, 0)
    work.pressed.clear()
    work.bad = ()
    results.retry(quiet=True)
    assert sorted(work.pressed) == [0, 2, 4]


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (1, True, False),
        (1, 1.0, False),
        ("1", 1, False),
        (float("nan"), float("nan"), True),
        ([1, {"a": (2,)}], [1, {"a": (2,)}], True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ([1], (1,), False),
        ({1, 2}, {2, 1}, True),
        (Decimal("1.0"), Decimal("1.00"), False),
        (Point(1), Point(1), True),
        (Point(1), Point(2), False),
        (b"a", "a", False),
    ],
)
def test_keys_of_values_are_equal_exactly_if_the_values_and_their_types_are(
    a: Any, b: Any, equal: bool
) -> None:
    assert value_key(a) is not None
    assert (value_key(a) == value_key(b)) is equal


def test_values_that_cannot_be_compared_are_matched_by_index_and_identity() -> None:
    a, b, c = ByIdentity(), ByIdentity(), ByIdentity()
    assert value_key(a) is None or value_key(a) != value_key(b)
    assert list(match_items([a, c, b], [a, b, b], None, value_key))[:2] == [0, NO_MATCH]


def test_values_inside_themselves_have_no_key() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert value_key(ring) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=12), st.lists(st.integers(0, 6), max_size=12))
def test_law_equal_items_are_matched_once_and_in_order(items: list[int], earlier: list[int]) -> None:
    places = list(match_items(items, earlier, None, value_key))
    used = [place for place in places if place != NO_MATCH]
    assert len(set(used)) == len(used)
    for item, place in zip(items, places, strict=True):
        assert place == NO_MATCH or earlier[place] == item
    for value in set(items):
        mine = [place for item, place in zip(items, places, strict=True) if item == value]
        theirs = [at for at, item in enumerate(earlier) if item == value]
        kept = [place for place in mine if place != NO_MATCH]
        if places != list(range(len(items))):
            assert kept == theirs[: len(mine)], "the first occurrence is the first"
        assert len(kept) == min(len(mine), len(theirs)), "as many as there are"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 30), max_size=15),
    st.lists(st.integers(0, 30), max_size=15),
    st.sets(st.integers(0, 30), max_size=6),
)
def test_law_a_retry_over_a_changed_list_equals_a_new_press_of_it(
    before: list[int], after: list[int], bad: set[int]
) -> None:
    items = list(before)
    work = Work(bad)
    results = run(items, work)
    ok = [x for x in before if x not in bad]
    unfinished = not before or len(ok) < len(before)
    items[:] = after
    work.pressed.clear()
    work.bad = ()
    results.retry(quiet=True)
    if not unfinished:
        return  # a loop that is complete is not looked at again
    if before:
        assert [row["of"] for row in results] == [repr(x) for x in after]
        again = sorted(work.pressed)
        left = list(ok)
        expected = []
        for x in after:
            if x in left:
                left.remove(x)
            else:
                expected.append(x)
        assert again == sorted(expected)


def test_a_million_unchanged_items_are_matched_quickly() -> None:
    before = list(map(str, range(1_000_000)))
    now = [text[:] + "" for text in before]
    began = time.process_time()
    assert match_items(now, before, None, value_key) == range(1_000_000)
    assert time.process_time() - began < 1.0


def test_each_takes_a_field_as_the_key() -> None:
    rows = [{"url": "a"}, {"url": "a"}]
    with pytest.raises(DrawerFailed) as caught:
        each(lambda row: row, rows, key="url", quiet=True)
    assert "items 0 and 1 have the same key 'a'" in str(caught.value)
    assert len(each(lambda row: row, rows[:1], key="url", quiet=True)) == 1
    assert len(each(lambda row: row, ["a", "b"], key="${item}", quiet=True)) == 2
    assert len(each(lambda row: row, [{"my url": 1}, {"my url": 2}], key="my url", quiet=True)) == 2
