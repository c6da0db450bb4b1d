"""The catalogue of the demo shop: 240 items, the same on every machine and in every process.

Every choice depends on a digest of the item's number, not on Python's ``hash`` (which differs between
processes) or ``random`` (whose methods may change between versions).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ITEM_COUNT = 240
"""Number of items; their ids run from 1 to this number."""

PAGE_SIZE = 20
"""Number of items on a catalogue page."""

MIXED_MAX = 1_000_000
"""Highest id of the mixed pages; ids beyond the catalogue show its items again."""

_MIXED_BLOCK = 22  # one failure among 22 ids is 4.5 %

_NOUNS = {
    "books": ("Almanac", "Atlas", "Diary", "Herbal", "Primer"),
    "boxes": ("Casket", "Chest", "Coffer", "Drawer", "Trunk"),
    "clocks": ("Chronometer", "Hourglass", "Metronome", "Sundial", "Wall clock"),
    "instruments": ("Compass", "Flute", "Lute", "Sextant", "Telescope"),
    "lamps": ("Candlestick", "Desk lamp", "Lantern", "Oil lamp", "Torch"),
    "maps": ("Chart", "City plan", "Globe", "Sea map", "Star map"),
    "tea": ("Black tea", "Caddy", "Green tea", "Kettle", "Teapot"),
    "toys": ("Kite", "Marionette", "Music box", "Puzzle", "Spinning top"),
}
CATEGORIES = tuple(_NOUNS)
"""The category names, in alphabetical order."""

_MANNERS = (
    *("Ancient", "Brass", "Carved", "Dented", "Enamelled", "Folding", "Gilded", "Humble"),
    *("Inlaid", "Japanned", "Knotted", "Lacquered", "Mended", "Nautical", "Oaken", "Painted"),
)
_PLACES = (
    *("Aarhus", "Bruges", "Córdoba", "Dunkeld", "Évora", "Fez", "Gdańsk", "Håle", "Izmir"),
    *("Jaén", "Kraków", "Łódź", "Málaga", "Nîmes", "Örebro", "Porto", "Quimper", "Riga"),
)
_TAGS = (
    *("antique", "fragile", "gift", "handmade", "heavy", "one of a kind", "restored"),
    *("salt & sea", "small", "under glass", "well-loved", "très rare"),
)
_OPENINGS = (
    "Found at the back of a drawer that nobody had opened for years.",
    "It came with a letter that only says “keep it dry & out of the sun”.",
    "The previous owner called it 'the useful one', and would not say why.",
    "Three repairs are known; the fourth is only suspected (wear < 5 %).",
    "It was sold twice on the same day, the second time at a loss.",
)
_CLOSINGS = (
    "Sent in straw.",
    "Not for use at sea.",
    "The key is lost, but the lock is open.",
    "A small mark on the base is part of its history.",
    "Comes with a hand-written label.",
)

# Titles that break careless code: mark-up, entities, quotes, template syntax, non-Latin scripts,
# right-to-left text, and letters and an emoji made of several code points.
_AWKWARD_TITLES = {
    5: "Tea & Sympathy",
    11: 'The "Quoted" Lamp',
    17: "<b>Bold</b> Compass",
    29: "O'Brien's Almanac",
    37: "<script>alert('drawer')</script>",
    53: "&lt;Escaped&gt; &amp; Twice",
    71: "東京の地図",
    83: "Карта звёздного неба",
    97: "ساعة رملية",
    113: "Cafe\u0301 Clock (decomposed)",
    131: "Puzzle 👩‍🔬🧩",
    149: "${inputs.url} and {{page}}",
    167: "Back\\slash, comma; and\ttab",
    191: 'Sign reading </h1><a href="/private/">this way</a>',
    211: "Ünïcödé Ŧêşŧ Ĺåɱƥ",
    233: "100% %s %(name)s {0} {}",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing for sale; ``price_pence`` is in pence, ``rating`` runs from 1 to 5."""

    id: int
    title: str
    category: str
    price_pence: int
    rating: int
    stock: int
    tags: tuple[str, ...]
    description: str
    updated: datetime

    @property
    def price(self) -> str:
        """The price as shown on pages, for example ``£12.34``."""
        return f"£{self.price_pence // 100}.{self.price_pence % 100:02d}"

    @property
    def availability(self) -> str:
        """The stock as shown on pages: ``In stock (3)`` or ``Out of stock``."""
        return f"In stock ({self.stock})" if self.stock else "Out of stock"

    def as_json(self) -> dict[str, object]:
        """The item in the JSON interface; the price is a number of pounds."""
        return {
            "id": self.id,
            "title": self.title,
            "category": self.category,
            "price": self.price_pence / 100,
            "currency": "GBP",
            "rating": self.rating,
            "stock": self.stock,
            "tags": list(self.tags),
            "description": self.description,
            "updated": self.updated.isoformat(),
            "page": f"/item/{self.id}",
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All items, ordered by id."""

    items: tuple[Item, ...]

    @classmethod
    def build(cls) -> Catalogue:
        """Make the whole catalogue (a few milliseconds)."""
        return cls(tuple(_make_item(number) for number in range(1, ITEM_COUNT + 1)))

    @property
    def page_count(self) -> int:
        """Number of catalogue pages."""
        return -(-len(self.items) // PAGE_SIZE)

    def get(self, item_id: int) -> Item | None:
        """The item with that id, or None."""
        return self.items[item_id - 1] if 1 <= item_id <= len(self.items) else None

    def page(self, number: int) -> tuple[Item, ...]:
        """The items on catalogue page ``number`` (from 1); empty beyond the last one."""
        return self.items[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]

    def in_category(self, name: str) -> tuple[Item, ...]:
        """The items of a category; empty if the category is unknown."""
        return tuple(item for item in self.items if item.category == name)

    def search(self, text: str) -> tuple[Item, ...]:
        """The items with ``text`` in their title, description, category or a tag, ignoring case."""
        wanted = text.casefold()
        return tuple(
            item
            for item in self.items
            if any(
                wanted in field.casefold()
                for field in (item.title, item.description, item.category, *item.tags)
            )
        )


@dataclass(frozen=True, slots=True)
class MixedOutcome:
    """The behaviour of ``/mixed/{id}`` for one id: wait ``delay_ms``, then respond with ``status``."""

    delay_ms: int
    status: int


def mixed_outcome(item_id: int) -> MixedOutcome:
    """Return the behaviour of ``/mixed/{item_id}``: a wait of 5 to 60 ms, then 200, 404 or 500.

    One id in each block of 22 fails, at a pseudo-random position, so that between 4 and 5 % of the ids fail
    over the catalogue, a thousand ids or any longer range from 1.
    """
    delay_ms = 5 + _draw(item_id, "delay", 56)
    block, place = divmod(item_id - 1, _MIXED_BLOCK)
    if place != _draw(block, "failing place", _MIXED_BLOCK):
        return MixedOutcome(delay_ms, 200)
    return MixedOutcome(delay_ms, 404 if _draw(block, "failing status", 2) else 500)


def mixed_item_id(item_id: int) -> int:
    """The id of the catalogue's item that ``/mixed/{item_id}`` shows."""
    return (item_id - 1) % ITEM_COUNT + 1


def _draw(seed: int, purpose: str, bound: int) -> int:
    """A number from 0 to ``bound - 1`` that depends on nothing but the arguments."""
    digest = hashlib.blake2b(f"{purpose}/{seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % bound


def _pick(seed: int, purpose: str, choices: tuple[str, ...]) -> str:
    return choices[_draw(seed, purpose, len(choices))]


def _make_item(item_id: int) -> Item:
    category = _pick(item_id, "category", CATEGORIES)
    made = _pick(item_id, "manner", _MANNERS)
    noun = _pick(item_id, "noun", _NOUNS[category])
    place = _pick(item_id, "place", _PLACES)
    tags = {_pick(item_id, f"tag {n}", _TAGS) for n in range(1 + _draw(item_id, "tags", 4))}
    sold_out = _draw(item_id, "sold out", 6) == 0
    opening, closing = _pick(item_id, "opening", _OPENINGS), _pick(item_id, "closing", _CLOSINGS)
    return Item(
        id=item_id,
        # The number makes titles unique if their words are the same.
        title=_AWKWARD_TITLES.get(item_id, f"{made} {noun.lower()} of {place}, No. {item_id}"),
        category=category,
        price_pence=199 + _draw(item_id, "price", 19_800),
        rating=1 + _draw(item_id, "rating", 5),
        stock=0 if sold_out else 1 + _draw(item_id, "stock", 40),
        tags=tuple(sorted(tags)),
        description=f"{opening} {made} work from {place}. {closing}",
        updated=datetime(2024, 1, 1, 8, tzinfo=UTC) + timedelta(hours=7 * item_id),
    )
