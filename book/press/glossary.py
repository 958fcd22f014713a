"""The glossary's page in each language, and the definitions that a page shows on the spot."""

import unicodedata

from book.press import markup
from d2lmini.i18n import Language, typography

TWIN = {"fr": "en anglais : ", "en": "in French: "}


def page(language: Language) -> str:
    """The entries as a MyST glossary, in alphabetical order, each with its word in the other language."""
    other: Language = "en" if language == "fr" else "fr"
    rows = ["```{glossary}"]
    for entry in sorted(markup.glossary(), key=lambda entry: fold(entry[language])):
        twin = f'{_typeset(TWIN[language], language)}<i lang="{other}">{entry[other]}</i>'
        rows += [entry[language], f'  {definition(entry, language)} <span class="twin">{twin}</span>', ""]
    return "\n".join([*rows[:-1], "```"]) + "\n"


def definition(entry: dict, language: Language) -> str:
    """The definition of an entry, with its language's typography."""
    return _typeset(entry[f"def_{language}"].strip(), language)


def definitions(language: Language) -> dict[str, str]:
    """Definition by term."""
    return {entry[language]: definition(entry, language) for entry in markup.glossary()}


def fold(text: str) -> str:
    """Text without accents, ligatures and case: what sorting and searching compare.

    >>> fold("Œuvre élaborée")
    'oeuvre elaboree'
    """
    bare = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return bare.replace("œ", "oe").replace("æ", "ae")


def _typeset(text: str, language: Language) -> str:
    return typography(text) if language == "fr" else text
