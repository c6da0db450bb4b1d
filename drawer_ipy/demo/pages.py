"""HTML of the demo shop. Every value that is not mark-up passes through ``escape``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from drawer_ipy.demo.catalogue import CATEGORIES, Item

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "code{background:#eee;padding:0 .2em}td{padding:.1rem .8rem .1rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8bf}"
    "code{background:#333}}"
)


def layout(title: str, body: str) -> str:
    """A whole document; ``title`` is plain text, ``body`` is mark-up."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def message_page(title: str, message: str) -> str:
    """A short page with a heading, one paragraph of plain text and a link to the first page."""
    return layout(
        title,
        f'<h1>{escape(title)}</h1>\n<p>{escape(message)}</p>\n<p><a href="/">What this site offers</a></p>',
    )


def item_page(item: Item, next_href: str | None) -> str:
    """The page of one item, with a link to the next one if there is one."""
    tags = "".join(f"<li>{escape(tag)}</li>" for tag in item.tags)
    after = "" if next_href is None else f"\n{_next_link(next_href, 'Next item')}"
    return layout(
        f"{item.title} | The Drawer",
        f'<article id="item-{item.id}" data-id="{item.id}">\n'
        f'<h1 class="title">{escape(item.title)}</h1>\n'
        f'<p class="price">{item.price}</p>\n'
        f'<p class="rating" data-rating="{item.rating}">{item.rating} out of 5</p>\n'
        f'<p class="stock">{item.availability}</p>\n'
        f'<p><a class="category" href="/category/{item.category}">{item.category}</a></p>\n'
        f'<ul class="tags">{tags}</ul>\n'
        f'<p class="description">{escape(item.description)}</p>\n'
        f'</article>\n<nav><a href="/catalogue">Catalogue</a>{after}</nav>',
    )


def listing_page(heading: str, items: Iterable[Item], next_href: str | None = None) -> str:
    """A list of items with links to their pages, and a link to the next list."""
    rows = "\n".join(
        f'<li class="item"><a href="/item/{item.id}">{escape(item.title)}</a> '
        f'<span class="price">{item.price}</span></li>'
        for item in items
    )
    categories = " ".join(f'<a href="/category/{name}">{name}</a>' for name in CATEGORIES)
    after = "" if next_href is None else f"\n{_next_link(next_href, 'Next page')}"
    return layout(
        f"{heading} | The Drawer",
        f'<h1>{escape(heading)}</h1>\n<nav class="categories">{categories}</nav>\n'
        f'<ol class="items">\n{rows}\n</ol>\n<nav><a href="/">Home</a>{after}</nav>',
    )


def index_page(rows: Sequence[tuple[str, str, str]]) -> str:
    """The first page; a row is a route, the path of an example and a description."""
    table = "\n".join(
        f'<tr><td><a href="{escape(example)}"><code>{escape(route)}</code></a></td>'
        f"<td>{escape(note)}</td></tr>"
        for route, example, note in rows
    )
    return layout(
        "The Drawer: a shop for practice",
        "<h1>The Drawer: a shop for practice</h1>\n"
        "<p>A small web site that runs on this computer only. Its content never changes, and some "
        "of its pages misbehave on purpose, so that scraping, retries and limits can be tried "
        f"without a network.</p>\n<table>\n{table}\n</table>",
    )


def links_fragment(base: str, lines: Sequence[tuple[str, str]]) -> str:
    """A list for a notebook's output; a line is a path under ``base`` and its description."""
    entries = "".join(
        f'<li><a href="{escape(base + path)}" target="_blank" rel="noopener">'
        f"<code>{escape(path)}</code></a> {escape(note)}</li>"
        for path, note in lines
    )
    return f"<ul>{entries}</ul>"


def _next_link(href: str, label: str) -> str:
    return f'<a class="next" rel="next" href="{escape(href)}">{escape(label)}</a>'
