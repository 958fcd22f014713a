"""Sphinx settings of one edition; book/press/build.py names its language and its sources in D2L_LANGUAGE and D2L_SOURCES."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = Path(os.environ.get("D2L_SOURCES", HERE.parent / "build" / "src" / "en"))  # staged by book/press/stage.py
sys.path.insert(0, str(HERE.parent))

from book.press.ui import TITLE, UI  # noqa: E402
from d2lmini.i18n import Language  # noqa: E402

language: Language = "fr" if os.environ.get("D2L_LANGUAGE") == "fr" else "en"
project = html_title = html_short_title = TITLE[language]
author = copyright = ""

extensions = [
    "sphinx_external_toc",
    "myst_nb",
    "sphinxcontrib.katex",
    "sphinx_copybutton",
    "book.press.site",
]
templates_path = [str(HERE / "_templates")]
exclude_patterns = ["_extra", "_static"]

# --- prose and notebooks
nb_execution_mode = "off"  # the press executed them; their outputs are in the staged notebooks
nb_ipywidgets_js: dict[str, dict] = {}  # hydrate.js shows the widgets: no require.js, no html-manager, no other host
nb_code_prompt_show = UI[language]["show"]
nb_code_prompt_hide = UI[language]["hide"]
myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
numfig = False

# --- mathematics: the script comes with sphinxcontrib-katex, the style sheet and its typefaces with the book
katex_css_path = "katex/katex.min.css"
katex_options = "throwOnError: true, strict: 'error', ignoredTags: ['script', 'noscript', 'style', 'textarea', 'pre', 'code', 'svg']"

# --- pages
html_theme = "sphinx_book_theme"
html_static_path = [str(SOURCES / "_static")]
html_extra_path = [str(SOURCES / "_extra")]
html_favicon = str(SOURCES / "_static" / "favicon.svg")
html_css_files = ["css/fonts.css", "css/palette.css", "css/icons.css", "css/theme.css", "css/prose.css", "css/notebook.css", "css/home.css"]
html_js_files = [("js/course.js", {"defer": "defer"})]
html_sidebars = {"**": ["brand.html", "sbt-sidebar-nav.html"]}
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_permalinks_icon = "#"
html_theme_options = {
    "article_header_start": ["toggle-primary-sidebar.html"],
    "article_header_end": ["article-header-buttons.html"],
    "back_to_top_button": False,
    "footer_content_items": [],
    "footer_start": [],
    "footer_end": [],
    "home_page_in_toc": True,
    "primary_sidebar_end": [],
    "search_bar_text": UI[language]["search_text"],
    "secondary_sidebar_items": ["page-toc.html"],
    "show_toc_level": 2,
    "toc_title": UI[language]["contents"],
}
copybutton_selector = "div.cell_input div.highlight pre"
