"""Exercises on heads, continued: share keys and values between heads, and count what that saves."""

from typing import Any

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- grouped attention --------------------------------------------------------------------------------------


def _grouped_cases(seed: int) -> list[Case]:
    draw = normal(seed)

    def sizes(B: int, H: int, G: int, Tq: int, Tk: int, d_head: int) -> tuple:
        return draw(B, H, Tq, d_head), draw(B, G, Tk, d_head), draw(B, G, Tk, d_head)

    return [
        Case(Text("6 têtes, 2 jeux", "6 heads, 2 sets"), sizes(2, 6, 2, 5, 5, 4)),
        Case(Text("6 têtes, 3 jeux", "6 heads, 3 sets"), sizes(2, 6, 3, 4, 4, 5)),
        Case(Text("une requête, 7 jetons en cache", "one query, 7 tokens in the cache"), sizes(3, 4, 2, 1, 7, 5)),
        Case(Text("un seul jeu pour 3 têtes", "a single set for 3 heads"), sizes(2, 3, 1, 5, 5, 4)),
        Case(Text("un jeu par tête", "one set a head"), sizes(2, 3, 3, 4, 4, 2)),
    ]


@exercise(
    title=Text("Des clés pour plusieurs têtes", "Keys for several heads"),
    skill=Text("partager clés et valeurs entre des groupes de têtes", "share keys and values between groups of heads"),
    level=2,
    minutes=15,
    points=3,
    cases=_grouped_cases,
    mistakes={
        "cyclic": Text(
            "Les jeux sont distribués à tour de rôle. Ils doivent l'être par blocs : les premières têtes partagent le premier jeu, les suivantes le deuxième.",
            "The sets are dealt in turn. They must be dealt in blocks: the first heads share the first set, the next ones the second.",
        ),
        "first_only": Text(
            "Toutes les têtes lisent le premier jeu : c'est l'attention multi-requêtes, et les autres jeux ne servent pas.",
            "All heads read the first set: that is multi-query attention, and the other sets are not used.",
        ),
        "averaged": Text(
            "Vous faites la moyenne des jeux : les groupes ne se distinguent plus. Chacun doit lire le sien, intact.",
            "You take the mean of the sets: groups no longer differ. Each must read its own, untouched.",
        ),
        "by_sets": Text(
            "Le jeu de la tête h se trouve en divisant h par la taille d'un groupe, H / G, et non par le nombre de jeux, G.",
            "The set of head h is found by dividing h by the size of a group, H / G, not by the number of sets, G.",
        ),
        "sets_for_group": Text(
            "Chaque jeu est répété G fois, G étant le nombre de jeux : il doit l'être une fois par tête de son groupe, soit H / G.",
            "Each set is repeated G times, G being the number of sets: it must be repeated once for each head of its group, that is H / G.",
        ),
        "not_repeated": Text(
            "H têtes de requêtes ne s'alignent pas sur G jeux : répétez les clés et les valeurs sur l'axe 1, celui des jeux, pour que chacune serve à H / G têtes.",
            "H heads of queries do not align with G sets: repeat keys and values along axis 1, that of the sets, so that each serves H / G heads.",
        ),
        "five_axes": Text(
            "L'attention est juste, mais les groupes ont gardé leur axe : G groupes de H / G têtes font de nouveau H têtes.",
            "Attention is right, but the groups have kept their axis: G groups of H / G heads make H heads again.",
        ),
        "heads_first": Text(
            "Les têtes sont empilées devant le lot, qui doit rester le premier axe.",
            "The heads are stacked before the batch, which must stay the first axis.",
        ),
        "joined": Text(
            "Les têtes sont déjà bout à bout : on demande ici la forme (B, H, Tq, d_head), avant le recollage.",
            "The heads are already end to end: here the shape (B, H, Tq, d_head) is asked for, before they are joined.",
        ),
        "flattened": Text(
            "`repeat_interleave` aplatit tout quand on ne lui dit pas sur quel axe répéter.",
            "`repeat_interleave` flattens everything when it is not told along which axis to repeat.",
        ),
        "one_a_group": Text(
            "Vous rendez une réponse par groupe : chaque tête de requêtes doit avoir la sienne.",
            "You return one answer a group: each head of queries must have its own.",
        ),
    },
    hints=(
        Text(
            "Avec 6 têtes et 2 jeux : lesquelles lisent le premier jeu ? Écrivez la liste des numéros de jeu, tête par tête.",
            "With 6 heads and 2 sets: which ones read the first set? Write the list of set numbers, head by head.",
        ),
        Text(
            "`repeat` recopie le tout, 0 1 0 1 0 1 ; une autre opération recopie chaque élément sur place, 0 0 0 1 1 1.",
            "`repeat` copies the whole, 0 1 0 1 0 1; another operation copies each element in place, 0 0 0 1 1 1.",
        ),
        Text(
            "Répétez les clés et les valeurs H / G fois sur l'axe 1, puis faites l'attention ordinaire.",
            "Repeat keys and values H / G times along axis 1, then do ordinary attention.",
        ),
    ),
)
def grouped_attention(q: Tensor, k: Tensor, v: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    H, G = q.shape[1], k.shape[1]
    if "one_a_group" in bugs:
        q = q.unflatten(1, (G, H // G)).mean(2)
        H = G
    if "flattened" in bugs:
        k.repeat_interleave(H // G).transpose(-2, -1)
    sets = [h // (H // G) for h in range(H)]
    if "cyclic" in bugs:
        sets = [h % G for h in range(H)]
    if "by_sets" in bugs:
        sets = [h // G for h in range(H)]
    if "sets_for_group" in bugs:
        sets = [g for g in range(G) for _ in range(G)]
    if "not_repeated" in bugs:
        sets = list(range(G))
    if "first_only" in bugs:
        sets = [0] * H
    if "averaged" in bugs:
        k, v = k.mean(1, keepdim=True).expand_as(k), v.mean(1, keepdim=True).expand_as(v)
    k, v = k[:, sets], v[:, sets]
    out = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1) @ v
    if "five_axes" in bugs:
        return out.unflatten(1, (G, H // G))
    if "heads_first" in bugs:
        return out.transpose(0, 1)
    return out.transpose(1, 2).flatten(2) if "joined" in bugs else out


PER_HEAD = Text(
    "Vous comptez quatre matrices (d_model, d_model) pour chaque tête. Les têtes se partagent la largeur : le total ne dépend pas de leur nombre.",
    "You count four matrices (d_model, d_model) for each head. Heads share the width: the total does not depend on their number.",
)
NARROW = Text(
    "Seules les projections des clés et des valeurs rétrécissent : les requêtes et W_O gardent toutes les têtes.",
    "Only the projections of keys and values get narrower: the queries and W_O keep all the heads.",
)

# --- what it saves ------------------------------------------------------------------------------------------


def _sizes(seed: int) -> tuple:
    """d_model, heads, sets of keys and values (fewer than heads, more than one), tokens."""
    generator = torch.Generator().manual_seed(seed)

    def pick(*choices: Any) -> Any:
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    n_head, n_kv_head = pick((12, 3), (12, 4), (15, 3), (15, 5), (20, 4), (20, 5))  # never a square: H / G would be G
    return n_head * pick(4, 5, 8, 10), n_head, n_kv_head, pick(30, 50, 100)


@question(
    title=Text("Le budget d'une couche", "The budget of a layer"),
    skill=Text(
        "compter paramètres, poids d'attention et cache, avec et sans partage",
        "count parameters, attention weights and cache, with and without sharing",
    ),
    level=2,
    minutes=15,
    points=3,
    given=_sizes,
    mistakes={
        "no_bias": Text(
            "Les biais manquent : chaque projection ajoute un nombre par coordonnée de sortie.",
            "The biases are missing: each projection adds one number for each output coordinate.",
        ),
        "no_w_o": Text(
            "Vous comptez trois projections : il y en a une quatrième, W_O, qui mélange les réponses des têtes.",
            "You count three projections: there is a fourth, W_O, which mixes the answers of the heads.",
        ),
        "per_head": PER_HEAD,
        "wide_per_head": PER_HEAD,
        "unchanged": Text(
            "Le partage ne change rien à votre compte : avec n_kv_head jeux, deux des quatre projections rétrécissent.",
            "Sharing changes nothing in your count: with n_kv_head sets, two of the four projections get narrower.",
        ),
        "proportional": Text(
            "Vous réduisez tout dans le rapport n_kv_head / n_head : les requêtes et W_O gardent toutes les têtes.",
            "You reduce everything by the ratio n_kv_head / n_head: the queries and W_O keep all the heads.",
        ),
        "one_set": Text(
            "Vous projetez vers une seule clé et une seule valeur de d_head nombres : il y en a n_kv_head de chaque.",
            "You project to a single key and a single value of d_head numbers: there are n_kv_head of each.",
        ),
        "all_narrow": NARROW,
        "narrow_queries": NARROW,
        "split_by_sets": Text(
            "Les clés d'un jeton font n_kv_head · d_head nombres, et d_head est d_model / n_head, même quand on partage : vous prenez d_model / n_kv_head.",
            "The keys of a token make n_kv_head · d_head numbers, and d_head is d_model / n_head, even with sharing: you take d_model / n_kv_head.",
        ),
        "keys_only": Text(
            "Vous ne rétrécissez que la projection des clés : les valeurs sont partagées aussi.",
            "You make only the projection of keys narrower: values are shared too.",
        ),
        "wide_bias": Text(
            "Un biais a la taille de la sortie de sa projection : ceux des clés et des valeurs rétrécissent avec elle.",
            "A bias has the size of its projection's output: those of keys and values get narrower with it.",
        ),
        "one_table": Text(
            "Vous comptez un seul tableau de poids : chaque tête a le sien.", "You count a single table of weights: each head has its own."
        ),
        "table_a_set": Text(
            "Partager les clés ne réduit pas les tableaux de poids : il en faut toujours un par tête de requêtes.",
            "Sharing keys does not reduce the tables of weights: one for each head of queries is still needed.",
        ),
        "causal": Text(
            "Sans masque : toutes les paires.",
            "Without a mask: all pairs.",
        ),
        "whole_cache": Text(
            "Vous gardez les clés et les valeurs de toutes les têtes : le cache n'a besoin que d'un exemplaire par jeu.",
            "You keep the keys and values of all heads: the cache needs only one copy a set.",
        ),
        "one_vector": Text(
            "Le cache garde les clés et les valeurs : deux vecteurs, et non un.", "The cache keeps keys and values: two vectors, not one."
        ),
        "wide_cache": Text(
            "Une clé ou une valeur n'a que d_head nombres, et non d_model.", "A key or a value has only d_head numbers, not d_model."
        ),
        "one_set_cached": Text(
            "Vous gardez une seule clé et une seule valeur par jeton : il y en a n_kv_head de chaque.",
            "You keep a single key and a single value a token: there are n_kv_head of each.",
        ),
        "cached_by_sets": Text(
            "Dans le cache, les clés d'un jeton font n_kv_head · d_head nombres, ses valeurs autant : vous en gardez d_model / n_kv_head de chaque.",
            "In the cache, the keys of a token make n_kv_head · d_head numbers, and so do its values: you keep d_model / n_kv_head of each.",
        ),
        "queries_cached": Text(
            "Les requêtes ne vont pas dans le cache : une fois le jeton lu, la sienne ne sert plus.",
            "Queries do not go to the cache: once the token is read, its own serves no more.",
        ),
        "bytes": Text(
            "Vous comptez des octets, à deux par nombre : on demande le nombre de nombres.",
            "You count bytes, two a number: the question asks how many numbers.",
        ),
        "one_token": Text("Vous comptez le cache d'un seul jeton.", "You count the cache of a single token."),
    },
    hints=(
        Text(
            "Une projection de n nombres vers m nombres a n·m poids et m biais. Faites la liste des quatre projections et de leurs tailles.",
            "A projection from n numbers to m numbers has n·m weights and m biases. List the four projections and their sizes.",
        ),
        Text(
            "d_head = d_model / n_head ne change pas quand on partage ; les clés d'un jeton font n_kv_head · d_head nombres.",
            "d_head = d_model / n_head does not change when heads share; the keys of a token make n_kv_head · d_head numbers.",
        ),
        Text(
            "Un poids d'attention par paire de jetons et par tête de requêtes ; dans le cache, une clé et une valeur par jeton et par jeu.",
            "One attention weight for each pair of tokens and each head of queries; in the cache, a key and a value for each token and each set.",
        ),
    ),
)
def head_budget(d_model: int, n_head: int, n_kv_head: int, n_token: int, *, bugs: Bugs = NONE) -> list[int]:
    d_head = d_model // n_head

    def parameters(n_set: int) -> int:
        if n_set < n_head and "proportional" in bugs:
            return parameters(n_head) * n_set // n_head
        if n_set < n_head and ("one_set" in bugs or "unchanged" in bugs):
            n_set = 1 if "one_set" in bugs else n_head
        narrow = d_model // n_set if n_set < n_head and "split_by_sets" in bugs else n_set * d_head
        keys = values = (d_model, narrow)
        if "keys_only" in bugs and "narrow_queries" not in bugs:  # together they would count right
            values = d_model, d_model
        outside = (narrow if bugs & {"all_narrow", "narrow_queries"} else d_model, narrow if "all_narrow" in bugs else d_model)
        layers = [(d_model, outside[0]), keys, values] + [(outside[1], d_model)] * ("no_w_o" not in bugs)
        biases = sum(d_model if "wide_bias" in bugs else m for _, m in layers)
        total = sum(n * m for n, m in layers) + (0 if "no_bias" in bugs else biases)
        return total * n_head if "per_head" in bugs or (n_set == n_head and "wide_per_head" in bugs) else total

    tables = 1 if "one_table" in bugs else n_kv_head if "table_a_set" in bugs else n_head
    pairs = n_token * (n_token + 1) // 2 if "causal" in bugs else n_token**2
    width = d_model if "wide_cache" in bugs else d_head
    kept = 1 if "one_set_cached" in bugs else n_head if "whole_cache" in bugs else n_kv_head
    cache = (1 if "one_vector" in bugs else 4 if "bytes" in bugs else 2) * kept * width
    cache = 2 * d_model // n_kv_head if "cached_by_sets" in bugs else cache + d_model if "queries_cached" in bugs else cache
    return [parameters(n_head), parameters(n_kv_head), tables * pairs, cache * (1 if "one_token" in bugs else n_token)]
