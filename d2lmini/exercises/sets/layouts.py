"""Exercises on rows of tokens: several texts packed in one, and a text rearranged so that a decoder can fill its hole."""

import random
from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise
from d2lmini.i18n import Text
from d2lmini.objectives import IGNORE
from d2lmini.trial import Case

# --- several texts in one row -------------------------------------------------------------------------------


def _packed_cases(seed: int) -> list[Case]:
    dice = random.Random(seed)

    def case(fr: str, en: str, start: int, pad: int, *rows: str) -> Case:
        """In a row, `<` starts a text, a dot is a word, `>` ends a text and `_` is padding."""
        words = dice.sample([token for token in range(40) if token not in (start, pad)], 40 - 2)
        end = words.pop()
        signs = {"<": start, ">": end, "_": pad}
        tokens = [[signs[mark] if mark in signs else words.pop() for mark in row] for row in rows]
        return Case(Text(fr, en), (torch.tensor(tokens), start, pad))

    return [
        case("deux lignes, trois textes chacune", "two rows, three texts each", 1, 0, "<...><.><..>", "<.><..>_____"),
        case("une ligne pleine", "a full row", 5, 0, "<..><....>"),
        case("le remplissage porte le numéro 7", "padding numbered 7", 0, 7, "<..><.>____", "<......>___", "<><...>____"),
        case("un seul texte par ligne", "a single text in each row", 3, 2, "<...>_", "<....>"),
    ]


