"""Exercises on the whole Transformer: its input and its size, with those of `decoder`, `training` and `warmup`."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
from d2lmini.exercises.sets.decoder import decoder_masks, greedy_decoding
from d2lmini.exercises.sets.training import padded_loss, teacher_forcing
from d2lmini.exercises.sets.warmup import warmup_rates
from d2lmini.i18n import Text
from d2lmini.trial import Case

BIASES = Text("Un biais a la taille de la sortie : d_ff, puis d.", "A bias has the size of the output: d_ff, then d.")

# --- embeddings and positions -------------------------------------------------------------------------------


def _embed_cases(seed: int) -> list[Case]:
    draw, generator = normal(seed), torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, *shape: int, V: int, d: int, n: int) -> Case:
        return Case(Text(fr, en), (torch.randint(V, shape, generator=generator), d**-0.5 * draw(V, d), draw(n, d)))

    return [
        case("un lot de trois, autant d'ondes que de places", "a batch of three, as many waves as places", 3, 5, V=11, d=8, n=5),
        case("une table d'ondes plus longue", "a longer table of waves", 2, 3, V=7, d=6, n=13),
        case("un seul jeton", "a single token", 1, 1, V=5, d=4, n=9),
        case("autant de textes que de places", "as many texts as places", 4, 4, V=10, d=2, n=11),
    ]


@exercise(
    title=Text("L'entrée du transformeur", "The entrance of the transformer"),
    skill=Text("changer des jetons en vecteurs qui portent leur place", "turn tokens into vectors that carry their place"),
    level=1,
    minutes=10,
    points=2,
    cases=_embed_cases,
    mistakes={
        "no_scale": Text(
            "Les plongements ne sont pas multipliés par √d_model : de norme 1 environ, ils pèsent peu face aux ondes.",
            "The embeddings are not multiplied by √d_model: of norm 1 or so, they weigh little against the waves.",
        ),
        "over_root": Text(
            "Vous divisez par √d_model : c'est le facteur des scores de l'attention. Ici la table est petite, et il faut multiplier.",
            "You divide by √d_model: that is the factor of attention scores. Here the table is small and must be multiplied.",
        ),
        "times_d": Text(
            "Vous multipliez par d_model, et non par sa racine : les ondes seraient noyées.",
            "You multiply by d_model, not by its square root: the waves would be drowned.",
        ),
        "scale_all": Text(
            "Vous multipliez aussi les ondes : le facteur ne porte que sur les plongements, avant l'addition.",
            "You multiply the waves too: the factor applies to the embeddings only, before the addition.",
        ),
        "scale_waves": Text(
            "Vous multipliez les ondes au lieu des plongements : la place noierait le jeton.",
            "You multiply the waves instead of the embeddings: the place would drown the token.",
        ),
        "vocabulary": Text(
            "Vous prenez la racine du nombre de jetons du vocabulaire : le facteur est la racine de la taille d'un plongement, le second axe de la table.",
            "You take the root of the number of tokens in the vocabulary: the factor is the root of an embedding's size, the second axis of the table.",
        ),
        "text_length": Text(
            "Vous prenez la racine de la longueur du texte : le facteur est la racine de la taille d'un plongement.",
            "You take the root of the length of the text: the factor is the root of an embedding's size.",
        ),
        "no_waves": Text(
            "Les ondes manquent : le modèle ne saurait plus dans quel ordre sont les jetons.",
            "The waves are missing: the model would not know the order of the tokens.",
        ),
        "product": Text(
            "Vous multipliez par les ondes : elles s'ajoutent aux plongements.",
            "You multiply by the waves: they are added to the embeddings.",
        ),
        "by_token": Text(
            "Vous choisissez les ondes par le numéro du jeton : l'onde dépend de la place, 0, 1, 2…, quel que soit le jeton.",
            "You pick waves by the number of the token: a wave depends on the place, 0, 1, 2…, whatever the token.",
        ),
        "by_row": Text(
            "L'onde change d'un texte à l'autre, et non d'une place à l'autre : c'est l'axe T qu'elle doit suivre.",
            "The wave changes from one text to another, not from one place to another: it must follow axis T.",
        ),
        "batch_length": Text(
            "Vous prenez B ondes, une par texte : il en faut T, une par place. `len(tokens)` compte les textes du lot.",
            "You take B waves, one per text: T are needed, one per place. `len(tokens)` counts the texts of the batch.",
        ),
        "one_wave": Text(
            "Toutes les places reçoivent la même onde : chacune a la sienne.", "All places receive the same wave: each has its own."
        ),
        "late": Text(
            "Vos ondes commencent à la place 1 : le premier jeton est à la place 0.",
            "Your waves begin at place 1: the first token is at place 0.",
        ),
        "last": Text(
            "Vous prenez les dernières ondes de la table : le texte commence à la place 0.",
            "You take the last waves of the table: the text begins at place 0.",
        ),
        "whole": Text(
            "Vous ajoutez toute la table des ondes : le texte est plus court, n'en gardez que les T premières.",
            "You add the whole table of waves: the text is shorter, keep only its first T ones.",
        ),
    },
    hints=(
        Text(
            "Indexer une table par un tenseur d'entiers (B, T) choisit toutes les lignes d'un coup : le résultat est (B, T, d_model).",
            "Indexing a table by an integer tensor (B, T) picks all the rows at once: the result is (B, T, d_model).",
        ),
        Text(
            "Un plongement est une ligne de d_model nombres d'écart type 1/√d_model : sa norme est 1 environ. Celle d'une onde est √(d_model/2).",
            "An embedding is a row of d_model numbers of standard deviation 1/√d_model: its norm is 1 or so. That of a wave is √(d_model/2).",
        ),
        Text(
            "Les T premières ondes ont la forme (T, d_model) : elles se diffusent toutes seules sur le lot.",
            "The first T waves have shape (T, d_model): they broadcast over the batch by themselves.",
        ),
    ),
)
def embed_tokens(tokens: Tensor, table: Tensor, waves: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    (B, T), (V, d) = tokens.shape, table.shape
    x = table[tokens]
    power = {"no_scale": 1.0, "scale_waves": 1.0, "over_root": d**-0.5, "times_d": d, "vocabulary": V**0.5, "text_length": T**0.5}
    scale = next((power[bug] for bug in power if bug in bugs), d**0.5)
    if "by_token" in bugs:
        wave = waves[tokens]
    elif "by_row" in bugs:
        wave = waves[:B, None]
    elif "one_wave" in bugs:
        wave = waves[0]
    else:
        first, n = ("late" in bugs) + (len(waves) - T) * ("last" in bugs), B if "batch_length" in bugs else T
        wave = waves if "whole" in bugs else waves[first : first + n]
    if bugs & {"scale_all", "scale_waves"}:
        wave = d**0.5 * wave
    return scale * x if "no_waves" in bugs else scale * x * wave if "product" in bugs else scale * x + wave


# --- the size of a Transformer ------------------------------------------------------------------------------


def _sizes(seed: int) -> tuple:
    """N, H, d_model, d_ff and V, small enough for pen and paper."""
    generator = torch.Generator().manual_seed(seed)
    pick = lambda *values: values[int(torch.randint(len(values), (), generator=generator))]  # noqa: E731
    return pick(2, 3, 4, 5), pick(2, 4), pick(16, 24, 32, 40), pick(50, 70, 90, 100), pick(211, 307, 401, 503)


@question(
    title=Text("Combien de paramètres ?", "How many parameters?"),
    skill=Text("compter les paramètres d'un transformeur, pièce par pièce", "count the parameters of a transformer, part by part"),
    level=2,
    minutes=20,
    points=3,
    given=_sizes,
    mistakes={
        "no_output": Text(
            "L'attention a quatre matrices : vous oubliez celle qui recombine les têtes, à la sortie.",
            "An attention has four matrices: you forgot the one that recombines the heads, at its output.",
        ),
        "no_bias": Text(
            "Chaque matrice de l'attention a aussi un biais, de taille d_model.",
            "Each matrix of attention has a bias too, of size d_model.",
        ),
        "per_head": Text(
            "Vous comptez une attention entière par tête : les têtes se partagent les mêmes matrices, leur nombre ne change rien.",
            "You count a whole attention per head: the heads share the same matrices, their number changes nothing.",
        ),
        "small_heads": Text(
            "Chaque tête lit les d_model coordonnées du jeton : ses matrices sont d_head × d_model, et non d_head × d_head.",
            "Each head reads the d_model coordinates of the token: its matrices are d_head × d_model, not d_head × d_head.",
        ),
        "second_bias": Text(
            "Le réseau a un second biais, celui de la couche qui revient à d_model.",
            "The network has a second bias, that of the layer that comes back to d_model.",
        ),
        "network_bias": Text(
            "Le réseau a deux biais, de tailles d_ff et d_model.", "The network has two biases, of sizes d_ff and d_model."
        ),
        "one_matrix": Text(
            "Le réseau a deux matrices, une qui élargit et une qui rétrécit : vous n'en comptez qu'une.",
            "The network has two matrices, one that widens and one that narrows: you count only one.",
        ),
        "no_norm": Text(
            "Les normalisations apprennent : deux par bloc d'encodeur, trois par bloc de décodeur.",
            "The normalizations learn: two per encoder block, three per decoder block.",
        ),
        "gain_only": Text(
            "Une normalisation apprend un gain et un décalage : 2d nombres, et non d.",
            "A normalization learns a gain and a shift: 2d numbers, not d.",
        ),
        "one_norm": Text(
            "Vous comptez une normalisation par bloc : il y en a une après chaque sous-couche.",
            "You count one normalization per block: there is one after each sub-layer.",
        ),
        "no_cross": Text(
            "Le bloc du décodeur a deux attentions, la causale et la croisée, et une normalisation de plus que celui de l'encodeur.",
            "The decoder's block has two attentions, the causal and the cross one, and one more normalization than the encoder's.",
        ),
        "two_norms": Text(
            "Le bloc du décodeur a trois normalisations, une après chaque sous-couche : vous en comptez deux.",
            "The decoder's block has three normalizations, one after each sub-layer: you count two.",
        ),
        "blocks": Text(
            "Vos troisième et quatrième nombres sont ceux d'un seul bloc : on demande ceux de toute la pile.",
            "Your third and fourth numbers are those of a single block: give those of the whole stack.",
        ),
        "one_block": Text(
            "Vous comptez un seul bloc par pile : les N blocs ne partagent pas leurs poids.",
            "You count a single block per stack: the N blocks do not share their weights.",
        ),
        "three_tables": Text(
            "Vous comptez trois tables, source, cible et sortie : ici c'est la même, une seule fois.",
            "You count three tables, source, target and output: here it is the same one, counted once.",
        ),
        "two_tables": Text(
            "Vous comptez deux tables : ici la même sert aux deux entrées et, transposée, à la sortie.",
            "You count two tables: here the same one serves both inputs and, transposed, the output.",
        ),
        "no_table": Text("Le total oublie la table des plongements.", "The total forgets the table of embeddings."),
        "no_output_bias": Text(
            "Le total oublie le biais de sortie : un nombre par jeton du vocabulaire.",
            "The total forgets the output bias: one number per token of the vocabulary.",
        ),
        "final_norms": Text(
            "Vous ajoutez une normalisation après chaque pile, comme PyTorch : le transformeur de 2017 n'en a pas.",
            "You add a normalization after each stack, as PyTorch does: the transformer of 2017 has none.",
        ),
        "stack_norms": Text("Pas de normalisation après les piles, ici.", "No normalization after the stacks, here."),
        "one_attention": Text("Le bloc du décodeur a deux attentions.", "The decoder's block has two attentions."),
        "sum_of_four": Text(
            "Une attention et un réseau sont déjà dans les piles.", "One attention and one network are already in the stacks."
        ),
        "narrow_bias": BIASES,
        "wide_biases": BIASES,
        "shared_bias": Text("Les quatre couches de l'attention ont chacune leur biais.", "The four layers of attention have a bias each."),
        "output_bias_d": Text(
            "Le biais de sortie a un nombre par jeton du vocabulaire, V, et non d.",
            "The output bias has one number per token of the vocabulary, V, not d.",
        ),
    },
    hints=(
        Text(
            "Une couche linéaire de n vers m a une matrice de m × n nombres et un biais de m nombres.",
            "A linear layer from n to m has a matrix of m × n numbers and a bias of m numbers.",
        ),
        Text(
            "Un bloc d'encodeur : une attention, un réseau, deux normalisations. Un bloc de décodeur : deux, un, trois.",
            "An encoder block: one attention, one network, two normalizations. A decoder block: two, one, three.",
        ),
        Text(
            "Le total ajoute aux deux piles une table de V lignes et un biais de V nombres. Ondes, abandon et additions n'apprennent rien.",
            "The total adds to the two stacks a table of V rows and a bias of V numbers. Waves, dropout and additions learn nothing.",
        ),
    ),
)
def transformer_parameters(N: int, H: int, d: int, d_ff: int, V: int, *, bugs: Bugs = NONE) -> list[int]:
    width = d // H if "small_heads" in bugs else d
    attention = (3 if "no_output" in bugs else 4) * (d * width + ("no_bias" not in bugs) * d) * (H if "per_head" in bugs else 1)
    if "shared_bias" in bugs:
        attention = 4 * d * d + d
    biases = {"network_bias": 0, "second_bias": d_ff, "narrow_bias": d, "wide_biases": 2 * d_ff}
    network = (1 if "one_matrix" in bugs else 2) * d * d_ff + next((biases[bug] for bug in biases if bug in bugs), d_ff + d)
    norm = 0 if "no_norm" in bugs else d if "gain_only" in bugs else 2 * d
    encoder, decoder = attention + network + 2 * norm, (1 if "one_attention" in bugs else 2) * attention + network + 3 * norm
    if bugs & {"one_norm", "two_norms"}:
        encoder, decoder = encoder - norm * ("one_norm" in bugs), decoder - norm * (2 if "one_norm" in bugs else 1)
    if "no_cross" in bugs:
        decoder = encoder
    stacks = [(1 if "one_block" in bugs else N) * block + 2 * d * ("stack_norms" in bugs) for block in (encoder, decoder)]
    table = V * d * (3 if "three_tables" in bugs else 2 if "two_tables" in bugs else 0 if "no_table" in bugs else 1)
    rest = 0 if "no_output_bias" in bugs else d if "output_bias_d" in bugs else V
    total = sum(stacks) + table + rest + ("final_norms" in bugs) * 4 * d + ("sum_of_four" in bugs) * (attention + network)
    return [attention, network, *([encoder, decoder] if "blocks" in bugs else stacks), total]


SET = (teacher_forcing, embed_tokens, decoder_masks, padded_loss, greedy_decoding, transformer_parameters, warmup_rates)
