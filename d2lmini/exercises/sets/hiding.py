"""Exercises on masking: a fixed number of tokens a text, and whole words within a budget."""

from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise
from d2lmini.i18n import Text
from d2lmini.trial import Case

SIGNS = ("[CLS]", "[SEP]", "[PAD]")
ROUNDED = Text(
    "Il y a parfois un jeton de trop : 15 % s'arrondit ici vers le bas.",
    "There is sometimes one token too many: 15% is rounded down here.",
)
SAME_DICE = Text(
    "Tous les jetons choisis sont masqués : huit dixièmes seulement doivent l'être. Et c'est `fates` qui en décide ; `dice` a déjà servi.",
    "All the chosen tokens are masked: only eight tenths of them must be. And `fates` decides it; `dice` has been used already.",
)

# --- a fixed number of tokens -------------------------------------------------------------------------------


def _hide_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, lengths: tuple[int, ...], special: tuple[int, int, int] = (0, 1, 2), mask_id: int = 3) -> Case:
        """Texts [CLS] … [SEP], padded; when there are many tokens, each fate falls on some."""
        pad, cls, sep = special
        B, T = len(lengths), max(lengths) + 2
        letters = torch.tensor([i for i in range(31) if i not in (*special, mask_id)])
        tokens, draws = letters[torch.randint(len(letters), (2, B, T), generator=generator)]
        for row, n in zip(tokens, lengths, strict=True):
            row[0], row[n + 1], row[n + 2 :] = cls, sep, pad
        dice, fates = torch.rand((2, B, T), generator=generator)
        return Case(Text(fr, en), (tokens, list(special), mask_id, dice, fates, draws))

    return [
        case("trois textes de longueurs différentes", "three texts of different lengths", (20, 13, 17)),
        case("des textes très courts", "very short texts", (1, 6, 4, 3)),
        case("d'autres numéros de signes", "other numbers for the signs", (27, 33), (17, 0, 30), 11),
        case("un texte qui n'a aucun mot", "a text without a word", (9, 0, 14)),
        case("un grand lot", "a large batch", (67, 47, 61, 53, 59, 40, 31, 67, 43, 37, 61)),
    ]