@exercise(
    title=Text("Retrouver les textes dans la ligne", "Find the texts in the row"),
    skill=Text(
        "préparer une ligne de plusieurs textes : numéros, positions, cibles", "prepare a row of several texts: numbers, positions, targets"
    ),
    level=2,
    minutes=20,
    points=5,
    cases=_packed_cases,
    mistakes={
        "across": Text(
            "Le dernier jeton d'un texte doit deviner le premier du suivant : rien ne les relie, cette cible est à ignorer.",
            "The last token of a text has to guess the first of the next one: nothing ties them, this target is to be ignored.",
        ),
        "padding_guessed": Text(
            "Du remplissage est à deviner : ces cibles sont à ignorer.", "Padding is to be guessed: these targets are to be ignored."
        ),
        "no_shift": Text(
            "Chaque jeton se devine lui-même : la cible d'une place est le jeton de la place suivante.",
            "Each token guesses itself: the target of a place is the token of the next place.",
        ),
        "wrong_way": Text(
            "Vous décalez dans le mauvais sens : un jeton devine celui qui le précède, qu'il a déjà vu.",
            "You shift the wrong way: a token guesses the one before it, which it has already seen.",
        ),
        "end_lost": Text(
            "Le signe de fin n'est jamais deviné : le modèle n'apprendra pas à s'arrêter.",
            "The end sign is never guessed: the model will not learn to stop.",
        ),
        "start_ignored": Text(
            "Les signes de début n'ont pas de cible : ce sont eux qui devinent le premier mot de chaque texte.",
            "The start signs have no target: they are the ones that guess the first word of each text.",
        ),
        "pad_target": Text(
            "Les cibles à ignorer portent le numéro du remplissage : il faut −100.",
            "The targets to ignore carry the number of the padding: −100 is needed.",
        ),
        "whole_row": Text(
            "Les positions courent d'un bout à l'autre de la ligne : chaque texte recommence à 0.",
            "The positions run from one end of the row to the other: each text starts again at 0.",
        ),
        "from_one": Text(
            "Vos positions partent de 1 : le signe de début est à la position 0.",
            "Your positions start from 1: the start sign is at position 0.",
        ),
        "from_the_word": Text(
            "Le premier mot est à la position 0, comme son signe de début : le signe compte pour une place.",
            "The first word is at position 0, like its start sign: the sign counts for a place.",
        ),
        "padding_goes_on": Text(
            "Les positions du remplissage continuent celles du dernier texte : il faut 0.",
            "The positions of the padding go on from those of the last text: they should be 0.",
        ),
        "segment_from_one": Text(
            "Le premier texte d'une ligne porte le numéro 1 : comptez à partir de 0.",
            "The first text of a row is number 1: count from 0.",
        ),
        "whole_batch": Text(
            "La numérotation continue d'une ligne à l'autre : chaque ligne recommence à 0.",
            "The numbering goes on from one row to the next: each row starts again at 0.",
        ),
        "down": Text(
            "Vous comptez les signes de début de haut en bas : le texte avance le long de la ligne, sur l'axe 1.",
            "You count the start signs downwards: the text goes along the row, on axis 1.",
        ),
        "padding_last": Text(
            "Le remplissage porte le numéro du dernier texte : il n'appartient à aucun, il lui faut −1.",
            "The padding carries the number of the last text: it belongs to none, it needs −1.",
        ),
        "padding_first": Text(
            "Le remplissage porte le numéro 0, celui du premier texte : il n'appartient à aucun, il lui faut −1.",
            "The padding carries number 0, that of the first text: it belongs to none, it needs −1.",
        ),
        "padding_nowhere": Text(
            "Les positions du remplissage valent −1 : il faut 0, une table de positions n'a pas de ligne −1.",
            "The positions of the padding are −1: they should be 0, a table of positions has no row −1.",
        ),
        "late": Text(
            "Un texte commence une place trop tard : son signe de début lui appartient.",
            "A text begins one place too late: its start sign belongs to it.",
        ),
        "zero": Text(
            "Vous comparez à 0 : le numéro du remplissage est `pad`, et 0 peut être un vrai jeton.",
            "You compare with 0: the number of the padding is `pad`, and 0 may be a real token.",
        ),
        "exchanged": Text(
            "Les tableaux sont dans un autre ordre : numéros des textes, positions, cibles.",
            "The tables come in another order: numbers of the texts, positions, targets.",
        ),
    },
    hints=(
        Text(
            "Écrivez une ligne de deux textes courts et d'un remplissage. Sous chaque jeton, écrivez les trois nombres demandés.",
            "Write a row of two short texts and some padding. Under each token, write the three numbers asked for.",
        ),
        Text(
            "`cumsum(dim=1)` compte les signes de début rencontrés jusqu'à chaque place.",
            "`cumsum(dim=1)` counts the start signs met up to each place.",
        ),
        Text(
            "La position est la place dans la ligne moins celle du dernier signe de début ; `cummax(dim=1).values` retient la plus grande place vue.",
            "The position is the place in the row minus that of the last start sign; `cummax(dim=1).values` keeps the largest place seen.",
        ),
        Text(
            "Une cible est à ignorer si le jeton suivant est un signe de début ou du remplissage, ou s'il n'y en a pas.",
            "A target is to be ignored if the next token is a start sign or padding, or if there is none.",
        ),
    ),
)
def packed_layout(tokens: Tensor, start: int, pad: int, *, bugs: Bugs = NONE) -> list[Tensor]:
    real, starts = tokens != (0 if "zero" in bugs else pad), tokens == start
    place = torch.arange(tokens.shape[1]).expand(tokens.shape)
    segment = starts.cumsum(0 if "down" in bugs else 1) - int("segment_from_one" not in bugs)
    if "whole_batch" in bugs:
        segment = starts.flatten().cumsum(0).view(tokens.shape) - 1
    if "late" in bugs:
        segment = (segment - starts.long()).clamp(min=0)
    position = place - torch.where(starts, place, 0).cummax(1).values
    if bugs & {"whole_row", "from_one"}:
        position = place if "whole_row" in bugs else position + 1
    elif "from_the_word" in bugs:
        position = (position - 1).clamp(min=0)
    tables = [
        segment if "padding_last" in bugs else segment.where(real, 0 if "padding_first" in bugs else -1),
        position if "padding_goes_on" in bugs else position.where(real, -1 if "padding_nowhere" in bugs else 0),
        _next_tokens(tokens, start, pad, real, bugs),
    ]
    return [tables[1], tables[0], tables[2]] if "exchanged" in bugs else tables


def _next_tokens(tokens: Tensor, start: int, pad: int, real: Tensor, bugs: Bugs) -> Tensor:
    """The target of each place."""
    following = torch.cat([tokens[:, 1:], torch.full((len(tokens), 1), pad)], 1)
    goes_on = torch.cat([real[:, 1:], torch.zeros(len(tokens), 1, dtype=torch.bool)], 1)
    if "no_shift" in bugs:
        return tokens.where(real, IGNORE)
    if "wrong_way" in bugs:
        before = torch.cat([torch.full((len(tokens), 1), start), tokens[:, :-1]], 1)
        return before.where(real & (tokens != start), IGNORE)
    opens = following == start
    kept = torch.ones_like(real) if "padding_guessed" in bugs else goes_on
    kept = kept if "across" in bugs else kept & ~opens
    if "padding_guessed" in bugs:
        kept[:, -1] = False
    if "end_lost" in bugs:
        last = ~(goes_on & ~opens)
        kept = kept & ~torch.cat([last[:, 1:], last[:, :1]], 1)
    if "start_ignored" in bugs:
        kept = kept & (tokens != start)
    return following.where(kept, pad if "pad_target" in bugs else IGNORE)


# --- the middle comes last ----------------------------------------------------------------------------------


