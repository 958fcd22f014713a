"""The quotations of Littré's dictionary: French literature with its authors."""

from typing import NamedTuple

from d2lmini.data.download import fetch
from d2lmini.data.extract import table


class Quotation(NamedTuple):
    """A sentence or a verse, who wrote it and where, as the dictionary abbreviates them: `RAC.`, `Phèdre, I, 3`."""

    text: str
    author: str
    work: str


def quotations() -> list[Quotation]:
    """Every quotation once, in the order of the dictionary; an author is empty where none is named.

    Some are in Old French: choose by `author` (`MOL.`, `RAC.`, `VOLT.`…). Raises `NotFetched` on a system without apt-get.
    """
    _, *rows = table(fetch("littre"))
    return [Quotation(text, author, work) for author, work, text in rows]