@exercise(
    title=Text("Cacher 15 % de chaque texte", "Hide 15% of each text"),
    skill=Text(
        "choisir, cacher, remplacer ou laisser, et noter ce qu'il faut retrouver",
        "choose, hide, replace or leave, and write down what is to be found",
    ),
    level=2,
    minutes=25,
    points=5,
    cases=_hide_cases,
    mistakes={
        "specials": Text(
            "Vous choisissez aussi des signes : ceux de `special` ne se cachent pas, et ne comptent pas parmi les mots.",
            "You choose signs too: those of `special` are not hidden, and do not count as words.",
        ),
        "counted_specials": Text(
            "Vous prenez 15 % de toute la longueur, signes et remplissage compris : seuls les mots comptent.",
            "You take 15% of the whole length, signs and padding included: only the words count.",
        ),
        "whole_batch": Text(
            "Vous comparez les dés de tout le lot : chaque texte a son propre nombre de jetons choisis.",
            "You compare the dice of the whole batch: each text has its own number of chosen tokens.",
        ),
        "by_chance": Text(
            "Chaque jeton est choisi si son dé est sous 0,15, comme dans le chapitre : ici, le nombre de jetons choisis est fixé d'avance.",
            "Each token is chosen if its die is below 0.15, as in the chapter: here the number of chosen tokens is set in advance.",
        ),
        "no_minimum": Text(
            "Un texte court n'a rien à retrouver : tout texte qui a un mot doit en avoir au moins un de choisi.",
            "A short text has nothing to find: any text that has a word must have at least one chosen.",
        ),
        "forced": Text(
            "Un texte sans mot perd un signe : le minimum d'un jeton ne vaut que s'il y a un mot à choisir.",
            "A text without a word loses a sign: the minimum of one token holds only if there is a word to choose.",
        ),
        "rounded": ROUNDED,
        "rounded_up": ROUNDED,
        "highest": Text("Vous choisissez les plus grands dés : il faut les plus petits.", "You choose the highest dice: take the lowest."),
        "order_for_rank": Text(
            "Vous prenez l'ordre pour le rang : `argsort` dit quelle place vient au premier rang, au deuxième, et non à quel rang vient chaque place. Deux `argsort` de suite donnent le rang.",
            "You take the order for the rank: `argsort` tells which place comes at the first rank, at the second, not the rank at which each place comes. Two `argsort` in a row give the rank.",
        ),
        "always_masked": SAME_DICE,
        "overwritten": Text(
            "Vos remplacements écrasent les masques : un jeton est remplacé si son sort est entre 0,8 et 0,9, et pas seulement sous 0,9.",
            "Your replacements overwrite the masks: a token is replaced if its fate lies between 0.8 and 0.9, not just below 0.9.",
        ),
        "overlapping": Text(
            "Vos remplacements prennent leur dixième sur les masques, et il reste deux dixièmes de jetons intacts : les trois parts doivent se suivre.",
            "Your replacements take their tenth from the masks, and two tenths of the tokens stay as they are: the three shares must follow one another.",
        ),
        "never_kept": Text(
            "Aucun jeton choisi ne reste tel quel : au-dessus de 0,9, le modèle lit le vrai mot.",
            "No chosen token stays as it is: above 0.9 the model reads the true word.",
        ),
        "never_drawn": Text(
            "Aucun jeton n'est remplacé par celui de `draws` : c'est le sort de ceux qui tombent entre 0,8 et 0,9.",
            "No token is replaced by that of `draws`: such is the fate of those that fall between 0.8 and 0.9.",
        ),
        "only_changed": Text(
            "Vous ne faites retrouver que les jetons changés : un jeton choisi puis laissé intact est à retrouver aussi, sans quoi, interrogé sur un mot visible, le modèle saurait que ce mot est faux.",
            "You ask only for the tokens that changed: a token chosen and then left alone is to be found too, or the model, when asked about a visible word, would know that it is wrong.",
        ),
        "targets_read": Text(
            "Les cibles sont prises dans ce que le modèle lit : il faut les jetons d'avant les masques.",
            "The targets are taken from what the model reads: use the tokens from before the masks.",
        ),
        "everywhere": Text(
            "Toutes les places sont à retrouver : hors des places choisies, la cible est −100.",
            "All the places are to be found: outside the chosen ones the target is −100.",
        ),
        "zeros": Text(
            "Hors des places choisies, vous mettez 0, qui est le numéro d'un jeton : il faut −100.",
            "Outside the chosen places you put 0, which is the number of a token: it takes −100.",
        ),
        "inverted": Text(
            "Les cibles sont à l'envers : −100 va aux places qui ne sont pas choisies.",
            "The targets are the wrong way round: −100 goes to the places that are not chosen.",
        ),
        "exchanged": Text(
            "Vous rendez les cibles avant ce que le modèle lit : l'ordre est l'inverse.",
            "You return the targets before what the model reads: the order is the other way.",
        ),
    },
    hints=(
        Text(
            "Trois étapes : où sont les mots, lesquels sont choisis, ce que devient chacun. La deuxième seule est difficile.",
            "Three steps: where the words are, which are chosen, what becomes of each. Only the second is hard.",
        ),
        Text(
            "Donnez aux signes un dé plus grand que tous les autres. Le rang d'un dé dans son texte est `dice.argsort(1).argsort(1)`.",
            "Give the signs a die higher than all the others. The rank of a die in its text is `dice.argsort(1).argsort(1)`.",
        ),
        Text(
            "`torch.isin` trouve les signes. Les cibles se prennent dans `tokens`, avant tout changement, et `torch.where` choisit place par place.",
            "`torch.isin` finds the signs. The targets are taken from `tokens`, before any change, and `torch.where` chooses place by place.",
        ),
    ),
)
def hide_tokens(
    tokens: Tensor, special: list[int], mask_id: int, dice: Tensor, fates: Tensor, draws: Tensor, *, bugs: Bugs = NONE
) -> tuple[Tensor, Tensor]:
    chosen = _chosen(~torch.isin(tokens, torch.tensor(special)), dice, bugs)
    low, high = (0.0, 0.1) if "overlapping" in bugs else (0.0, 0.9) if "overwritten" in bugs else (0.8, 0.9)
    masked, drawn = chosen & (fates < 0.8), chosen & (fates >= low) & (fates < high)
    if "always_masked" in bugs:
        masked, drawn = chosen, chosen & False
    if "never_kept" in bugs:
        drawn = chosen & ~masked
    elif "never_drawn" in bugs:
        drawn = chosen & False
    inputs = torch.where(drawn, draws, tokens.masked_fill(masked, mask_id))
    out = inputs == tokens if "only_changed" in bugs else chosen & False if "everywhere" in bugs else ~chosen
    out = ~out if "inverted" in bugs else out
    targets = (inputs if "targets_read" in bugs else tokens).masked_fill(out, 0 if "zeros" in bugs else -100)
    return (targets, inputs) if "exchanged" in bugs else (inputs, targets)


