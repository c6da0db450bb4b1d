"""A small web site that runs on this computer, so that examples and tests need no network.

>>> from drawer_ipy.demo import DemoSite
>>> with DemoSite.start() as site:
...     urls = site.page_urls
>>> len(urls)
240
"""

from drawer_ipy.demo.catalogue import ITEM_COUNT, Item, MixedOutcome, mixed_outcome
from drawer_ipy.demo.site import DemoSite
from drawer_ipy.demo.state import Stats

__all__ = ["ITEM_COUNT", "DemoSite", "Item", "MixedOutcome", "Stats", "mixed_outcome"]
