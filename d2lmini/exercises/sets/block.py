"""Exercises on the block: its norms and its gated network, the whole of it, its parameters."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal, question
from d2lmini.exercises.sets.gated import swiglu
from d2lmini.exercises.sets.norms import layer_norm, residual_connection, rms_norm
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- the whole block ----------------------------------------------------------------------------------------


@cache  # many pairs of mistakes are tried on them
def _block_cases(seed: int) -> list[Case]:
    draw = normal(seed)

    def weights(d_model: int, d_ff: int) -> dict:
        def matrix(n_out: int, n_in: int) -> Tensor:
            return draw(n_out, n_in) / n_in**0.5

        def norm() -> Tensor:
            return torch.stack([1 + 0.3 * draw(d_model), 0.5 * draw(d_model)])

        projections = torch.stack([matrix(d_model, d_model) for _ in range(4)])
        return {
            "norm_1": norm(),
            "w_qkv": projections[:3],
            "w_o": projections[3],
            "norm_2": norm(),
            "w_1": matrix(d_ff, d_model),
            "w_2": matrix(d_model, d_ff),
        }

    causal = torch.ones(4, 4, dtype=torch.bool).tril()
    return [
        Case(Text("un lot de deux, trois têtes", "a batch of two, three heads"), (1 + 2 * draw(2, 5, 12), weights(12, 7), 3)),
        Case(Text("un masque causal, deux têtes", "a causal mask, two heads"), (1 + 2 * draw(1, 4, 10), weights(10, 13), 2, causal)),
        Case(Text("un seul jeton", "a single token"), (1 + 2 * draw(2, 1, 6), weights(6, 11), 2)),
    ]


def _heads(y: Tensor, weights: dict, n_head: int, mask: Tensor | None, bugs: Bugs) -> Tensor:
    B, T, d_model = y.shape
    n_head = 1 if "one_head" in bugs else n_head
    d_head = d_model // n_head

    def project(x: Tensor, w: Tensor) -> Tensor:
        return x @ (w if "not_turned" in bugs else w.T)

    def split(x: Tensor) -> Tensor:
        return x.reshape(B, n_head, T, d_head) if "reshaped" in bugs else x.reshape(B, T, n_head, d_head).transpose(1, 2)

    q, k, v = (split(project(y, w)) for w in weights["w_qkv"])
    size = 1 if "no_scale" in bugs else d_model if "wide_scale" in bugs else d_head
    scores = q @ k.transpose(-2, -1) / size**0.5
    if mask is not None and "no_mask" not in bugs:
        scores = scores.masked_fill(mask if "inverted" in bugs else ~mask, -torch.inf)
    found = scores.softmax(-1) @ v
    merged = (found if bugs & {"reshaped", "not_merged"} else found.transpose(1, 2)).reshape(B, T, d_model)
    return merged if "no_o" in bugs else project(merged, weights["w_o"])


@exercise(
    title=Text("Le bloc entier", "The whole block"),
    skill=Text("assembler un bloc en pré-normalisation à partir de ses poids", "assemble a pre-norm block from its weights"),
    level=3,
    minutes=30,
    points=5,
    cases=_block_cases,
    mistakes={
        "post_norm": Text(
            "Vous normalisez après chaque addition : c'est le montage de 2017. Ici la normalisation est à l'entrée de chaque pièce.",
            "You normalize after each addition: that is the arrangement of 2017. Here the norm stands at the entrance of each part.",
        ),
        "normed_path": Text(
            "Vous ajoutez le résultat de chaque pièce au flux normalisé. Le flux doit passer tel quel ; seule la pièce reçoit x normalisé.",
            "You add the result of each part to the normalized stream. The stream must go through as it is; only the part receives the normalized x.",
        ),
        "no_path_1": Text(
            "Le premier détour remplace le flux au lieu de s'y ajouter : ce que portait x est perdu.",
            "The first detour replaces the stream instead of adding to it: what x carried is lost.",
        ),
        "no_path_2": Text(
            "Le second détour remplace le flux au lieu de s'y ajouter : il ne reste que ce que dit le réseau.",
            "The second detour replaces the stream instead of adding to it: only what the network says remains.",
        ),
        "lost": Text(
            "L'apport de l'attention se perd : le réseau le lit, mais vous ajoutez au flux d'avant l'attention.",
            "What attention contributes is lost: the network reads it, but you add to the stream as it was before attention.",
        ),
        "parallel": Text(
            "Le réseau lit le flux d'avant l'attention : il doit lire ce que l'attention vient d'y ajouter.",
            "The network reads the stream as it was before attention: it must read what attention has just added.",
        ),
        "same_norm": Text(
            "Les deux détours emploient la même normalisation : chacun a la sienne, avec son gain et son décalage.",
            "Both detours use the same norm: each has its own, with its gain and its shift.",
        ),
        "one_norm": Text("Le réseau reçoit le flux sans normalisation.", "The network receives the stream without a norm."),
        "bare_norms": Text(
            "Le gain et le décalage des normalisations ne sont pas utilisés.", "The gains and shifts of the norms are not used."
        ),
        "one_head": Text(
            "`n_head` n'est pas utilisé : une seule tête voit toutes les coordonnées.",
            "`n_head` is not used: a single head sees all the coordinates.",
        ),
        "reshaped": Text(
            "Vous passez directement à la forme (B, H, T, d_head) : les nombres de jetons différents se mélangent. Découpez le dernier axe, puis échangez deux axes.",
            "You go straight to shape (B, H, T, d_head): numbers of different tokens get mixed. Cut the last axis, then swap two axes.",
        ),
        "not_merged": Text(
            "Au retour des têtes, il manque l'échange des deux axes : la sortie d'un jeton réunit des morceaux de plusieurs autres.",
            "On the way back from the heads, the two axes are not swapped: the output of a token gathers pieces of several others.",
        ),
        "no_scale": Text("Les scores ne sont pas divisés par √d_head.", "The scores are not divided by √d_head."),
        "wide_scale": Text(
            "Vous divisez les scores par √d_model : chaque tête n'a que d_head coordonnées.",
            "You divide the scores by √d_model: each head has only d_head coordinates.",
        ),
        "no_mask": Text("Le masque n'est pas utilisé.", "The mask is not used."),
        "inverted": Text(
            "Le masque est inversé : ici True veut dire « a le droit de regarder ».", 'The mask is inverted: here True means "may attend".'
        ),
        "no_o": Text(
            "Il manque la matrice `w_o`, qui mêle ce que les têtes ont trouvé.",
            "The matrix `w_o`, which mixes what the heads found, is missing.",
        ),
        "not_turned": Text(
            "Les matrices de l'attention ne sont pas transposées : `nn.Linear` range une sortie par ligne. Elles sont carrées, et rien ne vous prévient.",
            "The matrices of attention are not transposed: `nn.Linear` stores one output per row. They are square, and nothing warns you.",
        ),
        "no_relu": Text(
            "Il manque ReLU : sans elle, les deux couches du réseau n'en font qu'une.",
            "ReLU is missing: without it, the two layers of the network are just one.",
        ),
    },
    hints=(
        Text(
            "Écrivez d'abord deux fonctions, l'attention et le réseau, de (B, T, d_model) vers (B, T, d_model). Le bloc tient alors en deux lignes.",
            "First write two functions, attention and the network, from (B, T, d_model) to (B, T, d_model). The block then takes two lines.",
        ),
        Text(
            "Chacune des deux lignes est une addition, et la seconde part du résultat de la première.",
            "Each of the two lines is an addition, and the second starts from the result of the first.",
        ),
        Text(
            "Pour les têtes : `unflatten(-1, (n_head, d_head))`, puis `transpose(1, 2)` ; au retour, l'inverse, et `w_o` en dernier.",
            "For the heads: `unflatten(-1, (n_head, d_head))`, then `transpose(1, 2)`; on the way back the reverse, and `w_o` last.",
        ),
    ),
)
def encoder_block(x: Tensor, weights: dict, n_head: int, mask: Tensor | None = None, *, bugs: Bugs = NONE) -> Tensor:
    def norm(y: Tensor, name: str) -> Tensor:
        gain, shift = (None, None) if "bare_norms" in bugs else weights[name]
        return F.layer_norm(y, y.shape[-1:], gain, shift)

    def feed_forward(y: Tensor) -> Tensor:
        wide = y @ weights["w_1"].T
        return (wide if "no_relu" in bugs else wide.relu()) @ weights["w_2"].T

    second = "norm_1" if "same_norm" in bugs else "norm_2"
    if "post_norm" in bugs:
        x = norm(x + _heads(x, weights, n_head, mask, bugs), "norm_1")
        return norm(x + feed_forward(x), second)
    normed = norm(x, "norm_1")
    added = _heads(normed, weights, n_head, mask, bugs)
    after = added if "no_path_1" in bugs else added + (normed if "normed_path" in bugs else x)
    read = x if "parallel" in bugs else after
    normed = read if "one_norm" in bugs else norm(read, second)
    added = feed_forward(normed)
    if "no_path_2" in bugs:
        return added
    return added + (normed if "normed_path" in bugs else x if "lost" in bugs else after)


# --- its parameters -----------------------------------------------------------------------------------------


def _sizes(seed: int) -> tuple:
    """T, d_model, n_head and d_ff, a multiple of 6 so that two thirds of it, half of it and one and a half of it are integers."""
    generator = torch.Generator().manual_seed(seed)
    n_head, d_head, length, k = (int(torch.randint(*ends, (), generator=generator)) for ends in ((2, 5), (4, 8), (9, 15), (5, 11)))
    d_model = n_head * d_head
    k += 6 * k in (3 * d_model, 4 * d_model)  # where two mistakes would give the same count
    return length, d_model, n_head, 6 * k


@question(
    title=Text("Compter deux blocs", "Count two blocks"),
    skill=Text("compter un bloc de 2017 et un bloc d'aujourd'hui, pièce par pièce", "count a block of 2017 and one of today, part by part"),
    level=2,
    minutes=15,
    points=4,
    given=_sizes,
    mistakes={
        "no_biases": Text(
            "Les biais du réseau de 2017 manquent : chacune de ses deux couches en a un, de la taille de sa sortie.",
            "The biases of the network of 2017 are missing: each of its two layers has one, as large as its output.",
        ),
        "wide_biases": Text(
            "Le second biais du réseau s'ajoute à la sortie : il a d_model nombres, et non d_ff.",
            "The second bias of the network is added to the output: it has d_model numbers, not d_ff.",
        ),
        "one_layer": Text(
            "Vous ne comptez qu'une couche du réseau de 2017 : il élargit le vecteur, puis revient à d_model.",
            "You count only one layer of the network of 2017: it widens the vector, then comes back to d_model.",
        ),
        "times_tokens": Text(
            "Vous comptez le réseau une fois par jeton : tous les jetons passent par le même.",
            "You count the network once for each token: all tokens go through the same one.",
        ),
        "half_norms": Text(
            "Il manque la moitié du compte : il y a deux LayerNorm, et chacune a un gain et un décalage.",
            "Half of the count is missing: there are two LayerNorms, and each has a gain and a shift.",
        ),
        "one_gain": Text(
            "Vous ne comptez qu'un gain : il y a deux LayerNorm, et chacune a un gain et un décalage.",
            "You count a single gain: there are two LayerNorms, and each has a gain and a shift.",
        ),
        "scalar_norms": Text(
            "Le gain et le décalage d'une normalisation sont des vecteurs de d_model nombres, et non deux nombres.",
            "The gain and the shift of a norm are vectors of d_model numbers, not two numbers.",
        ),
        "norm_tokens": Text(
            "Vous comptez un gain et un décalage par jeton : tous les jetons ont les mêmes.",
            "You count a gain and a shift for each token: all tokens have the same ones.",
        ),
        "two_matrices": Text(
            "Le réseau à porte a trois matrices : la porte, le contenu, et le retour à d_model.",
            "The gated network has three matrices: the gate, the content, and the way back to d_model.",
        ),
        "gated_biases": Text("Le réseau à porte, ici, n'a pas de biais.", "The gated network, here, has no biases."),
        "wider": Text(
            "Vous élargissez le réseau à porte au lieu de le réduire : trois matrices doivent tenir dans la place de deux.",
            "You widen the gated network instead of cutting it: three matrices must fit in the place of two.",
        ),
        "same_width": Text(
            "À largeur égale, le réseau à porte a moitié plus de poids : il faut le rétrécir.",
            "At equal width, the gated network has half as many weights again: it must be narrowed.",
        ),
        "half_width": Text(
            "Une moitié en plus ne se compense pas par une moitié en moins : il faut que 3 · d_model · largeur = 2 · d_model · d_ff.",
            "Half as much again is not undone by half as much: you need 3 · d_model · width = 2 · d_model · d_ff.",
        ),
        "full_width": Text(
            "Dans le bloc d'aujourd'hui, le réseau à porte a la largeur que vous venez de trouver, et non d_ff.",
            "In the block of today, the gated network has the width that you have just found, not d_ff.",
        ),
        "no_out": Text(
            "Vous comptez trois matrices dans l'attention : il y en a une quatrième, celle de sortie.",
            "You count three matrices in attention: there is a fourth, that of the output.",
        ),
        "per_head": Text(
            "Vous comptez une matrice entière par tête : les têtes se partagent d_model coordonnées, et leur nombre ne change rien.",
            "You count a whole matrix for each head: the heads share d_model coordinates, and their number makes no difference.",
        ),
        "head_by_head": Text(
            "Vous comptez trois matrices entières par tête, plus celle de sortie : une tête n'a que d_head des d_model lignes de chacune.",
            "You count three whole matrices for each head, plus that of the output: a head has only d_head of the d_model rows of each.",
        ),
        "no_attention": Text(
            "L'attention manque au total : un bloc, c'est une attention et un réseau.",
            "Attention is missing from the total: a block is attention and a network.",
        ),
        "biased_attention": Text("L'attention du bloc d'aujourd'hui n'a pas de biais.", "Attention in the block of today has no biases."),
        "biased_network": Text(
            "Vous reprenez le réseau de 2017, biais compris : celui du bloc d'aujourd'hui a autant de poids, mais pas de biais.",
            "You take the network of 2017, biases included: that of the block of today has as many weights, but no biases.",
        ),
        "shifts": Text("RMSNorm n'a pas de décalage : un gain, et c'est tout.", "RMSNorm has no shift: a gain, and that is all."),
        "no_gains": Text("Le total oublie les gains des deux RMSNorm.", "The total leaves out the gains of the two RMSNorms."),
        "one_norm": Text("Un bloc a deux RMSNorm, une par détour.", "A block has two RMSNorms, one a detour."),
    },
    hints=(
        Text("Deux des quatre nombres donnés ne servent à rien.", "Two of the four numbers given are of no use."),
        Text(
            "Une couche linéaire de n vers m nombres a n · m poids et, si elle a un biais, m nombres de plus.",
            "A linear layer from n to m numbers has n · m weights and, if it has a bias, m numbers more.",
        ),
        Text(
            "À la largeur trouvée, le réseau à porte a autant de poids que celui de 2017 sans ses biais. Ajoutez quatre matrices carrées et deux gains.",
            "At the width you found, the gated network has as many weights as that of 2017 without its biases. Add four square matrices and two gains.",
        ),
    ),
)
def block_parameters(length: int, d_model: int, n_head: int, d_ff: int, *, bugs: Bugs = NONE) -> list[int]:
    d, gates = d_model, 2 if "two_matrices" in bugs else 3
    biases = 0 if "no_biases" in bugs else 2 * d_ff if "wide_biases" in bugs else d_ff if "one_layer" in bugs else d_ff + d
    network = (1 if "one_layer" in bugs else 2) * d * d_ff + biases
    norms = next((n for bug, n in (("scalar_norms", 4), ("one_gain", d), ("half_norms", 2 * d)) if bug in bugs), 4 * d)
    widths = {"wider": 3 * d_ff // 2, "same_width": d_ff, "half_width": d_ff // 2}
    width = next((widths[bug] for bug in widths if bug in bugs), 2 * d_ff // gates)
    attention = (3 if "no_out" in bugs else 4) * (d * d + ("biased_attention" in bugs) * d) * (n_head if "per_head" in bugs else 1)
    if "head_by_head" in bugs or "no_attention" in bugs:
        attention = (3 * n_head + 1) * d * d if "head_by_head" in bugs else 0
    gated = gates * d * (d_ff if "full_width" in bugs else width) + ("biased_network" in bugs) * (d_ff + d)
    gains = next((n * d for bug, n in (("no_gains", 0), ("one_norm", 1), ("shifts", 4)) if bug in bugs), 2 * d)
    return [
        network * (length if "times_tokens" in bugs else 1),
        4 * d * length if "norm_tokens" in bugs else norms,
        gates * d * d_ff + ("gated_biases" in bugs) * (2 * d_ff + d),
        width,
        attention + gated + gains,
    ]


SET = (layer_norm, rms_norm, residual_connection, swiglu, encoder_block, block_parameters)