def _hole_cases(seed: int) -> list[Case]:
    dice = random.Random(seed)

    def case(fr: str, en: str, signs: tuple[int, int, int, int], *texts: tuple[int, int, int]) -> Case:
        """Texts of a length, whose words from `i` to before `j` are missing."""
        words = [token for token in range(50) if token not in signs]
        return Case(Text(fr, en), ([dice.sample(words, n) for n, _, _ in texts], [(i, j) for _, i, j in texts], *signs))

    return [
        case("trois textes", "three texts", (1, 2, 3, 0), (6, 2, 3), (5, 1, 3), (3, 1, 2)),
        case("le début manque, ou la fin", "the beginning is missing, or the end", (4, 5, 6, 9), (5, 0, 2), (7, 5, 7)),
        case("tout manque", "all is missing", (1, 2, 3, 0), (3, 0, 3), (4, 1, 2)),
        case("un seul texte, d'autres signes", "a single text, other signs", (48, 49, 0, 20), (8, 3, 6)),
    ]


@exercise(
    title=Text("Le milieu à la fin", "The middle comes last"),
    skill=Text("réarranger un texte troué pour un décodeur à préfixe", "rearrange a text with a hole for a decoder with a prefix"),
    level=3,
    minutes=30,
    points=6,
    cases=_hole_cases,
    mistakes={
        "no_hole": Text(
            "Rien ne marque le trou : le modèle ne saurait pas où placer ce qu'il écrit.",
            "Nothing marks the hole: the model could not tell where what it writes belongs.",
        ),
        "middle_kept": Text(
            "Les mots manquants sont encore dans le préfixe : le modèle n'a qu'à les recopier.",
            "The missing words are still in the prefix: the model only has to copy them.",
        ),
        "inclusive": Text(
            "Le trou prend un mot de trop : il s'arrête avant le mot numéro j.",
            "The hole takes one word too many: it stops before word number j.",
        ),
        "right_first": Text(
            "Le préfixe commence par ce qui suit le trou : l'ordre du texte est demandé.",
            "The prefix begins with what follows the hole: the order of the text is asked for.",
        ),
        "end_read": Text(
            "Le modèle lit le signe de fin : rien n'est à deviner après lui, la ligne s'arrête au dernier mot manquant.",
            "The model reads the end sign: nothing is to be guessed after it, the row stops at the last missing word.",
        ),
        "no_shift": Text(
            "Chaque mot manquant se devine lui-même : la cible d'une place est le jeton suivant. Le premier mot se devine au séparateur.",
            "Each missing word guesses itself: the target of a place is the next token. The first word is guessed at the separator.",
        ),
        "end_lost": Text(
            "Le signe de fin n'est pas deviné : le modèle n'apprendra pas combien de mots manquent.",
            "The end sign is not guessed: the model will not learn how many words are missing.",
        ),
        "first_lost": Text(
            "Le premier mot manquant n'est pas deviné : le séparateur, dernier du préfixe, a une cible.",
            "The first missing word is not guessed: the separator, last of the prefix, has a target.",
        ),
        "prefix_guessed": Text(
            "Le préfixe est deviné aussi : ses jetons se voient tous, la perte y tomberait à 0 sans rien apprendre. Ces cibles sont à ignorer.",
            "The prefix is guessed too: its tokens all see one another, so the loss would fall to 0 there with nothing learned. Ignore these targets.",
        ),
        "pad_target": Text(
            "Les cibles à ignorer portent le numéro du remplissage : il faut −100.",
            "The targets to ignore carry the number of the padding: −100 is needed.",
        ),
        "causal": Text(
            "Votre masque est causal partout : les jetons du préfixe doivent se voir tous, y compris vers la droite.",
            "Your mask is causal everywhere: the tokens of the prefix must all see one another, to the right as well.",
        ),
        "full": Text(
            "Votre masque ouvre tout le texte : les mots manquants verraient ceux qu'ils doivent deviner.",
            "Your mask opens the whole text: the missing words would see those that they must guess.",
        ),
        "separator_out": Text(
            "Le séparateur fait partie du préfixe : tous le voient.", "The separator is part of the prefix: every token sees it."
        ),
        "one_more": Text(
            "Le préfixe compte un jeton de trop : le premier mot manquant est vu de partout, même de la place qui doit le deviner.",
            "The prefix holds one token too many: the first missing word is seen from everywhere, even from the place that must guess it.",
        ),
        "apart": Text(
            "Les mots manquants ne voient plus le préfixe : il est vu de partout.",
            "The missing words no longer see the prefix: it is seen from everywhere.",
        ),
        "padding_seen": Text("Du remplissage est ouvert : personne ne le regarde.", "Some padding is open: nobody looks at it."),
        "padding_blind": Text(
            "Vous fermez aussi les lignes du remplissage : ces requêtes deviennent aveugles. Fermez seulement ses colonnes.",
            "You close the rows of the padding too: these queries go blind. Close its columns only.",
        ),
        "first_prefix": Text(
            "Tous vos préfixes ont la longueur du premier : chaque texte a le sien.",
            "All your prefixes are as long as the first: each text has its own.",
        ),
        "inverted": Text("Le masque est inversé : True ouvre une place.", "The mask is inverted: True opens a place."),
        "transposed": Text(
            "Les axes du masque sont échangés : une ligne est une requête, une colonne une clé.",
            "The axes of the mask are swapped: a row is a query, a column a key.",
        ),
    },
    hints=(
        Text(
            "Écrivez à la main la ligne d'un texte de quatre mots dont le deuxième manque, puis ses cibles dessous.",
            "Write by hand the row of a text of four words whose second is missing, then its targets underneath.",
        ),
        Text(
            "Un texte de n mots donne toujours une ligne de n + 2 jetons, où que soit le trou. Pourquoi ?",
            "A text of n words always gives a row of n + 2 tokens, wherever the hole is. Why?",
        ),
        Text(
            "Partez de tableaux pleins de `pad` et de −100, et écrivez chaque texte dans sa ligne.",
            "Start from tables full of `pad` and −100, and write each text into its row.",
        ),
        Text(
            "Le masque part du triangle causal ; pour chaque texte, ouvrez les colonnes du préfixe et fermez celles du remplissage.",
            "The mask starts from the causal triangle; for each text, open the columns of the prefix and close those of the padding.",
        ),
    ),
)
def middle_last(texts: list[list[int]], holes: list[tuple[int, int]], hole: int, sep: int, end: int, pad: int, *, bugs: Bugs = NONE) -> Any:
    rows = [_row(text, i, j + ("inclusive" in bugs), (hole, sep, end), bugs) for text, (i, j) in zip(texts, holes, strict=True)]
    T = max(len(inputs) for inputs, _, _ in rows)
    empty = pad if "pad_target" in bugs else IGNORE
    inputs = torch.tensor([row + [pad] * (T - len(row)) for row, _, _ in rows])
    targets = torch.tensor([[empty if x == IGNORE else x for x in row] + [empty] * (T - len(row)) for _, row, _ in rows])
    n_prefix = torch.tensor([n + 1 if "one_more" in bugs else n - ("separator_out" in bugs) for _, _, n in rows])[:, None, None]
    if "first_prefix" in bugs:
        n_prefix = n_prefix[:1].expand_as(n_prefix)
    return inputs, targets, _prefix_mask(n_prefix, torch.tensor([[len(row)] for row, _, _ in rows])[..., None], T, bugs)


