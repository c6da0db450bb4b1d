"""Which item of a loop is which item of an earlier press: by its key, by its value, else by its index.

A list that grew, shrank or was reordered keeps the results of its items that way. Equal items are matched in
the order in which they occur.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from drawer_ipy.cache.canonical import Uncacheable, canonical
from drawer_ipy.common.short_repr import shown
from drawer_ipy.common.user_code import pass_on_interrupt
from drawer_ipy.errors import ResolveError, UsageError
from drawer_ipy.expressions import Template

KeyOf = Callable[[Any], Hashable | None]
"""Returns the key of an item, ``None`` if it has none that can be compared."""

NO_MATCH = -1

_ITSELF = frozenset({str, bytes})
_TAGGED = frozenset({int, bool, type(None), complex})
_DEEPEST = 50


def value_key(value: Any) -> Hashable | None:
    """Return a key that equals the key of another value exactly if the values and their types are equal.

    ``None`` if the content of the value is not fully known.
    """
    try:
        return _key(value, 0)
    except _NoKey:
        return None
    except BaseException as error:  # a class of the user's
        pass_on_interrupt(error)
        return None


class _NoKey(Exception):
    """The value has no key."""


def _key(value: Any, depth: int) -> Hashable:
    kind = type(value)
    if kind in _ITSELF:
        return value  # type: ignore[no-any-return]
    if kind in _TAGGED:
        return kind, value
    if kind is float:
        return kind, value if value == value else "nan"  # NaN counts as equal to NaN
    if depth > _DEEPEST:
        raise _NoKey
    if kind is list or kind is tuple:
        return kind, tuple([_key(part, depth + 1) for part in value])
    if kind is dict or (isinstance(value, Mapping) and not isinstance(value, dict)):
        return dict, frozenset([(_key(k, depth + 1), _key(v, depth + 1)) for k, v in value.items()])
    if kind is set or kind is frozenset:
        return kind, frozenset([_key(part, depth + 1) for part in value])
    return _other_key(value, kind)


def _other_key(value: Any, kind: type) -> Hashable:
    try:
        return canonical(value, _named)
    except Uncacheable:
        pass
    own: Any = kind.__eq__
    if own is object.__eq__ or kind.__hash__ is None:
        raise _NoKey
    hash(value)
    return kind, value


def _named(value: Any) -> bytes:
    name = getattr(value, "__qualname__", None)
    if not isinstance(name, str):
        raise Uncacheable("has no name")
    return f"{getattr(value, '__module__', '')}:{name}".encode()


def same(a: Any, b: Any) -> bool:
    """Whether two items are equal; False if their comparison fails."""
    if a is b:
        return True
    try:
        return type(a) is type(b) and (bool(a == b) or bool(a != a and b != b))
    except BaseException as error:  # an array, or an object whose comparison fails
        pass_on_interrupt(error)
        return False


class ItemKey:
    """The ``key`` of a loop.

    Args:
        template: the expression.
        name: the loop variable.
        step_id: the loop's step, for messages.
    """

    def __init__(self, template: Template, name: str, step_id: str) -> None:
        self._template = template
        self._name = name
        self._step_id = step_id

    def of(self, item: Any, scope: Mapping[str, Any]) -> Hashable | None:
        """Return the key of an item of an earlier press, ``None`` if it has none."""
        try:
            return value_key(self._template.resolve({**scope, self._name: item}))
        except ResolveError:
            return None

    def checked(self, item: Any, index: int, scope: Mapping[str, Any]) -> Hashable:
        """Return the key of the item at `index`.

        Raises:
            UsageError: it cannot be computed or compared.
        """
        try:
            value = self._template.resolve({**scope, self._name: item})
        except ResolveError as error:
            message = f"`key` of step {self._step_id!r}, item {index}: {error.message}"
            raise UsageError(message, remediation=error.remediation) from None
        found = value_key(value)
        if found is None or value is None:
            kind = "null" if value is None else f"of type {type(value).__name__}, which cannot be compared"
            raise UsageError(
                f"`key` of step {self._step_id!r}, item {index}: the key is {kind}",
                remediation="use a text or a number that each item has, such as ${item.id}",
            )
        return found

    def twice(self, item: Any, first: int, second: int, scope: Mapping[str, Any]) -> UsageError:
        """Return the error for two items with the same key."""
        value = shown(self._template.resolve({**scope, self._name: item}))
        return UsageError(
            f"`key` of step {self._step_id!r}: items {first} and {second} have the same key {value}",
            remediation="remove one of the items, or use a key that differs for each item",
        )

    def check_all(self, items: Sequence[Any], scope: Mapping[str, Any]) -> list[Hashable]:
        """Return the keys of all items.

        Raises:
            UsageError: one cannot be computed, or two are the same.
        """
        seen: dict[Hashable, int] = {}
        keys = []
        for index, item in enumerate(items):
            key = self.checked(item, index, scope)
            first = seen.setdefault(key, index)
            if first != index:
                raise self.twice(item, first, index, scope)
            keys.append(key)
        return keys


class EarlierItems:
    """The items of an earlier press that have not been matched yet.

    Args:
        items: them, in their order.
        key_of: returns the key by which they are matched.
    """

    def __init__(self, items: Sequence[Any], key_of: KeyOf) -> None:
        self._items = items
        self._left: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        self._without: set[int] = set()
        for index in range(len(items)):
            try:
                key = key_of(items[index])
            except BaseException as error:  # a list of the user's that cannot return its item
                pass_on_interrupt(error)
                continue
            if key is None:
                self._without.add(index)
            else:
                self._left[key].append(index)

    def take(self, index: int, item: Any, key: Hashable | None) -> int:
        """Return the earlier index of `item`, which is now at `index`; :data:`NO_MATCH` if it is new."""
        if key is not None:
            found = self._left.get(key)
            return found.popleft() if found else NO_MATCH
        if index in self._without and same(item, self._items[index]):
            self._without.discard(index)
            return index
        return NO_MATCH


def match_items(
    items: Sequence[Any], earlier: Sequence[Any], keys: Sequence[Hashable] | None, old_key: KeyOf
) -> Sequence[int]:
    """Return for each of `items` its index in `earlier`, or :data:`NO_MATCH`.

    A ``range`` from 0 means that each item is where it was.

    Args:
        keys: the keys of `items`; ``None`` to match by value.
        old_key: returns the key of an earlier item.
    """
    common = min(len(items), len(earlier))
    if keys is None and _unchanged(items, earlier, common):
        if len(items) <= len(earlier):
            return range(len(items))
        # The items that were added may be further occurrences, but none of the earlier ones is left.
        return [*range(common), *[NO_MATCH] * (len(items) - common)]
    left = EarlierItems(earlier, old_key)
    found: list[int] = []
    for index in range(len(items)):
        try:
            item = items[index]
        except BaseException as error:  # the item's press reports it
            pass_on_interrupt(error)
            found.append(NO_MATCH)
            continue
        found.append(left.take(index, item, keys[index] if keys is not None else value_key(item)))
    return range(len(items)) if all(place == at for at, place in enumerate(found)) else found


def _unchanged(items: Sequence[Any], earlier: Sequence[Any], common: int) -> bool:
    """Whether the first `common` items are the same; the quick answer for the usual case."""
    try:
        mine, theirs = items[:common], earlier[:common]
        if isinstance(mine, range) and isinstance(theirs, range):
            return mine == theirs
        if type(mine) is not type(theirs) or not isinstance(mine, list | tuple):
            mine, theirs = list(mine), list(theirs)
        if bool(mine == theirs) and list(map(type, mine)) == list(map(type, theirs)):
            return True
    except BaseException as error:  # an array, or an object whose comparison fails
        pass_on_interrupt(error)
    return False


class EarlierMatch:
    """Matches the items of a loop with those of an earlier press.

    Args:
        earlier: the items of the earlier press.
        key: the ``key`` of the loop; ``None`` to match by value.
        scope: the names that the key sees.
    """

    def __init__(self, earlier: Sequence[Any], key: ItemKey | None, scope: Mapping[str, Any]) -> None:
        self._earlier = earlier
        self._key = key
        self._scope = scope

    def places(
        self, items: Sequence[Any], keys: Sequence[Hashable] | None, *, more_come: bool
    ) -> tuple[Sequence[int], EarlierItems | None]:
        """Return where `items` were, and the earlier items that further ones may match.

        Args:
            keys: the keys of `items`; ``None`` without a ``key``, or if they come from an iterator.
            more_come: whether `items` come from an iterator that has not ended.
        """
        if not more_come:
            return match_items(items, self._earlier, keys, self._key_of), None
        left = EarlierItems(self._earlier, self._key_of)
        return [left.take(index, item, self._key_of(item)) for index, item in enumerate(items)], left

    def _key_of(self, item: Any) -> Hashable | None:
        return value_key(item) if self._key is None else self._key.of(item, self._scope)


class ArrivingItems:
    """Matches items that come one by one from an iterator, and finds keys that occur twice.

    Args:
        key: the ``key`` of the loop; ``None`` to match by value.
        scope: the names that the key sees.
        begun: the items that were taken before.
        earlier: the items of an earlier press; ``None`` if there is nothing to match.
    """

    def __init__(
        self,
        key: ItemKey | None,
        scope: Mapping[str, Any],
        begun: Sequence[Any],
        earlier: EarlierItems | None,
    ) -> None:
        self._key = key
        self._scope = scope
        self._earlier = earlier
        self._seen: dict[Hashable, int] = {}
        for index, item in enumerate(begun if key is not None else ()):
            if key is not None and (found := key.of(item, scope)) is not None:
                self._seen.setdefault(found, index)

    def place_of(self, index: int, item: Any) -> int:
        """Return the index in the earlier press of the item that was taken as number `index`.

        Raises:
            UsageError: its key cannot be computed, or an item before it has the same one.
        """
        if self._key is None:
            found = None if self._earlier is None else value_key(item)
        else:
            found = self._key.checked(item, index, self._scope)
            first = self._seen.setdefault(found, index)
            if first != index:
                raise self._key.twice(item, first, index, self._scope)
        return NO_MATCH if self._earlier is None else self._earlier.take(index, item, found)
