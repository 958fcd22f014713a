"""What the widgets share: their JavaScript in one piece, the palette, the language, and a sentence where no script runs."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets
from torch import Tensor

from d2lmini.i18n import get_language
from d2lmini.palette import DARK, LIGHT

FOLDER = Path(__file__).parent
MAX_TOKENS = 24  # beyond, a grid of numbers can no longer be read

# Who says "dark", and how: the book, JupyterLab and Notebook, VS Code, Colab; anywhere else the system decides.
DARK_HOSTS = ('html[data-theme="dark"]', 'body[data-jp-theme-light="false"]', "body.vscode-dark", 'html[theme="dark"]')
SILENT_HOST = "html:not([data-theme], [theme]) body:not([data-jp-theme-light], .vscode-dark, .vscode-light)"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.mjs";\n', re.MULTILINE)


class CourseWidget(anywidget.AnyWidget):
    """A figure that computes in the browser: Python only hands over the data and receives the reader's choices."""

    lang = traitlets.Enum(("fr", "en"), "en").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(lang=get_language(), **traits)

    def sentence(self) -> str:
        """What the figure shows, for readers without JavaScript."""
        raise NotImplementedError(f"{type(self).__name__} must say in one sentence what it shows; define sentence().")

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:  # the default text holds a memory address: no two runs agree on it
            bundle[0]["text/plain"] = self.sentence()
        return bundle


def bundle(name: str) -> str:
    """The whole module of the widget `name`: styles, shared functions, then its own code.

    A module that travels as text can't import a neighbor, so each import of one gives way to the file itself.
    """
    neighbors = IMPORT.findall(_read(f"{name}.mjs"))
    if neighbors[:1] != ["shared"]:
        raise ValueError(f'{name}.mjs imports from {neighbors or "nothing"} and must import from "./shared.mjs" first, which is inlined.')
    style = "\n".join((palette_css(), _read("shared.css"), _read(f"{name}.css")))
    modules = (IMPORT.sub("", _read(f"{module}.mjs")) for module in (*neighbors, name))
    return f"const STYLE = {json.dumps(style)};\n" + "\n".join(modules)


def palette_css() -> str:
    """The palette as CSS variables on `.d2l`: light, dark where the host says so, the system's choice where it says nothing."""
    light, dark = (
        f"color-scheme: {scheme}; " + " ".join(f"--c-{name}: {value};" for name, value in colors.items())
        for scheme, colors in (("light", LIGHT), ("dark", DARK))
    )
    hosts = ", ".join(f"{host} .d2l" for host in DARK_HOSTS)
    return f".d2l {{ {light} }}\n{hosts} {{ {dark} }}\n@media (prefers-color-scheme: dark) {{ {SILENT_HOST} .d2l {{ {dark} }} }}"


def vectors(x: Any, name: str, n: int) -> Tensor:
    """One vector a token as a (T, d) tensor, or a `ValueError` that says how to get one."""
    x = torch.as_tensor(x).detach().to("cpu", torch.float32)
    if x.ndim != 2:
        repair = f"pick one head of one text, such as {name}[{', '.join('0' * (x.ndim - 2))}]" if x.ndim > 2 else "give each token a vector"
        raise ValueError(f"{name} has shape {tuple(x.shape)} and must have two axes (T, d); {repair}.")
    if len(x) != n:
        raise ValueError(f"{name} has {len(x)} rows and must have one for each of the {n} tokens; try {name}[:{n}] or other tokens.")
    if not x.isfinite().all():
        raise ValueError(f"{name} holds {int((~x.isfinite()).sum())} values that are infinite or NaN; all must be finite: look upstream.")
    return x


def pack(x: Tensor) -> bytes:
    """Little-endian float32, what the browser reads without parsing."""
    return x.contiguous().numpy().astype("<f4").tobytes()


def check_tokens(tokens: Sequence[str], name: str = "tokens", limit: int = MAX_TOKENS) -> list[str]:
    """The tokens as a list of texts, from 2 to `limit` of them."""
    if isinstance(tokens, str):
        raise ValueError(f"{name}={tokens!r} must be a list of tokens; try {name}={tokens.split()!r}.")
    if not 2 <= len(tokens) <= limit:
        repair = f"try {name}[:{limit}]" if len(tokens) > 2 else "give it a longer sentence"
        raise ValueError(f"{name} has {len(tokens)} tokens and must have 2 to {limit} to stay readable; {repair}.")
    return [str(token) for token in tokens]


def check_range(value: int, name: str, low: int, high: int) -> int:
    """`value`, when low ≤ value ≤ high."""
    if not low <= value <= high:
        raise ValueError(f"{name}={value} must lie between {low} and {high}; try {name}={min(max(value, low), high)}.")
    return value


def check_choice(value: str, name: str, choices: Sequence[str]) -> str:
    """`value`, when it is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name}={value!r} must be one of {', '.join(choices)}; try {name}={choices[0]!r}.")
    return value


def labels(tokens: Sequence[str]) -> list[str]:
    """Tokens as the reader sees them: blanks made visible, repeated ones numbered.

    >>> labels(["le", "chat", "le", " "])
    ['le₁', 'chat', 'le₂', '␣']
    """
    shown = [(token.strip() and token) or "␣" for token in tokens]
    total, seen = Counter(shown), Counter[str]()
    for i, token in enumerate(shown):
        seen[token] += 1
        if total[token] > 1:
            shown[i] = token + "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(seen[token]))
    return shown


def _read(file: str) -> str:
    return (FOLDER / file).read_text("utf-8")
