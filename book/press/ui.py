"""Words of the pages' furniture, in both languages."""

from d2lmini.i18n import THIN, Language

TITLE: dict[Language, str] = {"fr": "Les transformeurs, pas à pas", "en": "Transformers, step by step"}
NAME: dict[Language, str] = {"fr": "Français", "en": "English"}

UI: dict[Language, dict[str, str]] = {
    "fr": {
        "contents": "Dans cette page",
        "download": "Télécharger le notebook",
        "exercises": "exercices",
        "hide": "Masquer le code",
        "hints": "Indices",
        "home": "Accueil",
        "launch": "Ouvrir dans…",
        "main": "Sommaire du cours",
        "menu": "Ouvrir ou fermer le sommaire",
        "minutes": f"environ {{}}{THIN}min",
        "next": "Page suivante",
        "pages": "Pages voisines",
        "previous": "Page précédente",
        "repository": "Code source du cours",
        "search": "Rechercher",
        "search_dialog": "Recherche dans le cours",
        "search_text": "Rechercher dans le cours…",
        "show": "Afficher le code",
        "skip": "Aller au contenu",
        "solution": "Solution",
        "theme": "Thème sombre",
    },
    "en": {
        "contents": "On this page",
        "download": "Download the notebook",
        "exercises": "exercises",
        "hide": "Hide the code",
        "hints": "Hints",
        "home": "Home",
        "launch": "Open in…",
        "main": "Contents of the course",
        "menu": "Open or close the contents",
        "minutes": "about {} min",
        "next": "Next page",
        "pages": "Neighboring pages",
        "previous": "Previous page",
        "repository": "Source code of the course",
        "search": "Search",
        "search_dialog": "Search the course",
        "search_text": "Search the course…",
        "show": "Show the code",
        "skip": "Skip to the content",
        "solution": "Solution",
        "theme": "Dark theme",
    },
}
