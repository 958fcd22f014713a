"""Questions on the three modes: how many predictions a text gives, and how many places each mode opens."""

import math
import random

from d2lmini.exercises.exercise import NONE, Bugs, question
from d2lmini.i18n import Text

# --- how many predictions a text gives ----------------------------------------------------------------------


def _texts(seed: int) -> tuple[int, ...]:
    dice = random.Random(seed)
    n = dice.choice((40, 60, 80, 120, 140))
    return n, dice.choice((10, 15, 20, 30)), dice.randint(n // 5, n // 2 - 1), dice.randint(n // 2 + 1, n - 7)


@question(
    title=Text("Ce qu'un texte fait deviner", "What a text makes one guess"),
    skill=Text("compter les prédictions que chaque mode tire d'un texte", "count the predictions that each mode draws from a text"),
    level=1,
    minutes=10,
    points=3,
    given=_texts,
    mistakes={
        "all_places": Text(
            "Réponse 1 : vous comptez toutes les places. L'encodeur ne devine que les mots cachés.",
            "Answer 1: you count all the places. The encoder guesses only the hidden words.",
        ),
        "kept_places": Text(
            "Réponse 1 : vous comptez les mots laissés visibles. Ce sont les autres qu'il faut deviner.",
            "Answer 1: you count the words left visible. The others are the ones to guess.",
        ),
        "eighty": Text(
            "Réponse 1 : vous ne comptez que 80 % des mots choisis. Les autres, remplacés ou laissés tels quels, sont devinés aussi.",
            "Answer 1: you count only 80% of the chosen words. The others, replaced or left as they are, are guessed too.",
        ),
        "source_guessed": Text(
            "Réponse 2 : vous comptez aussi le texte que lit l'encodeur. Il est donné, personne ne le devine.",
            "Answer 2: you count the text that the encoder reads too. It is given, nobody guesses it.",
        ),
        "source_only": Text(
            "Réponse 2 : vous comptez les mots du texte lu. Ce sont ceux du résumé qui sont devinés.",
            "Answer 2: you count the words of the text that is read. Those of the summary are guessed.",
        ),
        "no_end": Text(
            "Vous oubliez le signe de fin, qui se devine aussi : sans lui, le modèle n'apprendrait jamais à s'arrêter.",
            "You forgot the end sign, which is guessed too: without it the model would never learn to stop.",
        ),
        "summary_no_end": Text(
            "Réponse 2 : il manque une prédiction. Le décodeur doit aussi deviner où finit le résumé.",
            "Answer 2: one prediction is missing. The decoder must also guess where the summary ends.",
        ),
        "start_guessed": Text(
            "Réponse 3 : vous comptez aussi le signe de début, qui est donné.",
            "Answer 3: you count the start sign too, which is given.",
        ),
        "fewer": Text(
            "Réponse 3 : il manque des prédictions. Le premier mot se devine, à partir du signe de début, et le signe de fin aussi.",
            "Answer 3: predictions are missing. The first word is guessed, from the start sign, and so is the end sign.",
        ),
        "prefix_guessed": Text(
            "Réponse 4 : vous comptez les mots du préfixe. Chacun les voit tous, il n'y a rien à y deviner.",
            "Answer 4: you count the words of the prefix. Every one of them sees all the others, there is nothing to guess there.",
        ),
        "prefix_only": Text(
            "Réponse 4 : vous comptez le préfixe seul. C'est ce qui vient après qui est deviné.",
            "Answer 4: you count the prefix alone. What comes after it is guessed.",
        ),
        "prefix_last": Text(
            "Réponse 4 : il manque une prédiction. Le dernier mot du préfixe devine le premier de la suite ; et la fin se devine aussi.",
            "Answer 4: one prediction is missing. The last word of the prefix guesses the first of the rest; and the end is guessed too.",
        ),
        "inverse": Text(
            "Réponse 5 : le rapport est à l'envers. L'encodeur devine moins de mots à chaque lecture, il lui en faut plusieurs.",
            "Answer 5: the ratio is upside down. The encoder guesses fewer words at each reading, so it needs several.",
        ),
        "rounded_down": Text(
            "Réponse 5 : vous arrondissez vers le bas. Une lecture de moins ne suffit pas tout à fait.",
            "Answer 5: you round down. With one reading less it falls a little short.",
        ),
    },
    hints=(
        Text(
            "Écrivez un texte de trois mots, avec ses signes. Sous chaque jeton lu, écrivez celui qu'il faut deviner, ou rien.",
            "Write a text of three words, with its signs. Under each token read, write the one to guess, or nothing.",
        ),
        Text(
            "Le signe de début est donné, le signe de fin se devine. Un texte donné d'avance ne se devine pas.",
            "The start sign is given, the end sign is guessed. A text that is given beforehand is not guessed.",
        ),
        Text(
            "Pour la dernière, divisez les prédictions du décodeur par celles de l'encodeur, et arrondissez vers le haut.",
            "For the last one, divide the predictions of the decoder by those of the encoder, and round up.",
        ),
    ),
)
def predictions_by_mode(n: int, percent: int, n_summary: int, n_prefix: int, *, bugs: Bugs = NONE) -> list[int | float]:
    hidden, end = n * percent // 100, "no_end" not in bugs
    encoder = n if "all_places" in bugs else n - hidden if "kept_places" in bugs else hidden
    summary = n_summary + end + n * ("source_guessed" in bugs) - ("summary_no_end" in bugs)
    decoder = n - 1 if "fewer" in bugs else n + end + ("start_guessed" in bugs)
    prefix = {"prefix_guessed": n + end, "prefix_only": n_prefix, "prefix_last": n - n_prefix - 1 + end}
    return [
        encoder * 0.8 if "eighty" in bugs else encoder,
        n + end if "source_only" in bugs else summary,
        decoder,
        next((prefix[bug] for bug in prefix if bug in bugs), n - n_prefix + end),
        math.ceil(hidden / (n + 1)) if "inverse" in bugs else (n + 1) // hidden + ("rounded_down" not in bugs),
    ]


# --- how many places each mode opens ------------------------------------------------------------------------


def _sizes(seed: int) -> tuple[int, ...]:
    dice = random.Random(seed)
    n_source = dice.randint(11, 19)
    width = dice.randint(4, 6)
    return n_source, n_source - dice.randint(3, 6), (width - 1) * dice.randint(13, 17) + dice.randint(2, width - 1), width


@question(
    title=Text("Trois masques, ou un seul", "Three masks, or a single one"),
    skill=Text("comparer les places que les modes ouvrent", "compare the places that the modes open"),
    level=2,
    minutes=15,
    points=4,
    given=_sizes,
    mistakes={
        "encoder_causal": Text(
            "Réponse 1 : vous donnez un masque causal à l'encodeur. Son texte est connu d'avance, chacun y voit tout.",
            "Answer 1: you give the encoder a causal mask. Its text is known beforehand, and each token sees all of it.",
        ),
        "encoder_no_self": Text(
            "Réponse 1 : vous ôtez la diagonale. Un jeton se voit aussi lui-même.",
            "Answer 1: you leave out the diagonal. A token sees itself too.",
        ),
        "decoder_full": Text(
            "Réponse 2 : vous laissez le décodeur voir la suite de la cible, qu'il doit deviner.",
            "Answer 2: you let the decoder see what follows in the target, which it must guess.",
        ),
        "decoder_strict": Text(
            "Réponse 2 : vous ôtez la diagonale. Le jeton qui vient d'être lu se voit lui-même.",
            "Answer 2: you leave out the diagonal. The token just read sees itself.",
        ),
        "cross_causal": Text(
            "Réponse 3 : l'attention croisée n'est pas causale. Chaque jeton de la cible voit toute la source.",
            "Answer 3: cross-attention is not causal. Each token of the target sees the whole source.",
        ),
        "cross_both": Text(
            "Réponse 3 : vous comptez aussi le retour. La cible regarde la source, jamais l'inverse.",
            "Answer 3: you count the way back too. The target looks at the source, never the other way round.",
        ),
        "cross_target": Text(
            "Réponse 3 : vous prenez les clés dans la cible. Les requêtes en viennent, les clés viennent de la source.",
            "Answer 3: you take the keys from the target. The queries come from it, the keys come from the source.",
        ),
        "joined_full": Text(
            "Réponse 4 : vous ouvrez toutes les places. Un décodeur est causal d'un bout à l'autre de la ligne.",
            "Answer 4: you open all the places. A decoder is causal from one end of the row to the other.",
        ),
        "joined_apart": Text(
            "Réponse 4 : vous séparez la source et la cible. Dans une seule ligne, la cible voit aussi toute la source.",
            "Answer 4: you keep source and target apart. In a single row, the target also sees the whole source.",
        ),
        "prefix_apart": Text(
            "Réponse 5 : la cible ne voit plus le préfixe. Le préfixe est vu de partout.",
            "Answer 5: the target no longer sees the prefix. The prefix is seen from everywhere.",
        ),
        "prefix_added": Text(
            "Réponse 5 : vous ajoutez tout le carré du préfixe au masque causal, qui en ouvrait déjà plus de la moitié.",
            "Answer 5: you add the whole square of the prefix to the causal mask, which already opened more than half of it.",
        ),
        "prefix_causal": Text(
            "Réponse 5 : le préfixe ne change rien à votre compte. Ses jetons se voient pourtant tous les uns les autres.",
            "Answer 5: the prefix changes nothing in your count. Yet its tokens all see one another.",
        ),
        "whole_width": Text(
            "Réponse 6 : une couche recule de moins que la largeur de la fenêtre, car le jeton lui-même en fait partie.",
            "Answer 6: a layer goes back by less than the width of the window, for the token itself is part of it.",
        ),
        "layer_missing": Text(
            "Réponse 6 : vous arrondissez vers le bas. Il reste quelques places à franchir, qui demandent encore une couche.",
            "Answer 6: you round down. A few places remain to be crossed, which take one more layer.",
        ),
        "one_layer": Text(
            "Réponse 6 : vous donnez le nombre de places à franchir. Une couche en franchit plusieurs à la fois.",
            "Answer 6: you give the number of places to cross. One layer crosses several at a time.",
        ),
    },
    hints=(
        Text(
            "Dessinez les masques pour 3 jetons de source et 2 de cible. Une ligne est une requête, une colonne une clé.",
            "Draw the masks for 3 source tokens and 2 target tokens. A row is a query, a column a key.",
        ),
        Text(
            "Dans le dessin de la ligne unique, retrouvez les quatre rectangles : qui regarde la source, qui regarde la cible ?",
            "In the drawing of the single row, find the four rectangles: who looks at the source, who looks at the target?",
        ),
        Text(
            "Du dernier jeton au premier, combien de places à franchir ? Combien la fenêtre en franchit-elle par couche ?",
            "From the last token to the first, how many places are to be crossed? How many of them does the window cross in a layer?",
        ),
    ),
)
def places_by_mode(n_source: int, n_target: int, n: int, width: int, *, bugs: Bugs = NONE) -> list[int]:
    S, T = n_source, n_target
    source, target, both = (size * (size + 1) // 2 for size in (S, T, S + T))
    encoder = source if "encoder_causal" in bugs else S * S - S * ("encoder_no_self" in bugs)
    decoder = T * T if "decoder_full" in bugs else target - T * ("decoder_strict" in bugs)
    cross = {"cross_causal": target, "cross_both": 2 * S * T, "cross_target": T * T}
    joined = {"joined_full": (S + T) ** 2, "joined_apart": source + target}
    prefix = {"prefix_apart": S * S + target, "prefix_added": both + S * S, "prefix_causal": both}
    layers = {"whole_width": math.ceil((n - 1) / width), "layer_missing": (n - 1) // (width - 1), "one_layer": n - 1}
    right = (S * T, both, S * S + target + S * T, math.ceil((n - 1) / (width - 1)))
    return [
        encoder,
        decoder,
        *(
            next((wrong[bug] for bug in wrong if bug in bugs), number)
            for wrong, number in zip((cross, joined, prefix, layers), right, strict=True)
        ),
    ]
