"""Exercises on why attention: counting parameters, convolutions, a weighted mean, one query's attention, the noun of a pronoun."""

from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
from d2lmini.exercises.sets.convolution import convolution, receptive_field
from d2lmini.exercises.sets.weighted_means import attend_one, weighted_mean
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- parameters of three layers -----------------------------------------------------------------------------


def _sizes(seed: int) -> tuple[int, int, int]:
    """A number of words, of numbers a word, and a width, small enough for pen and paper."""
    generator = torch.Generator().manual_seed(seed)
    i, j, k = torch.randint(3, (3,), generator=generator).tolist()
    return (7, 11, 13)[i], (8, 10, 20)[j], (3, 5, 9)[k]


@question(
    title=Text("Compter les paramètres de trois couches", "Count the parameters of three layers"),
    skill=Text("compter des paramètres et voir ce qui dépend de la longueur", "count parameters and see what depends on the length"),
    level=1,
    minutes=10,
    points=2,
    given=_sizes,
    mistakes={
        "no_bias": Text(
            "Les biais manquent : chaque nombre de sortie d'une table a le sien.",
            "The biases are missing: each output number of a table has its own.",
        ),
        "one_word": Text(
            "Votre couche dense ne relie que les nombres d'un seul mot : elle doit relier ceux de tout le texte.",
            "Your fully connected layer only ties the numbers of a single word: it must tie those of the whole text.",
        ),
        "no_mix": Text(
            "Votre couche dense relie chaque mot à lui seul : chaque nombre de sortie doit recevoir ceux de tous les mots.",
            "Your fully connected layer ties each word to itself alone: each output number must receive those of all the words.",
        ),
        "few_biases": Text(
            "Votre couche dense n'a de biais que pour un mot : il en faut un par nombre de sortie, pour tout le texte.",
            "Your fully connected layer has biases for one word only: it takes one for each output number, for the whole text.",
        ),
        "one_bias": Text(
            "Vous comptez un seul biais par table : il en faut un par nombre de sortie.",
            "You count a single bias for each table: it takes one for each output number.",
        ),
        "slide_per_place": Text(
            "Vous comptez les tables de la convolution une fois par mot : les mêmes glissent sur tout le texte.",
            "You count the tables of the convolution once for each word: the same ones slide along the whole text.",
        ),
        "attend_per_place": Text(
            "Vous comptez les tables de l'attention une fois par mot : les mêmes servent à tous les mots.",
            "You count the tables of attention once for each word: the same ones serve all the words.",
        ),
        "no_table": Text(
            "Votre convolution a trop peu de poids : à chaque place de la fenêtre, chaque nombre de sortie lit tous les nombres du mot.",
            "Your convolution has too few weights: at each place of the window, each output number reads all the numbers of the word.",
        ),
        "one_filter": Text(
            "C'est une convolution qui ne rend qu'un nombre par mot : il en faut d, chacun avec ses poids et son biais.",
            "This is a convolution that returns a single number a word: it takes d of them, each with its weights and its bias.",
        ),
        "bias_per_table": Text(
            "Votre convolution a un biais par table : elle additionne d'abord, puis ajoute un seul biais à chaque nombre de sortie.",
            "Your convolution has a bias for each table: it adds up first, then adds a single bias to each output number.",
        ),
        "one_table": Text(
            "L'attention a trois tables, et non une : celle des requêtes, celle des clés et celle des valeurs.",
            "Attention has three tables, not one: that of the queries, that of the keys and that of the values.",
        ),
        "shared_bias": Text(
            "Les trois tables de l'attention se partagent chez vous les mêmes biais : chacune a les siens.",
            "In your version the three tables of attention share the same biases: each has its own.",
        ),
        "one_query": Text(
            "Ce sont les poids d'attention d'un seul mot : chaque mot a les siens, autant que le texte a de mots.",
            "These are the attention weights of a single word: each word has its own, as many as the text has words.",
        ),
        "no_self": Text(
            "Vous oubliez que chaque mot se regarde aussi lui-même.",
            "You forget that each word also looks at itself.",
        ),
        "pairs": Text(
            "Vous comptez une seule fois chaque paire de mots : i regarde j avec un poids, et j regarde i avec un autre.",
            "You count each pair of words once: i looks at j with one weight, and j looks at i with another.",
        ),
        "weight_per_number": Text(
            "Un poids d'attention multiplie toute la valeur d'un mot : il n'y en a pas un par nombre.",
            "An attention weight multiplies the whole value of a word: there is not one for each number.",
        ),
    },
    hints=(
        Text(
            "Une table qui tire m nombres de n nombres a n × m poids et m biais.",
            "A table that makes m numbers out of n numbers has n × m weights and m biases.",
        ),
        Text(
            "Combien de nombres entrent dans la couche dense : ceux d'un mot, ou ceux du texte ? Et dans une table partagée ?",
            "How many numbers enter the fully connected layer: those of a word, or those of the text? And a shared table?",
        ),
        Text(
            "La longueur T n'entre ni dans la deuxième réponse ni dans la troisième ; elle seule entre dans la quatrième.",
            "The length T has no part in the second and third answers; it alone has a part in the fourth.",
        ),
    ),
)
def layer_parameters(T: int, d: int, width: int, *, bugs: Bugs = NONE) -> list[int]:
    def biases(outputs: int) -> int:
        return 0 if "no_bias" in bugs else 1 if "one_bias" in bugs else outputs

    inputs = d if "one_word" in bugs else T * d
    dense = inputs * (d if "no_mix" in bugs else inputs) + biases(d if "few_biases" in bugs else inputs)
    slide = width * d * (1 if "no_table" in bugs else d) + biases(d) * (width if "bias_per_table" in bugs else 1)
    slide = (width * d + biases(1) if "one_filter" in bugs else slide) * (T if "slide_per_place" in bugs else 1)
    attend = 3 * d * d + (1 if "shared_bias" in bugs else 3) * biases(d)
    attend = (d * d + biases(d) if "one_table" in bugs else attend) * (T if "attend_per_place" in bugs else 1)
    cells = {"one_query": T, "no_self": T * (T - 1), "pairs": T * (T + 1) // 2, "weight_per_number": T * T * d}
    return [dense, slide, attend, next((cells[bug] for bug in cells if bug in bugs), T * T)]


# --- the noun of a pronoun ----------------------------------------------------------------------------------


def _noun_cases(seed: int) -> list[Case]:
    draw = normal(seed)

    def words(*places: int, length: int) -> Tensor:
        return torch.isin(torch.arange(length), torch.tensor(places))

    def case(fr: str, en: str, length: int, pronouns: Tensor, nouns: Tensor) -> Case:
        return Case(Text(fr, en), ((2 * draw(length, length)).softmax(-1), pronouns, nouns))

    weights = draw(6, 6).softmax(-1)
    weights[2] = torch.tensor([0.5, 0.06, 0.04, 0.07, 0.3, 0.03])  # this pronoun looks at word 0, no noun, then at word 4, a noun
    weights[5] = torch.tensor([0.06, 0.5, 0.3, 0.07, 0.04, 0.03])  # this one at word 1, a noun, then at word 2
    return [
        case("un pronom, deux noms", "one pronoun, two nouns", 9, words(6, length=9), words(1, 4, length=9)),
        case("trois pronoms", "three pronouns", 13, words(3, 7, 11, length=13), words(1, 5, 9, 12, length=13)),
        case("un texte plus long", "a longer text", 17, words(2, 8, 9, 16, length=17), words(1, 4, 6, 11, 14, length=17)),
        Case(Text("un nom après le pronom", "a noun after the pronoun"), (weights, words(2, 5, length=6), words(1, 4, length=6))),
        case("aucun pronom", "no pronoun", 4, words(length=4), words(1, length=4)),
    ]


@exercise(
    title=Text("Le nom que désigne un pronom", "The noun that a pronoun stands for"),
    skill=Text("lire une table de poids d'attention", "read a table of attention weights"),
    level=2,
    minutes=15,
    points=3,
    cases=_noun_cases,
    mistakes={
        "columns": Text(
            "Vous lisez les colonnes : les poids avec lesquels le mot i regarde les autres sont dans sa ligne.",
            "You read the columns: the weights with which word i looks at the others are in its row.",
        ),
        "any_word": Text(
            "Vous prenez le plus grand poids de tout le texte : seuls les noms sont candidats.",
            "You take the largest weight of the whole text: only nouns are candidates.",
        ),
        "inverted": Text(
            "Vous écartez les noms au lieu des autres mots : dans `nouns`, True veut dire « est un nom ».",
            'You rule out the nouns instead of the other words: in `nouns`, True means "is a noun".',
        ),
        "sublist": Text(
            "Vous donnez un rang parmi les noms : il faut la place de ce nom dans le texte.",
            "You give a rank among the nouns: the place of that noun in the text is wanted.",
        ),
        "every_word": Text(
            "Vous répondez pour tous les mots : seuls les pronoms cherchent leur nom.",
            "You answer for all the words: only pronouns look for their noun.",
        ),
        "before": Text(
            "Vous ne cherchez qu'avant le pronom : le nom peut aussi venir après lui.",
            "You only search before the pronoun: the noun may also come after it.",
        ),
        "from_zero": Text(
            "Le premier mot du texte peut gagner sans être un nom : votre recherche part de lui sans vérifier.",
            "The first word of the text can win without being a noun: your search starts from it without checking.",
        ),
        "first_axis": Text(
            "Le maximum est pris sur les pronoms, pour chaque mot : prenez-le sur les mots, pour chaque pronom.",
            "The maximum is taken over the pronouns, for each word: take it over the words, for each pronoun.",
        ),
        "first_pronoun": Text(
            "Vous ne rendez que le nom du premier pronom : votre boucle s'arrête trop tôt.",
            "You only return the noun of the first pronoun: your loop stops too early.",
        ),
        "pair": Text(
            "`max` rend deux choses, les poids et leurs places : seules les places sont demandées.",
            "`max` returns two things, the weights and their places: only the places are asked for.",
        ),
        "weight": Text(
            "Vous rendez le plus grand poids : c'est sa place qu'il faut.", "You return the largest weight: its place is what is wanted."
        ),
        "flat": Text(
            "Vous rendez un seul nombre, un rang dans le tableau déroulé : il faut une place par pronom, donc un maximum par ligne.",
            "You return a single number, a rank in the flattened table: one place for each pronoun is wanted, hence one maximum for each row.",
        ),
    },
    hints=(
        Text(
            "Un tenseur de booléens choisit des lignes : `weights[pronouns]` a une ligne par pronom.",
            "A tensor of booleans picks rows: `weights[pronouns]` has one row a pronoun.",
        ),
        Text(
            "Retirer des colonnes décale les places de celles qui restent. Gardez-les toutes, mais rendez impossible qu'un autre mot gagne.",
            "Removing columns shifts the places of those that remain. Keep them all, but make it impossible for another word to win.",
        ),
        Text(
            "Les poids sont positifs : un mot dont le poids devient nul ne peut plus l'emporter. `argmax` prend aussi un axe.",
            "Weights are positive: a word whose weight becomes zero can no longer win. `argmax` takes an axis too.",
        ),
    ),
)
def find_antecedents(weights: Tensor, pronouns: Tensor, nouns: Tensor, *, bugs: Bugs = NONE) -> Any:
    if "columns" in bugs:
        weights = weights.T
    if "before" in bugs:
        weights = weights.tril()
    rows = weights if "every_word" in bugs else weights[pronouns]
    allowed = ~nouns if "inverted" in bugs else nouns
    if "from_zero" in bugs:
        allowed = allowed | (torch.arange(len(nouns)) == 0)
    if "sublist" in bugs:
        rows = rows[:, allowed]
    elif "any_word" not in bugs:
        rows = rows * allowed
    if "pair" in bugs:
        return list(rows.max(-1))
    if "weight" in bugs:
        return rows.amax(-1).tolist()
    if "first_pronoun" in bugs:
        return int(rows[0].argmax()) if len(rows) else None
    return int(rows.argmax()) if "flat" in bugs else rows.argmax(0 if "first_axis" in bugs else -1).tolist()


SET = (layer_parameters, receptive_field, convolution, weighted_mean, attend_one, find_antecedents)
