"""Settings of the site that `make docs` builds into build/docs.

The source folder is the repository, of which `include_patterns` names the pages. A link from one
page to another is then the same path in a checkout, on a code host and on the site.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lplrcli import __version__  # noqa: E402

if TYPE_CHECKING:
    import click
    from sphinx.application import Sphinx

project = "lplr"
author = "the lplr authors"
project_copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
]
root_doc = "docs/index"
include_patterns = ["docs/**", "formats/**", "benchmarks/**", "*.md"]
exclude_patterns = [".*", "build", "docs/results/*", "docs/_*", "README.md"]
nitpicky = True
smartquotes = False  # they would make a dash of the two that an option begins with
default_role = "code"  # single backticks in docstrings are names, not all of which have a page

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

autodoc_typehints = "none"  # numpydoc sections say the types, and what they mean
autodoc_member_order = "bysource"
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = f"lplr {version}"
html_static_path = ["_static"]
html_css_files = ["lplr.css"]
html_additional_pages = {"index": "redirect.html"}  # the site's first page is docs/index.html
templates_path = ["_templates"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_sidebars = {page: [] for page in ("docs/index", "docs/method", "docs/results")}
html_theme_options = {
    "show_prev_next": True,
    "show_toc_level": 2,
    "navigation_depth": 2,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
    "logo": {"text": "lplr"},
}


def _examples(_app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Set the examples below a command as code; click would fill them as if they were prose."""
    lines.clear()
    for paragraph in inspect.cleandoc(context.command.epilog or "").split("\n\n"):
        head, *rest = [line for line in paragraph.split("\n") if line.strip("\\b\b")] or [""]
        if rest and rest[0].startswith("  "):
            lines += [
                head,
                "",
                ".. code-block:: text",
                "",
                *(f"   {line[2:]}" for line in rest),
                "",
            ]
        else:
            lines += [head, *rest, ""]


def setup(app: Sphinx) -> None:
    """Connect what is particular to this manual."""
    app.connect("sphinx-click-process-epilog", _examples)
