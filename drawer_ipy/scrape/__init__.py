"""Values taken from pages by CSS and XPath selectors, as a definition's ``extract:`` asks for them.

``spec`` reads and checks what is asked for, ``page`` takes it from a page, ``numbers`` reads numbers as
people write them. Selectors are parsel's, which is in the extra ``scrape``; nothing here imports
it before it is needed.
"""

from drawer_ipy.scrape.spec import Extraction, Trouble, needs_parsel, read_extraction

__all__ = ["Extraction", "Trouble", "needs_parsel", "read_extraction"]