def _row(text: list[int], i: int, j: int, signs: tuple[int, int, int], bugs: Bugs) -> tuple[list[int], list[int], int]:
    """What is read, what is guessed, and the length of the prefix."""
    hole, sep, end = signs
    mark = [] if "no_hole" in bugs else [hole]
    left, middle, right = text[:i], text[i:j], text[j:]
    if "middle_kept" in bugs:
        mark = mark + middle
    prefix = [*right, *mark, *left, sep] if "right_first" in bugs else [*left, *mark, *right, sep]
    n, whole = len(prefix), [*prefix, *middle, end]
    inputs, targets = whole[:-1], [IGNORE] * (n - 1) + whole[n:]
    if "end_read" in bugs:
        inputs, targets = whole, [*targets, IGNORE]
    if "no_shift" in bugs:
        targets = [IGNORE] * n + middle
    elif "end_lost" in bugs:
        targets[n - 1 + len(middle)] = IGNORE
    elif "first_lost" in bugs:
        targets[n - 1] = IGNORE
    elif "prefix_guessed" in bugs:
        targets = whole[1:] + targets[len(whole) - 1 :]
    return inputs, targets, n


def _prefix_mask(n_prefix: Tensor, length: Tensor, T: int, bugs: Bugs) -> Tensor:
    i, j = torch.arange(T)[:, None], torch.arange(T)
    past, prefix, real = j <= i, j < n_prefix, j < length  # (T, T), then (B, 1, T) twice
    mask = past | prefix
    if bugs & {"causal", "full"}:
        mask = (past if "causal" in bugs else torch.ones_like(past)).expand(len(length), T, T)
    if "apart" in bugs:
        mask = torch.where(i < n_prefix, prefix, past & ~prefix)
    mask = mask if "padding_seen" in bugs else mask & real
    if "padding_blind" in bugs:
        mask = mask & (i < length)
    if bugs & {"inverted", "transposed"}:
        return ~mask if "inverted" in bugs else mask.mT
    return mask
