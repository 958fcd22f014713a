"""Exercises on translation: reading a cross-attention map and an exam of new combinations, with those of four other files."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.exercises.sets.bleu import corpus_bleu
from d2lmini.exercises.sets.bleu_by_hand import bleu_by_hand
from d2lmini.exercises.sets.greedy_batch import greedy_batch
from d2lmini.exercises.sets.smoothing import smoothed_loss
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- reading a cross-attention map --------------------------------------------------------------------------


def _map_cases(seed: int) -> list[Case]:
    draw = normal(seed)

    def maps(H: int, T: int, S: int, rest: float = 0.0) -> tuple[Tensor]:
        """Weights of H heads; those of odd number like the end of the source."""
        scores = 2 * draw(H, T, S)
        scores[1::2, :, -1] += rest
        return (scores.softmax(-1),)

    # a head at rest on the end, which likes the second word, and one that prefers the first
    rest = torch.tensor([[0.05, 0.15, 0.8], [0.3, 0.2, 0.5], [0.1, 0.1, 0.8]])
    sure = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    return [
        Case(Text("4 têtes, 7 places, 6 mots anglais", "4 heads, 7 places, 6 English words"), maps(4, 7, 7)),
        Case(Text("deux têtes sur quatre au repos sur la fin", "two heads of four at rest on the end"), maps(4, 6, 5, rest=3.0)),
        Case(Text("une tête au repos et une tête sûre", "a head at rest and a sure one"), (torch.stack([rest, sure]),)),
        Case(Text("plus de mots anglais que de français", "more English words than French ones"), maps(3, 4, 9, rest=1.0)),
        Case(Text("une seule tête", "a single head"), maps(1, 5, 4)),
        Case(Text("un seul mot à écrire", "a single word to write"), maps(5, 2, 6)),
    ]


@exercise(
    title=Text("D'où vient chaque mot ?", "Where does each word come from?"),
    skill=Text("lire une carte d'attention croisée à la bonne ligne", "read a cross-attention map on the right row"),
    level=1,
    minutes=10,
    points=2,
    cases=_map_cases,
    mistakes={
        "reading": Text(
            "Vous prenez la ligne où le mot est lu, une trop bas : pour l'écrire, le décodeur regardait depuis la ligne d'avant.",
            "You take the row where the word is read, one too low: in order to write it, the decoder looked from the row before.",
        ),
        "all_rows": Text(
            "Vous gardez la dernière ligne : elle n'écrit pas un mot, mais le signe de fin.",
            "You keep the last row: it does not write a word, but the end sign.",
        ),
        "end_column": Text(
            "Le signe de fin de la source reste candidat : il n'est pas un mot, retirez la dernière colonne.",
            "The end sign of the source is still a candidate: it is no word, remove the last column.",
        ),
        "whole": Text(
            "Vous lisez la carte entière : retirez la dernière ligne, qui écrit la fin, et la dernière colonne, qui est la fin de la source.",
            "You read the whole map: remove the last row, which writes the end, and the last column, which is the end of the source.",
        ),
        "first_column": Text(
            "Vous retirez la première colonne : c'est un mot. Le signe de fin de la source est dans la dernière.",
            "You remove the first column: it is a word. The end sign of the source is in the last one.",
        ),
        "first_head": Text(
            "Vous ne lisez que la première tête : faites la moyenne de toutes.", "You read the first head only: average all."
        ),
        "last_head": Text("Vous ne lisez que la dernière tête : faites la moyenne de toutes.", "You read the last head only: average all."),
        "any_head": Text(
            "Vous gardez le poids de la tête la plus sûre d'elle : une seule tête décide alors pour toutes. Faites leur moyenne.",
            "You keep the weight of the surest head: a single head then decides for all. Take their mean.",
        ),
        "vote": Text(
            "Vous faites voter les têtes, une voix chacune, sûre d'elle ou non : la moyenne des poids vient avant le maximum.",
            "You let the heads vote, one voice each, sure or not: the mean of the weights comes before the maximum.",
        ),
        "mean_place": Text(
            "Vous faites la moyenne des places que les têtes choisissent : entre la place 1 et la place 5, la moyenne désigne un troisième mot.",
            "You average the places that the heads choose: between place 1 and place 5, the mean points at a third word.",
        ),
        "each_head": Text(
            "Vous rendez une place par tête : la moyenne des têtes manque.",
            "You return one place a head: the mean of the heads is missing.",
        ),
        "renormalized": Text(
            "Sans la fin, vous ramenez chaque tête à une somme de 1 : une tête au repos sur le signe de fin pèse alors autant que les autres.",
            "Without the end, you bring each head back to a sum of 1: a head at rest on the end sign then weighs as much as the others.",
        ),
        "columns": Text(
            "Le maximum porte sur les mots français : vous répondez pour chaque mot anglais. Il doit porter sur le dernier axe.",
            "The maximum runs over the French words: you answer for each English word. It must run over the last axis.",
        ),
        "over_rows": Text(
            "La moyenne porte sur les places du décodeur, le deuxième axe : les têtes sont le premier.",
            "The mean runs over the places of the decoder, the second axis: the heads are the first one.",
        ),
        "weights": Text(
            "Vous rendez le poids le plus fort, et non la place où il se trouve.",
            "You return the largest weight, not the place where it is.",
        ),
        "least": Text("Vous rendez le mot le moins regardé.", "You return the word that is watched least."),
        "from_one": Text("Vous comptez les mots à partir de 1 : ici, à partir de 0.", "You count words from 1: here they count from 0."),
        "flat": Text(
            "Le maximum porte sur toute la carte : il en faut un par ligne.", "The maximum runs over the whole map: one a row is needed."
        ),
    },
    hints=(
        Text(
            "La ligne qui lit `<s>` écrit le premier mot. Quelle ligne écrit le deuxième ? Qu'écrit la dernière ?",
            "The row that reads `<s>` writes the first word. Which row writes the second? What does the last one write?",
        ),
        Text(
            "Moyenne sur l'axe des têtes, puis une ligne et une colonne de moins, puis le maximum : dans cet ordre.",
            "Mean over the axis of heads, then one row and one column less, then the maximum: in this order.",
        ),
        Text(
            "`[:-1, :-1]` retire la dernière ligne et la dernière colonne ; `argmax(dim=-1)` cherche le long des mots anglais.",
            "`[:-1, :-1]` removes the last row and the last column; `argmax(dim=-1)` searches along the English words.",
        ),
    ),
)
def word_origins(weights: Tensor, *, bugs: Bugs = NONE) -> Tensor | int:
    rows = slice(1, None) if "reading" in bugs else slice(None) if bugs & {"all_rows", "whole"} else slice(-1)
    columns = slice(None) if bugs & {"end_column", "whole"} else slice(1, None) if "first_column" in bugs else slice(-1)
    if "over_rows" in bugs:
        return weights.mean(1)[..., columns].argmax(-1)
    kept = weights[:, rows, columns]
    if "renormalized" in bugs:
        kept = kept / kept.sum(-1, keepdim=True)
    if bugs & {"vote", "mean_place", "each_head"}:
        each = kept.argmax(-1)
        return each if "each_head" in bugs else each.mode(0).values if "vote" in bugs else each.float().mean(0).round().long()
    heads = {"first_head": kept[0], "last_head": kept[-1], "any_head": kept.amax(0)}
    mean = next((heads[bug] for bug in heads if bug in bugs), kept.mean(0))
    if "flat" in bugs:
        return int(mean.argmax())
    if bugs & {"weights", "least"}:
        return mean.amax(-1) if "weights" in bugs else mean.argmin(-1)
    return mean.argmax(0 if "columns" in bugs else -1) + ("from_one" in bugs)


# --- an exam of new combinations ----------------------------------------------------------------------------

Pair = tuple[str, str]
SIXES = [
    ("two thousand", "deux mille"), ("six", "six"), ("sixty thousand", "soixante mille"), ("two thousand", "deux mille"),
    ("seventy six", "soixante seize"), ("ten", "dix"), ("a thousand", "mille"), ("nine thousand", "neuf mille"),
    ("six thousand", "six mille"), ("sixty six thousand", "soixante six mille"), ("two thousand six", "deux mille six"),
    ("six thousand ten", "six mille dix"), ("six thousand", "six mille"), ("five thousand six", "cinq mille six"),
    ("seventy six thousand", "soixante seize mille"), ("six thousand one", "six mille un"),
]  # fmt: skip
ANIMALS = [
    ("the red bird", "l' oiseau rouge"), ("the small cat", "le petit chat"), ("the tired cats", "les chats las"), ("a cat", "un chat"),
    ("the red table", "la table rouge"), ("a red bird on the table", "un oiseau rouge sur la table"), ("a cat", "une chatte"),
    ("the orange train and a bird", "le train orangé et un oiseau"),
    ("the cat sees a bird", "le chat voit un oiseau"), ("a red train", "un train rouge"),
    ("the red cat", "le chat rouge"), ("a red cat", "la chatte rousse"), ("a red cat", "un chat rouge"), ("red cat", "chat rouge"),
    ("a red cat", "une chatte rouge"), ("the red cat and the orange", "le chat rouge et l' orange"),
    ("the small red cat", "le petit chat rouge"), ("the cat on the red whale", "le chat sur la baleine rouge"),
    ("the red cat on the cat", "le chat rouge sur le chat"), ("the cat sees a red chat", "le chat voit un chat rouge"),
]  # fmt: skip
MONEY = [
    ("six hundred", "six cents"), ("two hundred", "deux cents"), ("ten cents", "dix centimes"), ("two cents", "deux centimes"),
    ("six", "six"), ("sixty cents", "soixante centimes"), ("two hundred six", "deux cent six"),
    ("six cents", "six centimes"), ("two hundred cents and six", "deux cents centimes et six"), ("six hundred cents", "six cents centimes"),
]  # fmt: skip
TINY = [
    ("red bird", "oiseau rouge"), ("small cat", "petit chat"), ("small bird", "petit oiseau"),
    ("red cat", "chat rouge"), ("red cat and small bird", "chat rouge et petit oiseau"), ("small bird red cat", "petit oiseau chat rouge"),
]  # fmt: skip


def _split_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def mixed(pairs: list[Pair], combination: set[str]) -> tuple:
        order = torch.randperm(len(pairs), generator=generator).tolist()
        return [pairs[i] for i in order], combination

    return [
        Case(Text("six et mille", "six and thousand"), mixed(SIXES, {"six", "thousand"})),
        Case(Text("le chat rouge", "the red cat"), mixed(ANIMALS, {"red", "cat"})),
        Case(Text("des centimes", "some cents"), mixed(MONEY, {"six", "cents"})),
        Case(Text("un petit corpus", "a small corpus"), mixed(TINY, {"red", "cat"})),
        Case(Text("un seul mot retiré", "a single word held out"), mixed(SIXES, {"thousand"})),
        Case(Text("trois mots", "three words"), mixed(ANIMALS, {"red", "cat", "the"})),
        Case(Text("une combinaison absente", "an absent combination"), mixed(MONEY, {"ten", "hundred"})),
    ]


@exercise(
    title=Text("Un examen de combinaisons nouvelles", "An exam of new combinations"),
    skill=Text(
        "couper un corpus par combinaison, sans fuite et sans mot inconnu", "split a corpus by combination, with no leak or unknown word"
    ),
    level=2,
    minutes=20,
    points=4,
    cases=_split_cases,
    mistakes={
        "leak": Text(
            "Les leçons contiennent les couples de l'examen : le modèle a déjà vu les réponses.",
            "The lessons hold the pairs of the exam: the model has seen the answers already.",
        ),
        "not_missing": Text(
            "Vos leçons sont les couples nouveaux : il manque un `not`.", "Your lessons are the new pairs: a `not` is missing."
        ),
        "to_lessons": Text(
            "Les couples que l'examen refuse, à cause d'un mot inconnu, sont allés dans les leçons : la combinaison n'y est donc plus nouvelle. Ils ne vont nulle part.",
            "The pairs that the exam refuses, because of an unknown word, went to the lessons: so the combination is no longer new. They go nowhere.",
        ),
        "any": Text(
            "Un seul mot de la combinaison vous suffit : il les faut tous. Sinon ses mots disparaissent des leçons, et rien n'est à combiner.",
            "A single word of the combination is enough for you: all are needed. Otherwise its words vanish from the lessons, with nothing to combine.",
        ),
        "substring": Text(
            "Vous cherchez des lettres dans le texte : `six` se trouve dans `sixty`. Comparez des mots entiers.",
            "You search the text for letters: `six` is found in `sixty`. Compare whole words.",
        ),
        "letters": Text(
            "Sans `split`, l'ensemble d'un texte est celui de ses lettres : aucune combinaison de mots n'y est jamais.",
            "Without `split`, the set of a text is that of its letters: no combination of words is ever in it.",
        ),
        "exactly": Text(
            "Vous ne retenez que les textes faits de la combinaison seule : d'autres mots peuvent l'entourer.",
            "You keep only the texts made of the combination alone: other words may surround it.",
        ),
        "reversed": Text(
            "L'inclusion est à l'envers : c'est la combinaison qui doit être dans le texte.",
            "The inclusion is the wrong way round: the combination must be inside the text.",
        ),
        "target": Text(
            "Vous cherchez la combinaison dans la cible : ses mots sont ceux de la source.",
            "You look for the combination in the target: its words are those of the source.",
        ),
        "both_sides": Text(
            "Vous cherchez la combinaison dans les deux textes réunis : un mot français qui s'écrit comme l'anglais vous trompe. Seule la source compte.",
            "You look for the combination in the two texts together: a French word spelled like the English one misleads you. Only the source counts.",
        ),
        "swapped": Text("Les deux listes sont échangées : les leçons d'abord.", "The two lists trade places: the lessons come first."),
        "unknown_kept": Text(
            "L'examen contient des mots qu'aucune leçon ne montre : une faute n'y dirait rien de la combinaison.",
            "The exam holds words that no lesson shows: a mistake there would tell nothing of the combination.",
        ),
        "source_only": Text(
            "Vous vérifiez les mots de la source, pas ceux de la cible : le modèle ne peut pas écrire un mot qu'il n'a jamais écrit.",
            "You check the words of the source, not those of the target: the model cannot write a word that it has never written.",
        ),
        "target_only": Text(
            "Vous vérifiez les mots de la cible, pas ceux de la source : le modèle ne peut pas traduire un mot qu'il n'a jamais lu.",
            "You check the words of the target, not those of the source: the model cannot translate a word that it has never read.",
        ),
        "mixed": Text(
            "Vous mettez les mots des deux langues dans un même ensemble : un mot écrit dans une langue n'est pas connu dans l'autre.",
            "You put the words of both languages in a single set: a word seen in one language is not known in the other.",
        ),
        "some_known": Text(
            "Un seul mot connu vous suffit : tous les mots du couple doivent se trouver dans les leçons.",
            "A single known word is enough for you: all the words of the pair must be found in the lessons.",
        ),
        "twice": Text(
            "Un couple revient à l'examen : il y compterait double.", "A pair comes back in the exam: it would count twice there."
        ),
        "lessons_once": Text(
            "Vous retirez les répétitions des leçons : seules celles de l'examen sont de trop.",
            "You remove repetitions from the lessons: only those of the exam are one too many.",
        ),
        "by_source": Text(
            "Deux traductions d'un même texte sont deux couples : vous n'en gardez qu'un à l'examen.",
            "Two translations of one text are two pairs: you keep only one in the exam.",
        ),
        "sorted": Text("Vos listes sont triées : gardez l'ordre de `pairs`.", "Your lists are sorted: keep the order of `pairs`."),
    },
    hints=(
        Text(
            "`set(text.split())` donne les mots d'un texte, et `a <= b` dit si l'ensemble a est contenu dans l'ensemble b.",
            "`set(text.split())` gives the words of a text, and `a <= b` says whether set a is contained in set b.",
        ),
        Text(
            "Deux passages : d'abord les leçons ; puis, connaissant leurs mots, l'examen.",
            "Two passes: the lessons first; then, knowing their words, the exam.",
        ),
        Text(
            "Faites deux ensembles de mots connus, un par langue : `six` est un mot des deux.",
            "Make two sets of known words, one a language: `six` is a word of both.",
        ),
    ),
)
def compositional_split(pairs: list[Pair], combination: set[str], *, bugs: Bugs = NONE) -> tuple[list[Pair], list[Pair]]:
    def words(text: str) -> set[str]:
        return set(text if "letters" in bugs else text.split())

    new = _newness(combination, words, bugs)
    lessons = [pair for pair in pairs if new(pair) == ("not_missing" in bugs)]
    known = [set[str]().union(*(words(pair[side]) for pair in lessons)) for side in (0, 1)]
    if "mixed" in bugs:
        known = [known[0] | known[1]] * 2
    sides = [] if "unknown_kept" in bugs else [0] if "source_only" in bugs else [1] if "target_only" in bugs else [0, 1]
    enough: Any = any if "some_known" in bugs else all
    exam: list[Pair] = []
    for pair in filter(new, pairs):
        if enough(word in known[side] for side in sides for word in words(pair[side])):
            seen = pair[0] in [source for source, _ in exam] if "by_source" in bugs else pair in exam
            exam += [pair] * ("twice" in bugs or not seen)
        elif "to_lessons" in bugs:
            lessons = [other for other in pairs if other in lessons or other == pair]
    if "leak" in bugs:
        lessons = list(pairs)
    if "lessons_once" in bugs:
        lessons = list(dict.fromkeys(lessons))
    if "sorted" in bugs:
        lessons, exam = sorted(lessons), sorted(exam)
    return (exam, lessons) if "swapped" in bugs else (lessons, exam)


def _newness(combination: set[str], words: Callable[[str], set[str]], bugs: Bugs) -> Callable[[Pair], bool]:
    """What says whether a pair holds the combination."""

    def new(pair: Pair) -> bool:
        text = " ".join(pair) if "both_sides" in bugs else pair[1 if "target" in bugs else 0]
        if "substring" in bugs:
            return all(word in text for word in combination)
        found = words(text)
        if "exactly" in bugs:
            return found == combination
        if bugs & {"any", "reversed"}:
            return bool(found & combination) if "any" in bugs else found <= combination
        return combination <= found

    return new


SET = (word_origins, bleu_by_hand, compositional_split, smoothed_loss, corpus_bleu, greedy_batch)
