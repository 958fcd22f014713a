"""Buttons that open a page's notebook elsewhere; all of them come from the repository's address in settings.yml."""

import os
from pathlib import Path
from urllib.parse import quote, urlencode

import yaml

from book.press import ROOT, solutions
from d2lmini.i18n import Language

SETTINGS = ROOT / "book" / "settings.yml"


def settings(path: Path = SETTINGS) -> dict[str, str]:
    """repository, branch and jupyterhub, each maybe empty; D2L_REPOSITORY wins over the file."""
    found = {key: (value or "").strip().rstrip("/") for key, value in yaml.safe_load(path.read_text("utf8")).items()}
    found["repository"] = os.environ.get("D2L_REPOSITORY", found["repository"]).strip().removesuffix(".git").rstrip("/")
    for key in ("repository", "jupyterhub"):
        if found[key] and not found[key].startswith("https://"):
            raise SystemExit(f"{path.name}: {key}={found[key]!r} must start with https://; mend it, or empty it for no link at all.")
    return found


def links(page: str, language: Language, chosen: dict[str, str]) -> list[tuple[str, str]]:
    """(name, address) of each place that can open the page's notebook; none while there is no repository."""
    repository, branch = chosen["repository"], chosen["branch"]
    if not repository:
        return []
    shelf = "exercises" if page.endswith(solutions.SUFFIX) else "chapters"
    notebook = f"{shelf}/{language}/{page.removesuffix(solutions.SUFFIX)}.ipynb"
    inside = "lab/tree/" + notebook
    found = [("Binder", f"https://mybinder.org/v2/{_binder(repository)}/{quote(branch, safe='')}?{urlencode({'urlpath': inside})}")]
    if repository.startswith("https://github.com/"):
        found.insert(0, ("Colab", f"https://colab.research.google.com/github/{_project(repository)}/blob/{branch}/{notebook}"))
    if chosen["jupyterhub"]:
        folder = repository.rsplit("/", 1)[-1]
        pull = {"repo": repository, "branch": branch, "urlpath": f"lab/tree/{folder}/{notebook}"}
        found.append(("JupyterLab", f"{chosen['jupyterhub']}/hub/user-redirect/git-pull?{urlencode(pull)}"))
    return found


def _project(repository: str) -> str:
    return "/".join(repository.split("/")[3:])


def _binder(repository: str) -> str:
    if repository.startswith("https://github.com/"):
        return "gh/" + _project(repository)
    return "git/" + quote(repository, safe="")