def _chosen(ordinary: Tensor, dice: Tensor, bugs: Bugs) -> Tensor:
    """The places to find: in each text, those of the lowest dice."""
    if "by_chance" in bugs:
        return ordinary & (dice < 0.15)
    if "specials" in bugs:
        ordinary = torch.ones_like(ordinary)
    counted = torch.ones_like(ordinary) if "counted_specials" in bugs else ordinary
    dice = (-dice if "highest" in bugs else dice).masked_fill(~ordinary, 2.0)
    if "whole_batch" in bugs:
        rank = dice.flatten().argsort().argsort().view(dice.shape)
        return ordinary & (rank < counted.sum() * 15 // 100)
    extra = 50 if "rounded" in bugs else 99 if "rounded_up" in bugs else 0
    n = (counted.sum(1, keepdim=True) * 15 + extra) // 100
    n = n if "no_minimum" in bugs else n.clamp(min=1)
    order = dice.argsort(1)
    chosen = (order if "order_for_rank" in bugs else order.argsort(1)) < n
    return chosen if "forced" in bugs else chosen & ordinary


# --- whole words within a budget ----------------------------------------------------------------------------

GARDEN = "[CLS] le jar ##din ##ier ar ##rose les to ##mates du vo ##isin [SEP]".split()
PAIR = "[CLS] il ne ##ige [SEP] nous res ##tons au ch ##aud [SEP] [PAD] [PAD] [PAD]".split()
LONG = "[CLS] anti ##con ##sti ##tu ##tion ##nel est long [SEP]".split()


def _word_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, pieces: list[str], budget: int, order: tuple[int, ...]) -> Case:
        """`order` tells at which rank the die of each piece comes."""
        dice = (torch.tensor(order) + 0.8 * torch.rand(len(pieces), generator=generator)) / (max(order) + 1)
        return Case(Text(fr, en), (pieces, dice.tolist(), budget))

    return [
        case("un mot de trop au bord du budget", "a word too many at the edge of the budget", GARDEN, 4,
             (13, 8, 3, 12, 1, 9, 2, 6, 0, 11, 5, 7, 10, 14)),
        case("un mot qui remplit le budget", "a word that fills the budget", GARDEN, 3, (0, 9, 2, 7, 12, 10, 3, 8, 11, 4, 6, 13, 5, 1)),
        case("deux phrases et du remplissage", "two sentences and padding", PAIR, 5, (6, 3, 9, 4, 2, 12, 7, 1, 8, 5, 13, 14, 0, 10, 11)),
        case("un mot plus long que le budget", "a word longer than the budget", LONG, 2, (5, 0, 8, 2, 1, 7, 9, 4, 3, 6)),
        case("aucun budget", "no budget", PAIR, 0, tuple(range(15))),
    ]  # fmt: skip


