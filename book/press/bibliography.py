"""The bibliography: `references.bib` read once, cited and listed in each language."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_lowercase

from pybtex.database import BibliographyDataError, parse_file  # type: ignore[import-untyped]
from pybtex.database import Entry as RawEntry
from pybtex.richtext import Text  # type: ignore[import-untyped]
from pybtex.scanner import PybtexSyntaxError  # type: ignore[import-untyped]

from book.press.glossary import fold
from d2lmini.i18n import THIN, Language

AND = {"fr": "et", "en": "and"}
OTHERS = "others"  # how BibTeX ends a list that is cut
MOST_AUTHORS = 10  # beyond, the list stops after the first six


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One reference: LaTeX is already decoded, `authors` holds (given names, family name)."""

    key: str
    kind: str
    authors: tuple[tuple[str, str], ...]
    title: str
    year: str
    fields: dict[str, str]


def load(bib: Path) -> dict[str, Entry]:
    """The entries of a BibTeX file by key; `ValueError` names the key and the field that is missing."""
    try:
        data = parse_file(str(bib), bib_format="bibtex")
    except (PybtexSyntaxError, BibliographyDataError) as error:
        raise ValueError(f"{bib} is not valid BibTeX: {error}; mend that entry.") from error
    entries = {key: _entry(key, raw, bib) for key, raw in data.entries.items()}
    twins: dict[tuple[str, str], list[str]] = {}
    for key, entry in sorted(entries.items(), key=lambda item: item[1].title):
        twins.setdefault((label(entry, "en"), entry.year), []).append(key)
    for keys in filter(lambda keys: len(keys) > 1, twins.values()):  # 2023a, 2023b: same authors, same year
        entries |= {key: replace(entries[key], year=entries[key].year + letter) for key, letter in zip(keys, ascii_lowercase, strict=False)}
    return entries


def label(entry: Entry, language: Language) -> str:
    """How a sentence names the authors, without the year.

    >>> label(Entry(key="k", kind="book", authors=(("Ada", "Byron"), ("Luigi", "Menabrea")), title="", year="", fields={}), "fr")
    'Byron et Menabrea'
    """
    names = [family for _, family in entry.authors]
    if len(names) > 2 or names[-1] == OTHERS:
        return f"{names[0]} et al."
    return f" {AND[language]} ".join(names)


def url(entry: Entry) -> str:
    """Where to read the entry; its page on the Internet, or that of its DOI."""
    return entry.fields.get("url") or f"https://doi.org/{entry.fields['doi']}"


def plain(entry: Entry, language: Language) -> str:
    """The reference in plain words, for a note beside the text."""
    return re.sub(r"<[^>]*>|\\(?=\W)", "", _described(entry, language).rsplit(" [", 1)[0])


def anchor(entry: Entry) -> str:
    """The place of the entry in the book's list of references."""
    return f"references.md#{entry.key}"


def page(entries: dict[str, Entry], language: Language) -> str:
    """The list of references as MyST Markdown, by author then year, one target per key."""
    ordered = sorted(entries.values(), key=lambda entry: (fold(label(entry, "en")), entry.year, entry.title))
    return "\n\n".join(f"({entry.key})=\n{{.reference}}\n{_described(entry, language)}" for entry in ordered) + "\n"


def _entry(key: str, raw: RawEntry, bib: Path) -> Entry:
    fields = {name.lower(): _plain(value) for name, value in raw.fields.items() if name.lower() not in ("url", "doi")}
    # An address is not prose: decoding it as LaTeX would lose its "~" and "_".
    fields |= {name: raw.fields[name] for name in ("url", "doi") if name in raw.fields}
    people = raw.persons.get("author", ())
    if not re.fullmatch(r"[a-z0-9-]+", key):
        raise ValueError(f"{bib}: key {key!r} must be of lower-case letters, digits and hyphens, as an anchor is; rename it.")
    missing = [name for name in ("title", "year") if not fields.get(name)] + ([] if people else ["author"])
    if not (fields.get("url") or fields.get("doi")):
        missing.append("url")
    if missing:
        raise ValueError(f"{bib}: @{raw.type}{{{key}}} has no {', '.join(missing)}; add it, every reference can be found and read.")
    authors = tuple((_plain(" ".join(p.first_names + p.middle_names)), _plain(" ".join(p.prelast_names + p.last_names))) for p in people)
    return Entry(key=key, kind=raw.type, authors=authors, title=fields["title"], year=fields["year"], fields=fields)


def _plain(latex: str) -> str:
    return re.sub(r"\s+", " ", str(Text.from_latex(latex)))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>$#{}|])", r"\\\1", text)


def _described(entry: Entry, language: Language) -> str:
    tag = "fr" if entry.fields.get("langid", "english").startswith("fr") else "en"  # hyphenation and speech follow the title
    venue = ", ".join(_venue(entry, language, tag))
    stop = "," if venue else "."
    if entry.kind == "book":
        title = f'<cite lang="{tag}">{_escaped(entry.title)}</cite>{stop}'
    elif language == "fr":
        title = f'«{THIN}<span lang="{tag}">{_escaped(entry.title)}</span>{THIN}»{stop}'
    else:
        title = f'“<span lang="{tag}">{_escaped(entry.title)}</span>{stop}”'
    link = f"[{_escaped(re.sub('^https?://(www[.])?', '', url(entry)).rstrip('/'))}]({url(entry)})"
    return " ".join(filter(None, (f"{_authors(entry, language)} ({entry.year}).", title, venue and f"{venue}.", link)))


def _authors(entry: Entry, language: Language) -> str:
    names = [_escaped(f"{given} {family}".strip()) for given, family in entry.authors]
    if len(names) > MOST_AUTHORS or names[-1] == OTHERS:
        return ", ".join(names[: min(6, len(names) - 1)]) + " et al."
    if len(names) == 1:
        return names[0]
    comma = "," if language == "en" and len(names) > 2 else ""
    return f"{', '.join(names[:-1])}{comma} {AND[language]} {names[-1]}"


def _venue(entry: Entry, language: Language, tag: str) -> list[str]:
    fields = entry.fields
    french = language == "fr"
    parts = []
    if name := fields.get("journal") or fields.get("booktitle"):
        inside = ("dans " if french else "in ") if "booktitle" in fields else ""
        parts.append(f'{inside}<cite lang="{tag}">{_escaped(name)}</cite>')
    if volume := fields.get("volume"):
        parts.append(f"vol. {volume}")
    if number := fields.get("number"):
        parts.append(f"n<sup>o</sup> {number}" if french else f"no. {number}")
    if pages := fields.get("pages"):
        many = bool(re.search(r"[-–]", pages))
        word = "p." if french or not many else "pp."
        parts.append(f"{word} {re.sub('-+', '–', pages)}")
    parts += [_escaped(fields[name]) for name in ("publisher", "institution", "howpublished") if name in fields]
    return parts
