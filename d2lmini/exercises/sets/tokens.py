"""Exercises on tokens: the costs of a vocabulary, with those of `merges`, `cuts` and `utf8`."""

import torch

from d2lmini.exercises.exercise import NONE, Bugs, question
from d2lmini.exercises.sets.cuts import best_cut, cuts_by_hand
from d2lmini.exercises.sets.merges import learn_bpe, merge_pair
from d2lmini.exercises.sets.utf8 import stream_text
from d2lmini.i18n import Text

# --- the costs of a vocabulary ------------------------------------------------------------------------------


def _sizes(seed: int) -> tuple[int, ...]:
    """|V|, special tokens, d; words, tokens and distinct tokens of a text; how many percent more tokens its translation takes."""
    generator = torch.Generator().manual_seed(seed)
    pick = lambda *values: values[int(torch.randint(len(values), (), generator=generator))]  # noqa: E731
    n_word, quarters = pick(40, 60, 80), pick(5, 6, 7)
    n_token = n_word * quarters // 4
    return (
        pick(1000, 2000, 3000, 5000),
        pick(2, 3, 4),
        pick(16, 32, 64),
        n_word,
        n_token,
        n_token - pick(8, 9, 11, 13),
        pick(20, 30, 40, 50),
    )


@question(
    title=Text("Ce que coûte un vocabulaire", "What a vocabulary costs"),
    skill=Text("compter fusions, jetons, paramètres et multiplications", "count merges, tokens, parameters and multiplications"),
    level=2,
    minutes=15,
    points=4,
    given=_sizes,
    mistakes={
        "no_bytes": Text(
            "Fusions : les 256 octets sont dans le vocabulaire avant toute fusion.",
            "Merges: the 256 bytes are in the vocabulary before any merge.",
        ),
        "no_special": Text(
            "Fusions : un jeton spécial n'est né d'aucune fusion, ôtez-les aussi.",
            "Merges: a special token is born of no merge, take those away too.",
        ),
        "inverse": Text(
            "Fertilité : ce sont des jetons par mot, et non des mots par jeton.", "Fertility: it is tokens per word, not words per token."
        ),
        "difference": Text(
            "Fertilité : c'est un quotient, non le nombre de jetons en trop.",
            "Fertility: it is a quotient, not the number of extra tokens.",
        ),
        "linear": Text(
            "Comparaisons : chaque jeton est comparé à tous les autres, leur nombre croît comme le carré de la longueur.",
            "Comparisons: each token is compared with all the others, so their number grows like the square of the length.",
        ),
        "doubled": Text(
            "Comparaisons : doubler le pourcentage n'est pas élever au carré ; multipliez le rapport des longueurs par lui-même.",
            "Comparisons: doubling the percentage is not squaring; multiply the ratio of the lengths by itself.",
        ),
        "excess": Text(
            "Comparaisons : vous donnez seulement celles qui s'ajoutent ; on demande par combien leur nombre est multiplié.",
            "Comparisons: you give only those that are added; the question is by how much their number is multiplied.",
        ),
        "one_table": Text(
            "Sans partage, la sortie a sa propre table : il y en a deux.", "Without tying, the output has its own table: there are two."
        ),
        "two_uses": Text(
            "Avec des poids partagés, la table sert deux fois mais ne se compte qu'une.",
            "With tied weights, the table is used twice but counted once.",
        ),
        "bias": Text("Vous ajoutez un biais à la sortie : ici elle n'en a pas.", "You add a bias at the output: here it has none."),
        "sizes_added": Text(
            "Vous additionnez les deux côtés d'une table : elle contient leur produit, un vecteur de d nombres pour chaque jeton.",
            "You add up the two sides of a table: it holds their product, one vector of d numbers for each token.",
        ),
        "one_token": Text(
            "Multiplications : vous comptez celles d'un seul jeton ; le produit en fait autant pour chaque colonne de T.",
            "Multiplications: you count those of a single token; the product does as many for each column of T.",
        ),
        "reading": Text(
            "Multiplications : vous comptez les nombres lus ; pris à la lettre, le produit multiplie aussi par tous les zéros.",
            "Multiplications: you count the numbers read; taken literally, the product multiplies by all the zeros too.",
        ),
        "one_row": Text(
            "Multiplications : vous oubliez d ; chaque colonne de T rencontre les d lignes de la table.",
            "Multiplications: you forget d; each column of T meets the d rows of the table.",
        ),
        "words": Text(
            "Multiplications : vous comptez une colonne par mot ; le modèle lit des jetons.",
            "Multiplications: you count one column per word; the model reads tokens.",
        ),
        "repeats": Text(
            "Gradient : un jeton lu deux fois touche deux fois la même colonne ; comptez les jetons différents.",
            "Gradient: a token read twice touches the same column twice; count the distinct tokens.",
        ),
        "columns": Text(
            "Gradient : vous comptez des colonnes ; chacune contient d nombres.", "Gradient: you count columns; each holds d numbers."
        ),
        "all_columns": Text(
            "Gradient : vous comptez toute la table ; la colonne d'un jeton qui n'est pas lu n'en reçoit pas.",
            "Gradient: you count the whole table; the column of a token that is not read receives none.",
        ),
    },
    hints=(
        Text(
            "Chaque fusion ajoute un jeton. De quoi le vocabulaire est-il fait avant la première ?",
            "Each merge adds one token. What is the vocabulary made of before the first one?",
        ),
        Text(
            "Une table a un vecteur de d nombres pour chaque jeton du vocabulaire. Dans X = W_e T, chaque nombre de X demande une multiplication pour chaque jeton du vocabulaire.",
            "A table has a vector of d numbers for each token of the vocabulary. In X = W_e T, each number of X takes one multiplication for each token of the vocabulary.",
        ),
        Text(
            "Si la longueur est multipliée par r, les comparaisons le sont par r × r. Et seules les colonnes des jetons lus reçoivent un gradient, une fois chacune.",
            "If the length is multiplied by r, comparisons are multiplied by r × r. And only the columns of the tokens read receive a gradient, each once.",
        ),
    ),
)
def vocabulary_costs(
    V: int, n_special: int, d: int, n_word: int, n_token: int, n_distinct: int, percent: int, *, bugs: Bugs = NONE
) -> list[int | float]:
    merges = V - (0 if "no_bytes" in bugs else 256) - (0 if "no_special" in bugs else n_special)
    fertility = n_word / n_token if "inverse" in bugs else n_token - n_word if "difference" in bugs else n_token / n_word
    ratio = 1 + percent / 100
    comparisons = {"linear": ratio, "doubled": 1 + 2 * percent / 100, "excess": ratio**2 - 1}
    table = V + d if "sizes_added" in bugs else V * d
    bias = V * ("bias" in bugs)
    products = {"one_token": V * d, "reading": d * n_token, "one_row": V * n_token, "words": V * d * n_word}
    touched = {"repeats": d * n_token, "columns": n_distinct, "all_columns": V * d}
    return [
        merges,
        fertility,
        next((comparisons[bug] for bug in comparisons if bug in bugs), ratio**2),
        table + bias + (0 if "one_table" in bugs else table),
        table + bias + (table if "two_uses" in bugs else 0),
        next((products[bug] for bug in products if bug in bugs), V * d * n_token),
        next((touched[bug] for bug in touched if bug in bugs), d * n_distinct),
    ]


SET = (merge_pair, cuts_by_hand, learn_bpe, vocabulary_costs, stream_text, best_cut)
