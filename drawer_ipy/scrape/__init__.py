"""Scraping: values extracted from pages by CSS and XPath selectors, as a definition's ``extract:`` describes.

``spec`` reads and checks the description, ``page`` extracts the values, and ``numbers`` parses numbers as
people write them. The selectors are those of parsel, which is in the extra ``scrape`` and imported only when
needed.
"""

from drawer_ipy.scrape.spec import Extraction, Trouble, needs_parsel, read_extraction

__all__ = ["Extraction", "Trouble", "needs_parsel", "read_extraction"]