@exercise(
    title=Text("Réparer des masques de mots entiers", "Repair whole-word masks"),
    skill=Text("cacher des mots entiers sans dépasser un budget de jetons", "hide whole words without going over a budget of tokens"),
    level=2,
    minutes=20,
    points=4,
    cases=_word_cases,
    mistakes={
        "specials": Text(
            "Vous cachez des signes : `[CLS]`, `[SEP]` et `[PAD]` ne sont pas des mots.",
            "You hide signs: `[CLS]`, `[SEP]` and `[PAD]` are not words.",
        ),
        "padding": Text(
            "Vous cachez du remplissage : `[PAD]` n'est pas un mot non plus.", "You hide padding: `[PAD]` is not a word either."
        ),
        "overrun": Text(
            "Vous dépassez le budget : un mot qui n'y tient pas en entier n'est pas caché.",
            "You go over the budget: a word that does not fit whole is not hidden.",
        ),
        "stops": Text(
            "Vous arrêtez au premier mot trop long : il faut le sauter, un mot plus court peut encore tenir.",
            "You stop at the first word that is too long: skip it, for a shorter one may still fit.",
        ),
        "strict": Text(
            "Vous refusez un mot qui remplit juste le budget : il a le droit d'être atteint.",
            "You refuse a word that just fills the budget: it may be reached.",
        ),
        "counts_words": Text(
            "Votre budget compte des mots : il compte des jetons.", "Your budget counts words: it is a number of tokens."
        ),
        "pieces_alone": Text(
            "Vous cachez des morceaux isolés : un morceau qui commence par ## partage le sort de son mot.",
            "You hide pieces on their own: a piece that starts with ## shares the fate of its word.",
        ),
        "first_piece": Text(
            "Vous ne cachez que le premier morceau de chaque mot : les autres le trahissent.",
            "You hide only the first piece of each word: the others give it away.",
        ),
        "one_mask": Text(
            "Un mot caché devient un seul `[MASK]` : chaque morceau garde sa place et reçoit le sien.",
            "A hidden word becomes a single `[MASK]`: each piece keeps its place and gets its own.",
        ),
        "marked": Text(
            "Vos masques gardent le ## : le jeton est `[MASK]`, quel que soit le morceau qu'il cache.",
            "Your masks keep the ##: the token is `[MASK]`, whatever piece it hides.",
        ),
        "unsorted": Text(
            "Les places sont dans l'ordre des dés : rendez-les dans celui du texte.",
            "The places are in the order of the dice: return them in that of the text.",
        ),
        "highest": Text("Vous commencez par les plus grands dés.", "You start with the highest dice."),
        "last_piece": Text(
            "Vous prenez le dé du dernier morceau : celui du premier vaut pour tout le mot.",
            "You take the die of the last piece: that of the first holds for the whole word.",
        ),
        "lowest_piece": Text(
            "Vous prenez le plus petit dé du mot, ce qui favorise les mots longs : celui du premier morceau vaut pour tout le mot.",
            "You take the lowest die of the word, which favors long words: that of the first piece holds for the whole word.",
        ),
        "text_order": Text(
            "Vous prenez les mots dans l'ordre du texte : les dés ne servent pas.", "You take the words in the order of the text: the dice are not used."
        ),
    },
    hints=(
        Text(
            "Il y a trois fautes. Comptez les masques de l'exemple, regardez où ils tombent, puis affichez une seconde fois la phrase de départ.",
            "There are three faults. Count the masks of the example, look where they fall, then print the original sentence once more.",
        ),
        Text(
            "Avant d'ajouter un mot, demandez-vous ce que serait le total avec lui.",
            "Before you add a word, ask what the total would be with it.",
        ),
        Text(
            "`list(pieces)` fait une copie. Un mot trop long ne doit pas arrêter la boucle.",
            "`list(pieces)` makes a copy. A word that is too long must not stop the loop.",
        ),
    ),
)  # fmt: skip
def hidden_words(pieces: list[str], dice: list[float], budget: int, *, bugs: Bugs = NONE) -> Any:
    signs = () if "specials" in bugs else SIGNS[:2] if "padding" in bugs else SIGNS
    words: list[list[int]] = []
    for place, piece in enumerate(pieces):
        if piece.startswith("##") and "pieces_alone" not in bugs:
            words[-1].append(place)
        elif piece not in signs:
            words.append([place])
    hidden = _within(_ordered(words, dice, bugs), budget, bugs)
    places = [place for word in hidden for place in (word[:1] if "first_piece" in bugs else word)]
    inputs = ["[MASK]" if place in places else piece for place, piece in enumerate(pieces)]
    if "marked" in bugs:
        inputs = ["##[MASK]" if new != piece and piece.startswith("##") else new for new, piece in zip(inputs, pieces, strict=True)]
    if "one_mask" in bugs:
        later = {place for word in hidden for place in word[1:]}
        inputs = [piece for place, piece in enumerate(inputs) if place not in later]
    return inputs, places if "unsorted" in bugs else sorted(places)


def _ordered(words: list[list[int]], dice: list[float], bugs: Bugs) -> list[list[int]]:
    if "text_order" in bugs:
        return words
    if "lowest_piece" in bugs:
        return sorted(words, key=lambda word: min(dice[place] for place in word))
    return sorted(words, key=lambda word: dice[word[-1 if "last_piece" in bugs else 0]], reverse="highest" in bugs)


def _within(words: list[list[int]], budget: int, bugs: Bugs) -> list[list[int]]:
    """The words that the budget lets through, in their order."""
    if "counts_words" in bugs:
        return words[:budget]
    hidden: list[list[int]] = []
    total = 0
    for word in words:
        after = total + (0 if "overrun" in bugs else len(word)) + bool(bugs & {"strict", "overrun"})
        if after <= budget:
            hidden.append(word)
            total += len(word)
        elif "stops" in bugs:
            break
    return hidden
