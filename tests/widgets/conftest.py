"""Example widgets, a static page that holds them, and JavaScript run by the Node.js inside playwright."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from ipywidgets import Widget
from ipywidgets.embed import dependency_state, embed_data

from d2lmini.i18n import set_language
from d2lmini.widgets import AttentionSteps, MaskBuilder
from d2lmini.widgets.base import FOLDER
from tests.browser import browser, node  # noqa: F401 (a fixture)

SENTENCE = {"fr": "le chat dort sur le lit".split(), "en": "the cat sleeps on the bed".split()}
EVIL = ["<img src=x onerror=alert(1)>", "</script>", "\"quoted\" 'too'", "&amp;", "`${x}`", "$&", "{query}", "«", ";", " "]


def qkv(n: int = 6, n_key: int | None = None, d: int = 5, d_value: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Fixed random queries, keys and values."""
    generator = torch.Generator().manual_seed(n)
    return tuple(1.5 * torch.randn(*shape, generator=generator) for shape in ((n, d), (n_key or n, d), (n_key or n, d_value)))


def examples(lang: str) -> tuple[AttentionSteps, MaskBuilder]:
    """Both widgets, on one sentence."""
    set_language(lang)
    return AttentionSteps(SENTENCE[lang], *qkv(), query=2), MaskBuilder(SENTENCE[lang], focus=1)


def static_page(folder: Path, widgets: list[Widget], lang: str = "en", theme: str = "light", change=lambda data: data) -> str:
    """The address of a page like the book's: views, states, the hydrator, no kernel."""
    data = change(embed_data(widgets, state=dependency_state(widgets, drop_defaults=False)))  # Jupyter too saves whole states
    views = "".join(f'<script type="application/vnd.jupyter.widget-view+json">{script(view)}</script>' for view in data["view_specs"])
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><html lang="{lang}" data-theme="{theme}"><head><meta charset="utf-8"><title>Test</title>'
        f'<meta name="viewport" content="width=device-width"></head><body><main><h1>Test</h1>{views}</main>'
        f'<script type="application/vnd.jupyter.widget-state+json">{script(data["manager_state"])}</script>'
        f"<script>{(FOLDER / 'hydrate.js').read_text('utf8')}</script></body></html>",
        "utf8",
    )
    return page.as_uri()


def script(data: Any) -> str:
    """JSON that can stand inside a script element, as MyST-NB writes it."""
    return json.dumps(data).replace("</script>", r"<\/script>")


def run_javascript(code: str, data: Any = None) -> Any:
    """What `code` prints as JSON; it may import ./shared.mjs and the widgets, and finds `data`."""
    source = code.replace('from "./', f'from "{FOLDER.as_uri()}/').replace("DATA", json.dumps(data))
    done = subprocess.run([node(), "--input-type=module", "-"], input=source, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def javascript():
    """`javascript(code, data)`: see `run_javascript`."""
    return run_javascript
