"""The two pages above the editions: the one that picks the reader's language, and the one for an address that leads nowhere."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from book import cover
from book.press import ROOT, spaces
from book.press.ui import NAME, TITLE
from d2lmini import palette
from d2lmini.i18n import Language

TEXTS: dict[str, dict[Language, str]] = {
    "lead": {
        "fr": "Construisez, entraînez et cassez un transformeur, du premier produit scalaire au modèle entier.",
        "en": "Build, train and break a transformer, from the first dot product to the whole model.",
    },
    "open": {"fr": "Lire en français", "en": "Read in English"},
    "lost": {"fr": "Cette page n’existe pas.", "en": "This page does not exist."},
    "back": {"fr": "Aller à l’accueil du cours", "en": "Go to the course’s home page"},
}


def write(site: Path, languages: tuple[Language, ...]) -> None:
    """Write index.html and 404.html at the root of the site."""
    templates = Environment(
        loader=FileSystemLoader(ROOT / "book" / "_templates" / "root"), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
    shared = {
        "languages": languages,
        "name": NAME,
        "title": TITLE,
        "text": TEXTS,
        "palette": palette.css(":root", ':root[data-theme="dark"]') + spaces.css(),
        "cover": {language: cover.figure(language) for language in languages},
    }
    for page in ("index.html", "404.html"):
        (site / page).write_text(templates.get_template(page).render(**shared), "utf8")
