"""Settings of Sphinx for the documentation site; ``make docs`` builds it into build/docs.

Some pages are written from the package itself, and the notebooks are copied, when a build begins (see
``_ext/generated_pages.py``). The build needs no network, and the pages request nothing from other hosts.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from drawer_ipy import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "drawer_ipy"
author = "The drawer_ipy authors"
copyright = "2026, the drawer_ipy authors"
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "generated_pages",
    "llms_txt",
]
exclude_patterns = [
    "_ext",
    "lite",
    "generated/*-options.md",
    "generated/settings.md",
    "generated/command-line.md",
]

# Markdown and notebooks
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "substitution"]
nb_execution_mode = os.environ.get("DRAWER_DOCS_NOTEBOOKS", "force")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_in_temp = True
nb_merge_streams = True
nb_ipywidgets_js = {}  # the outputs are HTML; the scripts would come from other hosts
# Runs that the notebooks keep on disk go into a folder that is removed at the end.
_state = tempfile.TemporaryDirectory(prefix="drawer-docs-", ignore_cleanup_errors=True)
os.environ["XDG_STATE_HOME"] = _state.name

# The Python API
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
add_module_names = False
python_use_unqualified_type_names = True

# HTML
html_theme = "furo"
html_title = f"drawer_ipy {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
# At the addresses that are their `$id`.
html_extra_path = ["generated/drawer.schema.json", "generated/button.schema.json"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "source_repository": "https://github.com/drawer-ipy/drawer_ipy/",
    "source_branch": "main",
    "source_directory": "docs/",
}
copybutton_exclude = ".linenos, .gp, .go"
pygments_style = "friendly"
pygments_dark_style = "monokai"
