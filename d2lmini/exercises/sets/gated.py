"""An exercise on the gated feed-forward network."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case


def _swiglu_cases(seed: int) -> list[Case]:
    draw = normal(seed)
    whole = [draw(*shape).round() for shape in ((3, 4), (5, 4), (5, 4), (4, 5))]  # sums of integers are exact
    whole[1][0] += 1 - whole[1][0] % 2  # odd, hence not zero
    return [
        Case(Text("un seul vecteur", "a single vector"), (draw(6), draw(11, 6), draw(11, 6), draw(6, 11))),
        Case(Text("5 jetons de 6 nombres", "5 tokens of 6 numbers"), (draw(5, 6), draw(11, 6), draw(11, 6), draw(6, 11))),
        Case(Text("un lot de deux", "a batch of two"), (draw(2, 3, 4), draw(7, 4), draw(7, 4), draw(4, 7))),
        Case(
            Text("autant de neurones que de coordonnées", "as many neurons as coordinates"),
            (draw(3, 5), draw(5, 5), draw(5, 5), draw(5, 5)),
        ),
        Case(Text("de grands nombres", "large numbers"), (100 * whole[0], *whole[1:])),
    ]


GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "gelu": F.gelu,
    "softmax": partial(F.softmax, dim=-1),
    "sign": lambda z: z / (1 + z.exp()),
    "overflow": lambda z: z * z.exp() / (1 + z.exp()),
    "linear": lambda z: z,
}


@exercise(
    title=Text("Un réseau à porte", "A gated network"),
    skill=Text("écrire SwiGLU sur des jetons en lignes, comme dans PyTorch", "write SwiGLU for tokens in rows, as in PyTorch"),
    level=2,
    minutes=15,
    points=3,
    cases=_swiglu_cases,
    mistakes={
        "swapped": Text(
            "La porte et le contenu sont échangés : c'est W x qui passe par SiLU, V x reste tel quel.",
            "Gate and content trade places: W x goes through SiLU, V x stays as it is.",
        ),
        "both": Text(
            "Vous appliquez SiLU des deux côtés : V x propose un contenu et reste tel quel.",
            "You apply SiLU on both sides: V x proposes content and stays as it is.",
        ),
        "sigmoid": Text(
            "Votre porte est une sigmoïde (c'est GLU) : il manque le facteur z dans SiLU(z).",
            "Your gate is a sigmoid (that is GLU): the factor z of SiLU(z) is missing.",
        ),
        "relu": Text("Votre porte est ReLU (c'est ReGLU) : il faut SiLU.", "Your gate is ReLU (that is ReGLU): SiLU is wanted."),
        "gelu": Text("Votre porte est GELU (c'est GEGLU) : il faut SiLU.", "Your gate is GELU (that is GEGLU): SiLU is wanted."),
        "softmax": Text(
            "Un softmax force les neurones à se partager un total de 1 : chaque porte s'ouvre sans regarder les autres.",
            "A softmax forces the neurons to share a total of 1: each gate opens without regard to the others.",
        ),
        "sign": Text(
            "SiLU(z) = z / (1 + e⁻ᶻ) : le signe manque dans l'exponentielle, et les portes s'ouvrent à l'envers.",
            "SiLU(z) = z / (1 + e⁻ᶻ): the sign is missing in the exponential, and gates open the wrong way.",
        ),
        "overflow": Text(
            "z eᶻ / (1 + eᶻ) est juste sur le papier, mais eᶻ déborde quand z est grand : inf/inf donne NaN.",
            "z eᶻ / (1 + eᶻ) is right on paper, but eᶻ overflows when z is large: inf/inf gives NaN.",
        ),
        "linear": Text(
            "Il n'y a pas de fonction SiLU : votre porte n'est qu'un produit, et rien ne peut la fermer.",
            "There is no SiLU: your gate is just a product, and nothing can close it.",
        ),
        "around": Text(
            "SiLU porte sur le produit : elle ne doit porter que sur W x, avant de multiplier par V x.",
            "SiLU is applied to the product: it must act on W x alone, before the product with V x.",
        ),
        "last": Text(
            "SiLU porte sur la sortie : elle doit porter sur W x, à l'intérieur, entre les deux couches.",
            "SiLU is applied to the output: it must act on W x, inside, between the two layers.",
        ),
        "sum": Text(
            "Vous additionnez la porte et le contenu : une porte multiplie, coordonnée par coordonnée.",
            "You add the gate and the content: a gate multiplies, coordinate by coordinate.",
        ),
        "no_content": Text(
            "V n'est pas utilisée : vous avez écrit le réseau ordinaire, avec SiLU au lieu de ReLU.",
            "V is not used: you wrote the plain network, with SiLU instead of ReLU.",
        ),
        "columns": Text(
            "Vous multipliez les matrices à gauche, comme dans la formule, où un jeton est une colonne. Ici les jetons sont des lignes.",
            "You multiply by the matrices on the left, as in the formula, where a token is a column. Here tokens are rows.",
        ),
        "not_turned_in": Text(
            "W et V ne sont pas transposées : de forme (d_ff, d_model), elles ont une ligne par neurone. Si d_ff = d_model, rien ne vous prévient.",
            "W and V are not transposed: of shape (d_ff, d_model), they have one row per neuron. If d_ff = d_model, nothing warns you.",
        ),
        "not_turned_out": Text(
            "W₂ n'est pas transposée : elle a la forme (d_model, d_ff). Si d_ff = d_model, rien ne vous prévient.",
            "W₂ is not transposed: it has shape (d_model, d_ff). If d_ff = d_model, nothing warns you.",
        ),
    },
    hints=(
        Text(
            "Les formes d'abord : (…, d_model) donne deux fois (…, d_ff), puis leur produit, puis de nouveau (…, d_model).",
            "Shapes first: (…, d_model) gives (…, d_ff) twice, then their product, then (…, d_model) again.",
        ),
        Text("Un jeton est une ligne : la formule W x devient `x @ w.T`.", "A token is a row: the formula W x becomes `x @ w.T`."),
        Text(
            "`F.silu` existe ; le signe ⊙ est le `*` de PyTorch, et non `@`.", "`F.silu` exists; the sign ⊙ is the `*` of PyTorch, not `@`."
        ),
    ),
)
def swiglu(x: Tensor, w: Tensor, v: Tensor, w_2: Tensor, *, bugs: Bugs = NONE) -> Tensor:
    f = next((GATES[bug] for bug in GATES if bug in bugs), F.silu)
    if "columns" in bugs:
        return w_2 @ (f(w @ x) * (v @ x))
    gate, content = (x @ w, x @ v) if "not_turned_in" in bugs else (x @ w.T, x @ v.T)
    if "swapped" in bugs:
        gate, content = content, gate
    w_out = w_2 if "not_turned_out" in bugs else w_2.T
    if "around" in bugs:
        return f(gate * content) @ w_out
    if "last" in bugs:
        return f((gate * content) @ w_out)
    if "no_content" in bugs:
        return f(gate) @ w_out
    content = f(content) if "both" in bugs else content
    return (f(gate) + content if "sum" in bugs else f(gate) * content) @ w_out
