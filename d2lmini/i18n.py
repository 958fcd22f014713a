"""Two languages for whatever a reader sees: texts, numbers, dates and French typography."""

import datetime
import re
from typing import Any, Literal, NamedTuple

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")

THIN = "\u202f"  # narrow no-break space: before ; ! ? : and inside « »; also between thousands
MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "en": "January February March April May June July August September October November December".split(),
}

_language: Language = "en"


def set_language(language: Language) -> None:
    """Choose the language of every text that follows.

    >>> set_language("fr"); t("bonjour", "hello")
    'bonjour'
    >>> set_language("en")
    """
    global _language
    if language not in LANGUAGES:
        raise ValueError(f"language={language!r} must be one of {LANGUAGES}; try 'fr' or 'en'.")
    _language = language


def get_language() -> Language:
    """The language in use, `"fr"` or `"en"`."""
    return _language


def t(fr: str, en: str) -> str:
    """The text in the current language, its apostrophes curled, with the no-break spaces of French; `code` stays as it is.

    >>> t("Qui regarde qui ?", "Who looks at whom?")
    'Who looks at whom?'
    """
    text, change = (fr, typography) if _language == "fr" else (en, apostrophes)
    code = re.findall(r"`([^`]*)`", text)
    return re.sub("\ue000", lambda _: code.pop(0), change(re.sub(r"`[^`]*`", "`\ue000`", text)))


class Text(NamedTuple):
    """A text kept in both languages, for messages that are chosen before the reader's language is known.

    >>> str(Text("une tête", "a head"))
    'a head'
    """

    fr: str
    en: str

    def __str__(self) -> str:
        return t(self.fr, self.en)

    def __add__(self, other: Any) -> "Text":
        return Text(self.fr + other.fr, self.en + other.en)

    def fill(self, **values: Any) -> "Text":
        """Both texts with their `{fields}` filled; a field may itself be a `Text`."""
        return Text(*(getattr(self, language).format_map(_told(values, language)) for language in LANGUAGES))


def _told(values: dict[str, Any], language: Language) -> dict[str, Any]:
    return {name: getattr(value, language) if isinstance(value, Text) else value for name, value in values.items()}


def apostrophes(text: str) -> str:
    """Curl the apostrophes: `l'été` → `l’été`.

    >>> apostrophes("it doesn't")
    'it doesn’t'
    """
    return re.sub(r"(?<=[^\W\d_])'(?=[^\s.,;:!?)'])", "’", text)


def typography(french: str) -> str:
    """Curl apostrophes and put the narrow no-break space where French needs one: before ; : ! ? % and inside « ».

    An ordinary space there could end a line; a missing one is not added before a colon or a
    percent sign, so that `10:30`, URLs and `%d` survive.

    >>> typography("Vraiment ? « Oui »").replace(THIN, "_")
    'Vraiment_? «_Oui_»'
    """
    text = re.sub(r"[ \u00a0]+(?=[;:!?%»](?!\w))", THIN, apostrophes(french))
    text = re.sub(r"(?<=[\w)»*`$])(?=[;!?](?:\s|$))", THIN, text)
    text = re.sub(r"«[ \u00a0\u202f]*(?=\S)", f"«{THIN}", text)
    text = re.sub(r"(?<=[^\s\u202f])»", f"{THIN}»", text)
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d))", THIN, text)


def number(x: float, digits: int | None = None) -> str:
    """A number as the language writes it: `1 234,5` in French, `1,234.5` in English.

    `digits` counts the decimals; without it an integer has none and a float its shortest form.

    >>> number(1234.5, 2)
    '1,234.50'
    """
    text = (f"{x:,}" if digits is None else f"{x:,.{digits}f}").replace("-", "−")
    return text.replace(",", THIN).replace(".", ",") if _language == "fr" else text


def date(day: datetime.date) -> str:
    """A date in words: `1er mars 2026` or `March 1, 2026`.

    >>> date(datetime.date(2026, 3, 1))
    'March 1, 2026'
    """
    month = MONTHS[_language][day.month - 1]
    if _language == "fr":
        return f"{'1er' if day.day == 1 else day.day} {month} {day.year}"
    return f"{month} {day.day}, {day.year}"
