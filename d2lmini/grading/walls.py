"""The walls between a student's code and the teacher's machine: what is asked, which ones stand, and what that means in words."""

from dataclasses import dataclass

from d2lmini.i18n import Text

LAYERS = {
    "memory": Text("mémoire limitée", "a memory limit"),
    "limits": Text("temps, processus et fichiers limités", "limits on time, processes and files"),
    "user": Text("un autre utilisateur", "another user"),
    "network": Text("un réseau vide", "an empty network"),
    "pids": Text("des processus à part", "processes of its own"),
    "landlock": Text("Landlock", "Landlock"),
    "seccomp": Text("un filtre d'appels (seccomp)", "a filter of calls (seccomp)"),
}
DANGERS = {  # what a student's code could do, and the walls of which one is enough (those joined by & stand only together)
    Text("remplir la mémoire", "fill the memory"): "memory",
    Text("utiliser le réseau", "use the network"): "network seccomp",
    Text("changer vos fichiers", "change your files"): "landlock&seccomp user",
    Text("arrêter vos programmes", "stop your programs"): "pids user seccomp scope",
    Text("laisser des processus derrière lui", "leave processes behind"): "pids user seccomp scope orphans",
}
FIRST_PRIVATE_UID = 1_900_000_000  # far above any account: such a user owns nothing and runs nothing else


@dataclass
class Walls:
    """What this system offers, found out once by the zygote and then used for each job."""

    layers: set[str]
    rules: int = -1  # Landlock's, as a file descriptor
    uid: int = 0  # the student's user, 0 for the same as the teacher's
    reads_all: bool = False  # Python is installed where that user may not look: only Landlock tells what is read
    tasks: int = 0  # what this user already runs


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the teacher asks for."""

    memory: int  # MB beyond what is in use before a student's code starts
    seconds: float
    folder: str  # working folders are made in it
    hidden: tuple[str, ...] = ()  # not even read
    without: tuple[str, ...] = ()  # layers left out, so that tests can see what the others are worth


def told(layers: set[str]) -> Text:
    """One line for the teacher: the walls that stand, those that this system lacks, and what that allows."""

    def listed(names: list[Text]) -> Text:
        return Text(*(", ".join(getattr(name, language) for name in names) for language in ("fr", "en")))

    line = Text("Le code des étudiants tourne à part : {there}.", "Students' code runs apart: {there}.")
    line = line.fill(there=listed([text for name, text in LAYERS.items() if name in layers]))
    missing = [text for name, text in LAYERS.items() if name not in layers]
    if missing:
        line += Text(" Absents de ce système : {gone}.", " Not on this system: {gone}.").fill(gone=listed(missing))
    dangers = [danger for danger, walls in DANGERS.items() if not stands(walls, layers)]
    if dangers:
        warning = Text(" Il pourrait donc {what} : corrigez dans un conteneur.", " So it could {what}: grade inside a container.")
        line += warning.fill(what=listed(dangers))
    return line


def stands(walls: str, layers: set[str]) -> bool:
    """Whether one of these walls stands.

    >>> stands("landlock&seccomp user", {"landlock"}), stands("landlock&seccomp user", {"user"})
    (False, True)
    """
    return any(set(together.split("&")) <= layers for together in walls.split())
