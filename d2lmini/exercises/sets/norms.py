"""Exercises on the norms of a block: LayerNorm, RMSNorm, and their place on the detour around the stream."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

Part = Callable[[Tensor], Tensor]

NO_KEEPDIM = Text(
    "La moyenne perd l'axe réduit : de forme (…, T), elle ne s'aligne plus sur (…, T, d_model). Gardez cet axe, de taille 1.",
    "The mean loses the reduced axis: of shape (…, T), it no longer lines up with (…, T, d_model). Keep that axis, of size 1.",
)
EPS_OUTSIDE = Text(
    "Vous ajoutez ε après la racine : sa place est dessous, avec les carrés. La différence se voit dès que ε n'est plus négligeable.",
    "You add ε after the root: it belongs under it, with the squares. The difference shows as soon as ε is not negligible.",
)
NO_ROOT = Text(
    "Il manque la racine carrée : doubler x diviserait le résultat par deux, alors qu'il ne doit pas changer.",
    "The square root is missing: doubling x would halve the result, which must not change.",
)
FIXED_EPS = Text(
    "L'argument `eps` n'est pas utilisé : une autre valeur que celle par défaut ne change rien.",
    "The argument `eps` is not used: a value other than the default changes nothing.",
)


def _norm_cases(seed: int, *, shift: bool) -> list[Case]:
    draw = normal(seed)

    def settings(size: int, spread: float = 2.0) -> tuple[Tensor, ...]:
        return tuple(1 + spread * draw(2, size))[: 1 + shift]  # g, and b for LayerNorm

    tiny = 1e-3 * draw(4, 7)
    tiny[1] = 2.0 if shift else 0.0
    odd = Text("un jeton constant", "a constant token") if shift else Text("un jeton nul", "a zero token")
    far = 256 + (64 * draw(5, 8)).round() / 64  # means of 8 such numbers are exact
    return [
        Case(Text("un vecteur", "one vector"), (1 + draw(6), *settings(6))),
        Case(Text("4 jetons de 7 nombres", "4 tokens of 7 numbers"), (1 + 3 * draw(4, 7), *settings(7))),
        Case(Text("un lot de deux, ε = 0,1", "a batch of two, ε = 0.1"), (1 + draw(2, 3, 5), *settings(5), 0.1)),
        Case(Text("de tout petits vecteurs, ", "tiny vectors, ") + odd, (tiny, *settings(7))),
        *([Case(Text("loin de zéro", "far from zero"), (far, *settings(8, 0.25)))] if shift else []),
    ]


# --- LayerNorm ----------------------------------------------------------------------------------------------


AXES = {"over_batch": 0, "second_axis": 1, "over_tokens": -2}


@exercise(
    title=Text("Normaliser un jeton", "Normalize a token"),
    skill=Text(
        "écrire LayerNorm : le bon axe, la bonne variance, ε à sa place",
        "write LayerNorm: the right axis, the right variance, ε where it belongs",
    ),
    level=1,
    minutes=15,
    points=3,
    cases=lambda seed: _norm_cases(seed, shift=True),
    mistakes={
        "over_batch": Text(
            "Vous normalisez sur le premier axe : chaque coordonnée se compare à celles des autres textes ou jetons. Un jeton doit être normalisé seul.",
            "You normalize over the first axis: each coordinate is compared with those of other texts or tokens. A token must be normalized alone.",
        ),
        "second_axis": Text(
            "L'axe 1 n'est celui des coordonnées que pour une matrice : dans un lot, c'est celui des jetons. Comptez depuis la fin.",
            "Axis 1 is that of the coordinates only in a matrix: in a batch it is that of the tokens. Count from the end.",
        ),
        "over_tokens": Text(
            "Vous normalisez sur l'axe des jetons : la sortie d'un jeton dépend alors de ses voisins. L'axe à réduire est celui des coordonnées.",
            "You normalize over the axis of the tokens: the output of a token then depends on its neighbors. The axis to reduce is that of the coordinates.",
        ),
        "whole": Text(
            "Une seule moyenne et une seule variance pour tout le tenseur : chaque jeton doit avoir les siennes. Il manque l'axe.",
            "A single mean and a single variance for the whole tensor: each token must have its own. The axis is missing.",
        ),
        "no_keepdim": NO_KEEPDIM,
        "unbiased": Text(
            "Vous divisez la somme des carrés par d − 1, ce que `var` et `std` font par défaut. LayerNorm divise par d.",
            "You divide the sum of the squares by d − 1, as `var` and `std` do by default. LayerNorm divides by d.",
        ),
        "std": Text(
            "Avec `std`, deux choses changent : la somme est divisée par d − 1 au lieu de d, et ε reste hors de la racine.",
            "With `std`, two things differ: the sum is divided by d − 1 instead of d, and ε stays outside the root.",
        ),
        "eps_outside": EPS_OUTSIDE,
        "no_eps": Text(
            "Sans ε, un jeton dont toutes les coordonnées sont égales donne 0/0.",
            "Without ε, a token whose coordinates are all equal gives 0/0.",
        ),
        "fixed_eps": FIXED_EPS,
        "no_root": NO_ROOT,
        "precedence": Text(
            "Vous calculez x − (μ/σ) : il manque des parenthèses autour de x − μ.",
            "You compute x − (μ/σ): parentheses are missing around x − μ.",
        ),
        "cancellation": Text(
            "La moyenne des carrés moins le carré de la moyenne : loin de zéro, on retranche deux grands nombres presque égaux, et l'arrondi emporte la variance.",
            "The mean of the squares minus the square of the mean: far from zero, two large and nearly equal numbers are subtracted, and rounding swallows the variance.",
        ),
        "not_centered": Text(
            "Vous divisez x sans lui retirer sa moyenne : ajouter 1 à toutes les coordonnées changerait le résultat.",
            "You divide x without subtracting its mean: adding 1 to all the coordinates would change the result.",
        ),
        "raw_squares": Text(
            "Vous divisez par la moyenne quadratique de x : la variance se mesure autour de la moyenne.",
            "You divide by the root mean square of x: the variance is measured around the mean.",
        ),
        "length": Text(
            "Vous divisez par la longueur du vecteur : sous la racine, il faut la moyenne des carrés et non leur somme.",
            "You divide by the length of the vector: under the root stands the mean of the squares, not their sum.",
        ),
        "no_gain": Text("Le gain g n'est pas utilisé.", "The gain g is not used."),
        "no_shift": Text("Le décalage b n'est pas ajouté.", "The shift b is not added."),
        "shift_first": Text(
            "Vous ajoutez b avant de multiplier par g : le gain multiplie alors aussi le décalage.",
            "You add b before multiplying by g: the gain then multiplies the shift too.",
        ),
    },
    hints=(
        Text(
            "Un jeton est un vecteur : sa moyenne et sa variance se prennent sur le dernier axe, quel que soit le nombre d'axes devant.",
            "A token is a vector: its mean and variance run over the last axis, however many axes stand in front.",
        ),
        Text(
            "Avec `keepdim=True`, la moyenne garde la forme (…, 1) et se retranche sans boucle.",
            "With `keepdim=True`, the mean keeps shape (…, 1) and subtracts without a loop.",
        ),
        Text(
            "Centrez d'abord ; la variance est la moyenne des carrés de ce qui reste. ε s'y ajoute, puis vient la racine.",
            "Center first; the variance is the mean of the squares of what remains. Add ε to it, then take the root.",
        ),
    ),
)
def layer_norm(x: Tensor, g: Tensor, b: Tensor, eps: float = 1e-5, *, bugs: Bugs = NONE) -> Tensor:
    axis: int | tuple[int, ...] = next((AXES[bug] for bug in AXES if bug in bugs), -1)
    axis = tuple(range(x.ndim)) if "whole" in bugs else axis
    eps = 0.0 if "no_eps" in bugs else 1e-5 if "fixed_eps" in bugs else eps

    def mean(y: Tensor) -> Tensor:
        return y.mean(axis, keepdim="no_keepdim" not in bugs)

    centered = x - mean(x)
    variance = mean((x if "raw_squares" in bugs else centered).square())
    if "cancellation" in bugs:
        variance = mean(x.square()) - mean(x).square()
    if "unbiased" in bugs or "std" in bugs:
        variance = x.var(axis, keepdim=True)
    if "length" in bugs:
        variance = centered.square().sum(axis, keepdim=True)
    outside = "eps_outside" in bugs or "std" in bugs
    scale = variance + eps if "no_root" in bugs else variance.sqrt() + eps if outside else (variance + eps).sqrt()
    y = x - mean(x) / scale if "precedence" in bugs else (x if "not_centered" in bugs else centered) / scale
    gain, shift = 1 if "no_gain" in bugs else g, 0 if "no_shift" in bugs else b
    return gain * (y + shift) if "shift_first" in bugs else gain * y + shift


# --- RMSNorm ------------------------------------------------------------------------------------------------


@exercise(
    title=Text("Normaliser sans centrer", "Normalize without centering"),
    skill=Text("écrire RMSNorm et dire ce qui la distingue de LayerNorm", "write RMSNorm and tell it from LayerNorm"),
    level=1,
    minutes=10,
    points=2,
    cases=lambda seed: _norm_cases(seed, shift=False),
    mistakes={
        "centered": Text(
            "Vous retirez la moyenne : c'est LayerNorm sans décalage. RMSNorm laisse la moyenne en place.",
            "You subtract the mean: that is LayerNorm without its shift. RMSNorm leaves the mean where it is.",
        ),
        "variance": Text(
            "Vous divisez par l'écart type, qui ne voit pas la moyenne. La moyenne quadratique se calcule sur x lui-même.",
            "You divide by the standard deviation, which does not see the mean. The root mean square is computed on x itself.",
        ),
        "std": Text(
            "`std` centre, divise par d − 1 et laisse ε hors de la racine. Il faut la moyenne quadratique de x.",
            "`std` centers, divides by d − 1 and leaves ε outside the root. You need the root mean square of x.",
        ),
        "length": Text(
            "Vous divisez par la longueur du vecteur : la sortie a la longueur 1, et non √d. Il faut la moyenne des carrés et non leur somme.",
            "You divide by the length of the vector: the output has length 1, not √d. You need the mean of the squares, not their sum.",
        ),
        "over_d": Text(
            "Vous divisez la longueur par d : la moyenne est sous la racine, donc c'est par √d que la longueur se divise.",
            "You divide the length by d: the mean is under the root, so the length is divided by √d.",
        ),
        "mean_first": Text(
            "Vous prenez le carré de la moyenne : des coordonnées opposées s'annulent. C'est la moyenne des carrés qu'il faut.",
            "You take the square of the mean: opposite coordinates cancel out. You need the mean of the squares.",
        ),
        "absolute": Text(
            "Vous divisez par la moyenne des valeurs absolues : la moyenne quadratique donne plus de poids aux grandes coordonnées.",
            "You divide by the mean of the absolute values: the root mean square gives large coordinates more weight.",
        ),
        "times": Text(
            "Vous multipliez par la moyenne quadratique au lieu de diviser : les longs vecteurs s'allongent encore.",
            "You multiply by the root mean square instead of dividing: long vectors become longer still.",
        ),
        "whole": Text(
            "Une seule moyenne pour tout le tenseur : chaque jeton doit avoir la sienne. Il manque l'axe.",
            "A single mean for the whole tensor: each token must have its own. The axis is missing.",
        ),
        "over_batch": Text(
            "La moyenne porte sur le premier axe : elle mêle des jetons ou des textes différents. Un jeton doit être normalisé seul.",
            "The mean runs over the first axis: it mixes different tokens or texts. A token must be normalized alone.",
        ),
        "over_tokens": Text(
            "La moyenne porte sur les jetons : la sortie d'un jeton dépend alors de ses voisins.",
            "The mean runs over the tokens: the output of a token then depends on its neighbors.",
        ),
        "no_keepdim": NO_KEEPDIM,
        "eps_outside": EPS_OUTSIDE,
        "no_eps": Text("Sans ε, un jeton nul donne 0/0.", "Without ε, a zero token gives 0/0."),
        "fixed_eps": FIXED_EPS,
        "no_root": NO_ROOT,
        "no_gain": Text("Le gain g n'est pas utilisé.", "The gain g is not used."),
    },
    hints=(
        Text(
            "Lisez le nom à l'envers : « square », le carré ; « mean », la moyenne ; « root », la racine. Dans cet ordre.",
            "Read the name backwards: square, then mean, then root. In that order.",
        ),
        Text(
            "C'est LayerNorm où l'on ne retire rien et où l'on n'ajoute rien : seule reste la division, puis le gain.",
            "It is LayerNorm with nothing subtracted and nothing added: only the division remains, then the gain.",
        ),
    ),
)
def rms_norm(x: Tensor, g: Tensor, eps: float = 1e-6, *, bugs: Bugs = NONE) -> Tensor:
    axis: int | tuple[int, ...] = 0 if "over_batch" in bugs else -2 if "over_tokens" in bugs else -1
    axis = tuple(range(x.ndim)) if "whole" in bugs else axis
    eps = 0.0 if "no_eps" in bugs else 1e-6 if "fixed_eps" in bugs else eps

    def mean(y: Tensor) -> Tensor:
        return y.mean(axis, keepdim="no_keepdim" not in bugs)

    if "centered" in bugs:
        x = x - mean(x)
    squares = mean(x).square() if "mean_first" in bugs else mean(x.abs()).square() if "absolute" in bugs else mean(x.square())
    if "variance" in bugs or "std" in bugs:
        squares = x.var(axis, keepdim=True, correction=int("std" in bugs))
    if "over_d" in bugs:
        squares = squares / x.shape[-1]
    elif "length" in bugs:
        squares = squares * x.shape[-1]
    outside = bool(bugs & {"eps_outside", "std", "absolute"})
    scale = squares + eps if "no_root" in bugs else squares.sqrt() + eps if outside else (squares + eps).sqrt()
    y = x * scale if "times" in bugs else x / scale
    return y if "no_gain" in bugs else g * y


# --- where they stand ---------------------------------------------------------------------------------------------


def _residual_cases(seed: int) -> list[Case]:
    """Parts and norms are functions of torch with their weights, which can be sent to another process."""
    draw = normal(seed)

    def norm(size: int) -> Part:
        return partial(F.layer_norm, normalized_shape=(size,), weight=1 + draw(size), bias=draw(size))

    mix, silent = partial(torch.matmul, draw(5, 5)), partial(torch.mul, 0.0)  # one mixes the tokens, the other says nothing
    return [
        Case(Text("pré-normalisation, un lot de deux", "pre-norm, a batch of two"), (1 + draw(2, 5, 3), mix, norm(3), True)),
        Case(Text("post-normalisation, un lot de deux", "post-norm, a batch of two"), (1 + draw(2, 5, 3), mix, norm(3), False)),
        Case(Text("pré-normalisation, une pièce muette", "pre-norm, a silent part"), (draw(3, 7), silent, norm(7), True)),
        Case(Text("post-normalisation, une pièce muette", "post-norm, a silent part"), (draw(3, 7), silent, norm(7), False)),
    ]


PRE: dict[str, Callable[[Tensor, Part, Part], Tensor]] = {
    "pre_no_path": lambda x, f, norm: f(norm(x)),
    "pre_normed_path": lambda x, f, norm: norm(x) + f(norm(x)),
    "pre_wrong_way": lambda x, f, norm: norm(x) + f(x),
    "pre_after_part": lambda x, f, norm: x + norm(f(x)),
    "pre_no_norm": lambda x, f, norm: x + f(x),
    "pre_also_after": lambda x, f, norm: norm(x + f(norm(x))),
}
POST: dict[str, Callable[[Tensor, Part, Part], Tensor]] = {
    "post_no_path": lambda x, f, norm: norm(f(x)),
    "post_on_part": lambda x, f, norm: x + norm(f(x)),
    "post_on_stream": lambda x, f, norm: norm(x) + f(x),
    "post_apart": lambda x, f, norm: norm(x) + norm(f(x)),
    "post_no_norm": lambda x, f, norm: x + f(x),
    "post_also_before": lambda x, f, norm: norm(x + f(norm(x))),
}


@exercise(
    title=Text("Le détour autour du flux", "The detour around the stream"),
    skill=Text(
        "placer la normalisation avant ou après, et laisser passer le flux", "put the norm before or after, and let the stream through"
    ),
    level=1,
    minutes=10,
    points=3,
    cases=_residual_cases,
    mistakes={
        "swapped": Text(
            "Les deux montages sont échangés : `pre_norm=True` veut dire que la normalisation précède la pièce.",
            "The two arrangements are swapped: `pre_norm=True` means that the norm comes before the part.",
        ),
        "always_pre": Text(
            "`pre_norm` n'est pas lu : vous normalisez toujours avant.", "`pre_norm` is not read: you always normalize before."
        ),
        "always_post": Text(
            "`pre_norm` n'est pas lu : vous normalisez toujours après.", "`pre_norm` is not read: you always normalize after."
        ),
        "pre_no_path": Text(
            "En pré-normalisation, le flux n'est pas ajouté : une pièce muette effacerait tout ce qui précède.",
            "With pre-norm, the stream is not added: a silent part would erase all that came before.",
        ),
        "pre_normed_path": Text(
            "En pré-normalisation, vous ajoutez le résultat de la pièce à x normalisé. Seule l'entrée de la pièce est normalisée : le flux passe tel quel.",
            "With pre-norm, you add the result of the part to the normalized x. Only the input of the part is normalized: the stream goes through as it is.",
        ),
        "pre_wrong_way": Text(
            "En pré-normalisation, vous normalisez le flux et non l'entrée de la pièce : c'est l'inverse.",
            "With pre-norm, you normalize the stream and not the input of the part: it is the other way around.",
        ),
        "pre_after_part": Text(
            "En pré-normalisation, vous normalisez ce que la pièce rend. « Avant » veut dire avant la pièce, et non avant l'addition.",
            'With pre-norm, you normalize what the part returns. "Before" means before the part, not before the addition.',
        ),
        "pre_no_norm": Text("En pré-normalisation, rien n'est normalisé.", "With pre-norm, nothing is normalized."),
        "pre_also_after": Text(
            "En pré-normalisation, vous normalisez une seconde fois, après l'addition : le flux ne doit pas être touché.",
            "With pre-norm, you normalize a second time, after the addition: the stream must not be touched.",
        ),
        "post_no_path": Text(
            "En post-normalisation, le flux n'est pas ajouté avant la normalisation : ce que portait x est perdu.",
            "With post-norm, the stream is not added before the norm: what x carried is lost.",
        ),
        "post_on_part": Text(
            "En post-normalisation, vous ne normalisez que ce que la pièce ajoute : la normalisation porte sur la somme.",
            "With post-norm, you normalize only what the part adds: the norm acts on the sum.",
        ),
        "post_on_stream": Text(
            "En post-normalisation, vous normalisez le flux avant l'addition : la normalisation porte sur la somme.",
            "With post-norm, you normalize the stream before the addition: the norm acts on the sum.",
        ),
        "post_apart": Text(
            "En post-normalisation, vous normalisez les deux termes séparément : c'est leur somme qu'il faut normaliser.",
            "With post-norm, you normalize the two terms apart: it is their sum that must be normalized.",
        ),
        "post_no_norm": Text("En post-normalisation, rien n'est normalisé.", "With post-norm, nothing is normalized."),
        "post_also_before": Text(
            "En post-normalisation, vous normalisez aussi l'entrée de la pièce : il n'y a qu'une normalisation, sur la somme.",
            "With post-norm, you also normalize the input of the part: there is a single norm, on the sum.",
        ),
    },
    hints=(
        Text(
            "Dans les deux montages on additionne deux choses : le flux, et ce que la pièce rend.",
            "Both arrangements add two things: the stream, and what the part returns.",
        ),
        Text(
            "Essayez une pièce muette, qui ne rend que des zéros : la pré-normalisation doit rendre x intact, la post-normalisation x normalisé.",
            "Try a silent part, which returns nothing but zeros: pre-norm must return x untouched, and post-norm x normalized.",
        ),
        Text(
            "Avant : l'entrée de la pièce est normalisée, rien d'autre. Après : la somme est normalisée, rien d'autre.",
            "Before: the input of the part is normalized, nothing else. After: the sum is normalized, nothing else.",
        ),
    ),
)
def residual_connection(x: Tensor, f: Part, norm: Part, pre_norm: bool, *, bugs: Bugs = NONE) -> Tensor:
    before = {"always_pre": True, "always_post": False, "swapped": not pre_norm}
    if next((before[bug] for bug in before if bug in bugs), pre_norm):
        return next((PRE[bug] for bug in PRE if bug in bugs), lambda x, f, norm: x + f(norm(x)))(x, f, norm)
    return next((POST[bug] for bug in POST if bug in bugs), lambda x, f, norm: norm(x + f(x)))(x, f, norm)
