"""Exercises on the key/value cache: its size counted by hand, and one attention that reads with it."""

from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
from d2lmini.i18n import Text
from d2lmini.trial import Case

LAST_READ = Text(
    "Le dernier jeton choisi n'est jamais lu : l'écriture s'arrête là, et ses clés et ses valeurs ne sont pas calculées.",
    "The last token chosen is never read: the writing stops there, and its keys and values are not computed.",
)

# --- bytes and readings -------------------------------------------------------------------------------------


def _sizes(seed: int) -> tuple:
    """Small sizes for pen and paper; a group of heads never has as many heads as there are groups."""
    generator = torch.Generator().manual_seed(seed)

    def pick(*choices: Any) -> Any:
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    n_head, n_kv_head = pick((6, 2), (6, 3), (8, 2), (12, 2), (12, 3), (12, 4))
    return pick(3, 5, 7), n_head, n_kv_head, pick(10, 16, 20), pick(9, 11, 13), pick(5, 6, 7)


@question(
    title=Text("Ce que le cache pèse, ce qu'il épargne", "What the cache weighs, what it saves"),
    skill=Text("compter les octets et les lectures d'un décodeur qui écrit", "count the bytes and the readings of a decoder that writes"),
    level=2,
    minutes=15,
    points=4,
    given=_sizes,
    tolerance=1e-9,  # counts: to the unit
    mistakes={
        "keys_only": Text(
            "Octets : il manque un facteur 2. Le cache garde des clés et des valeurs, qui occupent autant de place.",
            "Bytes: a factor of 2 is missing. The cache keeps keys and values, which take as much space.",
        ),
        "queries": Text(
            "Octets : vous gardez aussi les requêtes. Une requête ne sert qu'au pas de son jeton, et personne ne la relit.",
            "Bytes: you keep the queries too. A query serves only at the step of its own token, and nobody reads it again.",
        ),
        "numbers": Text("Octets : vous comptez des nombres. Chacun occupe 4 octets.", "Bytes: you count numbers. Each takes 4 bytes."),
        "bits": Text(
            "Octets : vous comptez des bits. Un octet en contient 8, et un nombre occupe ici 4 octets.",
            "Bytes: you count bits. A byte holds 8 of them, and a number takes 4 bytes here.",
        ),
        "one_layer": Text(
            "Octets : vous comptez une seule couche. Chaque couche a ses clés et ses valeurs.",
            "Bytes: you count a single layer. Each layer has its own keys and values.",
        ),
        "one_head": Text(
            "Octets, réponse 1 : vous comptez une seule tête. Chacune a ses clés et ses valeurs, de `d_head` nombres.",
            "Bytes, answer 1: you count a single head. Each has its own keys and values, of `d_head` numbers.",
        ),
        "same": Text(
            "Octets, réponse 2 : les têtes d'un groupe partagent leurs clés et leurs valeurs, le cache en garde donc moins.",
            "Bytes, answer 2: the heads of a group share their keys and values, so the cache keeps fewer of them.",
        ),
        "size_of_group": Text(
            "Octets, réponse 2 : vous prenez le nombre de têtes d'un groupe. Le cache garde une série de clés par groupe.",
            "Bytes, answer 2: you take the number of heads in a group. The cache keeps one series of keys for each group.",
        ),
        "one_group": Text(
            "Octets, réponse 2 : vous ne comptez qu'un groupe de têtes, comme si toutes partageaient les mêmes clés.",
            "Bytes, answer 2: you count one group of heads only, as if all of them shared the same keys.",
        ),
        "half_grouped": Text(
            "Octets, réponse 2 : vous ne groupez que les clés, ou que les valeurs. Les deux sont partagées.",
            "Bytes, answer 2: you group only the keys, or only the values. Both are shared.",
        ),
        "both_last": LAST_READ,
        "last_kept": Text(
            "Réponse 3 : un jeton de trop est dans le cache. Le dernier choisi n'est jamais lu : il n'y entre pas.",
            "Answer 3: the cache holds one token too many. The last one chosen is never read: it does not enter.",
        ),
        "last_passed": Text(
            "Réponse 4 : un jeton de trop traverse les couches. Le dernier choisi n'est jamais lu.",
            "Answer 4: one token too many goes through the layers. The last one chosen is never read.",
        ),
        "no_prompt": Text(
            "Réponse 3 : vous oubliez l'amorce, dont le cache garde aussi les clés et les valeurs.",
            "Answer 3: you forgot the prompt, whose keys and values the cache keeps too.",
        ),
        "ungrouped": Text(
            "Réponse 3 : vous comptez comme si chaque tête avait ses propres clés. Partez de la réponse 2.",
            "Answer 3: you count as if each head had its own keys. Start from answer 2.",
        ),
        "free_prompt": Text(
            "Réponse 4 : vous comptez les pas. Au premier, toute l'amorce traverse les couches, et non un seul jeton.",
            "Answer 4: you count the steps. At the first one the whole prompt goes through the layers, not a single token.",
        ),
        "no_growth": Text(
            "Réponse 5 : le texte grandit. Chaque pas relit l'amorce et tous les jetons déjà choisis.",
            "Answer 5: the text grows. Each step reads again the prompt and all the tokens already chosen.",
        ),
        "full_length": Text(
            "Réponse 5 : vous donnez à chaque pas la longueur finale du texte. Les premiers pas relisent moins de jetons.",
            "Answer 5: you give each step the final length of the text. The first steps read fewer tokens.",
        ),
        "one_later": Text(
            "Réponse 5 : vous commencez un jeton trop tard. Le premier pas lit l'amorce seule, le dernier ne lit pas le jeton qu'il choisit.",
            "Answer 5: you start one token too late. The first step reads the prompt alone, the last does not read the token it chooses.",
        ),
        "step_missing": Text(
            "Réponse 5 : il manque le dernier pas. Choisir n jetons demande n passages, l'amorce comprise dans chacun.",
            "Answer 5: the last step is missing. Choosing n tokens takes n passes, with the prompt in each.",
        ),
    },
    hints=(
        Text(
            "Pour un jeton, dans une couche : combien de vecteurs garde-t-on, de combien de nombres chacun ?",
            "For one token, in one layer: how many vectors are kept, of how many numbers each?",
        ),
        Text(
            "Écrivez les pas l'un sous l'autre : ce que le modèle lit, puis ce qu'il choisit. Qui lit le dernier jeton choisi ?",
            "Write the steps one below another: what the model reads, then what it chooses. Who reads the last token chosen?",
        ),
        Text(
            "Sans cache, le pas numéro i, compté à partir de 1, relit l'amorce et i − 1 jetons. Faites la somme.",
            "Without a cache, step number i, counted from 1, reads the prompt and i − 1 tokens. Add them up.",
        ),
    ),
)
def cache_sizes(n_layer: int, n_head: int, n_kv_head: int, d_head: int, n_prompt: int, n_new: int, *, bugs: Bugs = NONE) -> list[int]:
    kinds = 1 if "keys_only" in bugs else 3 if "queries" in bugs else 2
    size = 1 if "numbers" in bugs else 32 if "bits" in bugs else 4
    vector = (1 if "one_layer" in bugs else n_layer) * d_head * size
    every = vector * kinds * n_head
    groups = {"same": n_head, "size_of_group": n_head // n_kv_head, "one_group": 1}
    shared = vector * kinds * next((groups[bug] for bug in groups if bug in bugs), n_kv_head)
    if "half_grouped" in bugs:
        shared = vector * (n_head + (kinds - 1) * n_kv_head)
    read = n_prompt + n_new - 1
    held = read + bool(bugs & {"both_last", "last_kept"})
    held = n_new - 1 if "no_prompt" in bugs else held
    passed = n_new if "free_prompt" in bugs else read + bool(bugs & {"both_last", "last_passed"})
    first, last = n_prompt + ("one_later" in bugs), n_prompt + n_new + ("one_later" in bugs) - ("step_missing" in bugs)
    again = sum(range(first, last))
    if bugs & {"no_growth", "full_length"}:
        again = n_new * (n_prompt if "no_growth" in bugs else read)
    return [
        vector * kinds if "one_head" in bugs else every,
        shared,
        (every if "ungrouped" in bugs else shared) * held,
        passed,
        again,
    ]


# --- attention with a cache ---------------------------------------------------------------------------------


def _attend_cases(seed: int) -> list[Case]:
    draw = normal(seed)

    def case(fr: str, en: str, n_head: int, n_kv_head: int, d_head: int, n_past: int, n_new: int) -> Case:
        q, k, v = (draw(n, n_new, d_head) for n in (n_head, n_kv_head, n_kv_head))
        return Case(Text(fr, en), (2 * q, k, v, draw(n_kv_head, n_past, d_head), draw(n_kv_head, n_past, d_head)))

    return [
        case("un nouveau jeton, 5 passés", "one new token, 5 past ones", 3, 3, 7, 5, 1),
        case("3 nouveaux jetons, 4 passés", "3 new tokens, 4 past ones", 2, 2, 5, 4, 3),
        case("6 têtes en 2 groupes", "6 heads in 2 groups", 6, 2, 7, 3, 2),
        case("un cache encore vide", "a cache still empty", 4, 2, 3, 0, 5),
        case("toutes les têtes sur les mêmes clés", "all heads on the same keys", 5, 1, 6, 6, 2),
    ]


@exercise(
    title=Text("Une attention qui se souvient", "An attention that remembers"),
    skill=Text(
        "lire des jetons nouveaux avec les clés et les valeurs des anciens", "read new tokens with the keys and values of the old ones"
    ),
    level=3,
    minutes=25,
    points=5,
    cases=_attend_cases,
    mistakes={
        "no_past": Text(
            "Les nouveaux jetons ne regardent qu'eux-mêmes : les clés du cache ne servent pas.",
            "The new tokens look only at themselves: the keys of the cache are not used.",
        ),
        "past_only": Text(
            "Les nouveaux jetons ne regardent que le cache : ajoutez-y leurs clés et leurs valeurs avant de regarder, car chacun se voit aussi.",
            "The new tokens look only at the cache: add their keys and values to it before looking, for each sees itself too.",
        ),
        "past_first": Text(
            "Les nouveaux jetons passent avant ceux du cache : le texte se lit du plus ancien au plus récent, ajoutez-les à la fin.",
            "The new tokens come before those of the cache: the text goes from the oldest to the latest, so add them at the end.",
        ),
        "from_corner": Text(
            "Votre masque part du coin haut gauche : il prend la première requête pour le premier jeton du texte. La dernière requête est alignée sur la dernière clé.",
            "Your mask starts at the top left corner: it takes the first query for the first token of the text. The last query is aligned with the last key.",
        ),
        "no_mask": Text(
            "Un nouveau jeton voit ceux qui le suivent : quand il y en a plusieurs, il faut encore un masque causal.",
            "A new token sees those after it: when there are several, a causal mask is still needed.",
        ),
        "not_itself": Text(
            "Un nouveau jeton ne se voit pas lui-même : le masque doit garder la diagonale.",
            "A new token does not see itself: the mask must keep the diagonal.",
        ),
        "one_ahead": Text(
            "Votre masque ouvre une place de trop : chaque nouveau jeton voit le suivant.",
            "Your mask opens one place too many: each new token sees the next one.",
        ),
        "tiled": Text(
            "Vos groupes sont faits de têtes éloignées : les têtes d'un groupe se suivent. Répétez chaque clé sur place, non toute la série à la suite.",
            "Your groups are made of distant heads: the heads of a group follow one another. Repeat each key in place, not the whole series in a row.",
        ),
        "first_group": Text(
            "Toutes vos têtes lisent les clés et les valeurs du premier groupe : chaque groupe a les siennes.",
            "All your heads read the keys and values of the first group: each group has its own.",
        ),
        "wide_cache": Text(
            "Le cache que vous rendez est déjà répété pour chaque tête : il perd ce que les groupes épargnent. Répétez-le au moment de regarder.",
            "The cache that you return is already repeated for each head: it loses what the groups save. Repeat it when looking.",
        ),
        "new_only": Text(
            "Vous rendez les seules clés et valeurs nouvelles : le pas suivant aura oublié tout le passé.",
            "You return the new keys and values alone: the next step will have forgotten all the past.",
        ),
        "not_grown": Text(
            "Le cache que vous rendez n'a pas grandi : le pas suivant aura oublié les nouveaux jetons.",
            "The cache that you return has not grown: the next step will have forgotten the new tokens.",
        ),
        "exchanged": Text(
            "Vous rendez les valeurs avant les clés : l'ordre est le résultat, les clés, les valeurs.",
            "You return the values before the keys: the order is the result, the keys, the values.",
        ),
        "found_alone": Text(
            "Vous ne rendez que le résultat : il faut aussi les clés et les valeurs, pour le pas suivant.",
            "You return the result alone: the keys and values are needed too, for the next step.",
        ),
        "no_scale": Text("Il manque la division par √d_head.", "The division by √d_head is missing."),
        "full_scale": Text(
            "Vous divisez les scores par d_head : il faut sa racine.", "You divide the scores by d_head: it takes its root."
        ),
        "over_queries": Text(
            "Le softmax porte sur les requêtes : il doit porter sur les clés, le dernier axe.",
            "The softmax runs over the queries: it must run over the keys, the last axis.",
        ),
        "keys_as_values": Text(
            "Vous mélangez des clés : les poids doivent mélanger les valeurs.", "You mix keys: the weights must mix the values."
        ),
    },
    hints=(
        Text(
            "Trois gestes : allonger les clés et les valeurs, regarder, rendre. `torch.cat` prend l'axe des jetons.",
            "Three moves: lengthen the keys and the values, look, return. `torch.cat` takes the axis of the tokens.",
        ),
        Text(
            "Le nouveau jeton numéro i est le jeton i + P du texte. Que peut-il voir ?",
            "New token number i is token i + P of the text. What may it see?",
        ),
        Text(
            "`repeat_interleave(H // G, dim=0)` répète sur place les clés de chaque groupe, une fois par tête.",
            "`repeat_interleave(H // G, dim=0)` repeats in place the keys of each group, once a head.",
        ),
    ),
)
def attend_with_cache(q: Tensor, k: Tensor, v: Tensor, past_k: Tensor, past_v: Tensor, *, bugs: Bugs = NONE) -> object:
    joined = [(new, past) if "past_first" in bugs else (past, new) for new, past in ((k, past_k), (v, past_v))]
    all_k, all_v = (torch.cat(pair, dim=1) for pair in joined)
    read = (k, v) if "no_past" in bugs else (past_k, past_v) if "past_only" in bugs else (all_k, all_v)
    read_k, read_v = (_wide(x, len(q), bugs) for x in read)
    T, Tk, d_head = q.shape[1], read_k.shape[1], q.shape[2]
    scale = 1 if "no_scale" in bugs else d_head if "full_scale" in bugs else d_head**0.5
    offset = (0 if "from_corner" in bugs else Tk - T) + (1 if "one_ahead" in bugs else -1 if "not_itself" in bugs else 0)
    scores = q @ read_k.transpose(1, 2) / scale
    if not bugs & {"no_mask", "past_only"}:
        scores = scores.masked_fill(~torch.ones(T, Tk, dtype=torch.bool).tril(offset), -torch.inf)
    found = scores.softmax(1 if "over_queries" in bugs else 2) @ (read_k if "keys_as_values" in bugs else read_v)
    if "found_alone" in bugs:
        return found
    kept = (k, v) if "new_only" in bugs else (past_k, past_v) if "not_grown" in bugs else (all_k, all_v)
    if "wide_cache" in bugs:
        kept = (_wide(kept[0], len(q), bugs), _wide(kept[1], len(q), bugs))
    return found, *(kept[::-1] if "exchanged" in bugs else kept)


def _wide(x: Tensor, n_head: int, bugs: Bugs) -> Tensor:
    """The keys or values of each group, once for each of its heads."""
    n = n_head // len(x)
    if "first_group" in bugs:
        return x[:1].expand(n_head, -1, -1)
    return x.repeat(n, 1, 1) if "tiled" in bugs else x.repeat_interleave(n, dim=0)
