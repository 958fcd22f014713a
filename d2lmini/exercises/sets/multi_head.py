"""Exercises on heads, continued: the whole layer, and the same between two sequences."""

import torch
from torch import Tensor

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

NO_W_O = Text(
    "W_O n'est pas appliquée : sans elle, chaque tête n'écrit que dans ses propres coordonnées.",
    "W_O is not applied: without it, each head writes only in its own coordinates.",
)
MERGE = Text(
    "Au recollage, les jetons ne repassent pas devant les têtes : chaque sortie réunit des morceaux de plusieurs jetons.",
    "When the heads are joined, the tokens do not move back before them: each output gathers pieces of several tokens.",
)
RAW_VALUES = Text(
    "Les valeurs ne sont pas projetées : W_V choisit ce qu'un jeton transmet, tête par tête.",
    "The values are not projected: W_V chooses what a token hands over, head by head.",
)
PIECES = Text(
    "Chaque tête ne voit que son morceau de x. On projette d'abord, on découpe ensuite : toute tête lit les d_model coordonnées.",
    "Each head sees only its piece of x. Project first, cut afterwards: every head reads all d_model coordinates.",
)
EXCHANGED = Text(
    "Deux matrices sont échangées : W_Q fait les requêtes, W_K les clés, W_V les valeurs.",
    "Two matrices trade places: W_Q makes the queries, W_K the keys, W_V the values.",
)
TRUTH = Text("Un tenseur n'est ni vrai ni faux : testez `is not None`.", "A tensor is neither true nor false: test `is not None`.")
RESIDUAL = Text("La connexion résiduelle n'est pas demandée.", "The residual connection is not asked for.")

# --- the whole layer ----------------------------------------------------------------------------------------


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    scores = q @ k.transpose(-2, -1) * scale
    return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(-1) @ v


def _layer_cases(seed: int) -> list[Case]:
    draw = normal(seed)

    def sizes(B: int, T: int, d_model: int, n_head: int) -> tuple:
        return draw(B, T, d_model), *(draw(d_model, d_model) / d_model**0.5 for _ in range(4)), n_head

    near = torch.ones(6, 6, dtype=torch.bool).tril().triu(-1)  # itself and the token before
    real = torch.arange(5) < torch.tensor([4, 2, 3])[:, None, None]  # three texts of four, two and three tokens
    return [
        Case(Text("un lot de deux, trois têtes", "a batch of two, three heads"), sizes(2, 5, 12, 3)),
        Case(Text("une seule tête", "a single head"), sizes(1, 4, 6, 1)),
        Case(Text("une fenêtre de deux jetons", "a window of two tokens"), sizes(3, 6, 10, 2), {"mask": near}),
        Case(Text("un masque par texte", "one mask a text"), sizes(3, 5, 9, 3), {"mask": real.expand(3, 5, 5)}),
    ]


@exercise(
    title=Text("La couche entière", "The whole layer"),
    skill=Text("écrire l'attention à plusieurs têtes d'un seul bloc", "write multi-head attention in one block"),
    level=2,
    minutes=20,
    points=4,
    cases=_layer_cases,
    mistakes={
        "split": Text(
            "Le découpage ne déplace pas l'axe des têtes : chaque « tête » reçoit un bloc de jetons entiers, et la phrase se brise en blocs qui ne se voient pas.",
            'The cutting does not move the axis of heads: each "head" receives a block of whole tokens, and the sentence breaks into blocks that do not see each other.',
        ),
        "merge": MERGE,
        "over_heads": Text(
            "L'attention compare entre elles les têtes d'un même jeton : l'axe des têtes est l'avant-dernier, là où elle attend celui des jetons.",
            "Attention compares the heads of one token with each other: the axis of heads is the last but one, where it expects that of tokens.",
        ),
        "one_head": Text(
            "Les vecteurs ne sont pas découpés : n_head ne sert à rien, et vous calculez une seule grande attention.",
            "The vectors are not cut: n_head is of no use, and you compute a single large attention.",
        ),
        "scale_model": Text(
            "Les scores sont divisés par √d_model : une tête ne compare que d_head coordonnées, c'est √d_head qu'il faut.",
            "The scores are divided by √d_model: a head compares only d_head coordinates, so √d_head is needed.",
        ),
        "no_w_o": NO_W_O,
        "transposed": Text(
            "W_Q, W_K et W_V sont transposées : ici le jeton est une ligne, et la tête h prend des colonnes. C'est `nn.Linear` qui range ses poids dans l'autre sens.",
            "W_Q, W_K and W_V are transposed: here the token is a row, and head h takes columns. It is `nn.Linear` that stores its weights the other way.",
        ),
        "w_o_transposed": Text(
            "W_O est transposée : ses lignes vont avec les coordonnées des têtes, ses colonnes avec celles de la sortie.",
            "W_O is transposed: its rows go with the coordinates of the heads, its columns with those of the output.",
        ),
        "pieces_of_x": PIECES,
        "pieces_by_whole": PIECES,
        "queries_keys": EXCHANGED,
        "keys_values": EXCHANGED,
        "keys_by_q": Text(
            "Les clés sont calculées avec la matrice des requêtes : un copier-coller, peut-être ?",
            "The keys are computed with the matrix of the queries: copied and pasted, perhaps?",
        ),
        "values_by_k": Text(
            "Les valeurs sont calculées avec la matrice des clés : un copier-coller, peut-être ?",
            "The values are computed with the matrix of the keys: copied and pasted, perhaps?",
        ),
        "raw_values": RAW_VALUES,
        "ignored": Text("Le masque n'est pas utilisé.", "The mask is not used."),
        "inverted": Text(
            "Le masque est inversé : ici True veut dire « a le droit de regarder ».", 'The mask is inverted: here True means "may attend".'
        ),
        "mask_axis": Text(
            "Un masque (B, T, T) se pose sur des scores (B, H, T, T) : les axes s'alignent par la droite, et le lot du masque tombe sur les têtes.",
            "A mask (B, T, T) is laid on scores (B, H, T, T): axes align from the right, so the batch of the mask falls on the heads.",
        ),
        "truth": TRUTH,
        "residual": RESIDUAL,
        "scaled_twice": Text(
            "Les scores sont divisés deux fois par √d_head : `attention` le fait déjà.",
            "The scores are divided by √d_head twice: `attention` already does it.",
        ),
        "mask_rank": Text(
            "L'axe ajouté au masque est compté depuis la gauche : c'est juste pour (B, T, T), mais les requêtes d'un masque (T, T) tombent sur les têtes.",
            "The axis added to the mask is counted from the left: right for (B, T, T), but the queries of a mask (T, T) fall on the heads.",
        ),
    },
    hints=(
        Text(
            "Les formes d'abord : (B, T, d_model) → (B, H, T, d_head) trois fois, attention, puis le retour et W_O.",
            "Shapes first: (B, T, d_model) → (B, H, T, d_head) three times, attention, then the way back and W_O.",
        ),
        Text(
            "Vos deux fonctions précédentes font l'aller et le retour ; une matrice (d_model, d_model) projette toutes les têtes à la fois.",
            "Your two previous functions make the trip both ways; one matrix (d_model, d_model) projects all heads at once.",
        ),
        Text(
            "Le masque est le même pour toutes les têtes : il lui manque un axe de taille 1, juste avant les deux derniers.",
            "The mask is the same for all heads: it lacks an axis of size 1, just before the last two.",
        ),
    ),
)
def multi_head(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, n_head: int, mask: Tensor | None = None, *, bugs: Bugs = NONE
) -> Tensor:
    B, T, d_model = x.shape
    n_head = 1 if "one_head" in bugs else n_head
    if "queries_keys" in bugs or "keys_values" in bugs:
        w_q, w_k, w_v = (w_k, w_q, w_v) if "queries_keys" in bugs else (w_q, w_v, w_k)
    if "keys_by_q" in bugs:
        w_k = w_q
    if "raw_values" in bugs or "values_by_k" in bugs:
        w_v = w_k if "values_by_k" in bugs else torch.eye(d_model)
    if "transposed" in bugs:
        w_q, w_k, w_v = w_q.T, w_k.T, w_v.T
    if "w_o_transposed" in bugs:
        w_o = w_o.T
    if "pieces_by_whole" in bugs and n_head > 1:
        raise RuntimeError
    if mask is not None and "truth" in bugs:
        bool(mask)
    if "pieces_of_x" in bugs:
        inside = torch.block_diag(*torch.ones(n_head, d_model // n_head, d_model // n_head))
        w_q, w_k, w_v = w_q * inside, w_k * inside, w_v * inside
    cut = (B, n_head, T, -1) if "split" in bugs else (B, T, n_head, -1)
    q, k, v = ((x @ w).reshape(cut) for w in (w_q, w_k, w_v))
    if "split" not in bugs and "over_heads" not in bugs:
        q, k, v = (z.transpose(1, 2) for z in (q, k, v))
    if mask is not None:
        mask = None if "ignored" in bugs else ~mask if "inverted" in bugs else mask
    if mask is not None and "mask_axis" not in bugs:
        mask = mask.unsqueeze(1 if "mask_rank" in bugs else -3)
    size = d_model if "scale_model" in bugs else d_model // n_head
    out = _attend(q, k, v, mask, size ** (-1 if "scaled_twice" in bugs else -0.5))
    if "merge" not in bugs and "over_heads" not in bugs:
        out = out.transpose(1, 2)
    out = out.reshape(B, T, d_model)
    out = out if "no_w_o" in bugs else out @ w_o
    return x + out if "residual" in bugs else out


# --- between two sequences ----------------------------------------------------------------------------------


def _cross_cases(seed: int) -> list[Case]:
    draw = normal(seed)

    def sizes(B: int, Tq: int, Tk: int, d_model: int, n_head: int) -> tuple:
        return draw(B, Tq, d_model), draw(B, Tk, d_model), *(draw(d_model, d_model) / d_model**0.5 for _ in range(4)), n_head

    real = torch.arange(5) < torch.tensor([4, 2, 3])[:, None]
    square = torch.arange(4) < torch.tensor([3, 1, 2, 3])[:, None]
    return [
        Case(Text("4 jetons en lisent 6", "4 tokens read 6"), sizes(2, 4, 6, 12, 3)),
        Case(Text("deux suites de même longueur", "two sequences of one length"), sizes(2, 5, 5, 8, 2)),
        Case(Text("un jeton en lit 5", "one token reads 5"), sizes(2, 1, 5, 6, 2)),
        Case(Text("remplissage, 3 textes et 3 têtes", "padding, 3 texts and 3 heads"), sizes(3, 4, 5, 9, 3), {"real": real}),
        Case(Text("remplissage, 4 textes de 4 jetons", "padding, 4 texts of 4 tokens"), sizes(4, 4, 4, 6, 2), {"real": square}),
    ]


@exercise(
    title=Text("Une suite en lit une autre", "One sequence reads another"),
    skill=Text(
        "écrire l'attention croisée, avec du remplissage dans la suite lue",
        "write cross-attention, with padding in the sequence that is read",
    ),
    level=2,
    minutes=15,
    points=4,
    cases=_cross_cases,
    mistakes={
        "swapped": Text(
            "Les rôles sont échangés : vos requêtes viennent de `memory`. C'est `x` qui interroge, et chaque jeton de `x` qui reçoit une réponse.",
            "The roles are swapped: your queries come from `memory`. It is `x` that asks, and each token of `x` that receives an answer.",
        ),
        "itself": Text(
            "Clés et valeurs viennent de `x` : `memory` n'est jamais lue, et vous écrivez une auto-attention.",
            "Keys and values come from `x`: `memory` is never read, and you write a self-attention.",
        ),
        "values_from_x": Text(
            "Les valeurs viennent de `x` : `x` choisit où regarder dans `memory`, puis ne rapporte que ses propres vecteurs.",
            "The values come from `x`: `x` chooses where to look in `memory`, then brings back only its own vectors.",
        ),
        "keys_from_x": Text(
            "Les clés viennent de `x`, les valeurs de `memory` : l'adresse et le contenu doivent venir du même jeton.",
            "The keys come from `x`, the values from `memory`: the address and the content must come from the same token.",
        ),
        "one_length": Text(
            "La longueur d'une suite sert pour l'autre : `x` a Tq jetons, `memory` en a Tk, et les deux peuvent différer.",
            "The length of one sequence is used for the other: `x` has Tq tokens, `memory` has Tk, and the two may differ.",
        ),
        "ignored": Text(
            "`real` n'est pas utilisé : les jetons de remplissage reçoivent du poids.", "`real` is not used: padding tokens receive weight."
        ),
        "inverted": Text(
            "Le masque est inversé : `real` vaut True sur les vrais jetons, ceux que l'on a le droit de regarder.",
            "The mask is inverted: `real` is True on real tokens, those one may attend to.",
        ),
        "zeroed": Text(
            "Vous mettez le remplissage de `memory` à zéro : une clé nulle a un score nul, et exp(0) = 1 lui laisse du poids.",
            "You set the padding of `memory` to zero: a zero key has a zero score, and exp(0) = 1 leaves it weight.",
        ),
        "after": Text(
            "Le remplissage ne rapporte rien, mais il prend sa part du poids : la somme de ce qui va aux vrais jetons n'est plus 1.",
            "The padding brings nothing back, but it takes its share of the weight: what goes to real tokens no longer sums to 1.",
        ),
        "batch_as_heads": Text(
            "Le premier axe de `real`, celui du lot, tombe sur l'axe des têtes. Les axes s'alignent par la droite : il en manque entre le lot et les clés.",
            "The first axis of `real`, that of the batch, falls on the axis of heads. Axes align from the right: some are missing between batch and keys.",
        ),
        "batch_as_queries": Text(
            "Le premier axe de `real`, celui du lot, tombe sur l'axe des requêtes. Les axes s'alignent par la droite : il en manque entre le lot et les clés.",
            "The first axis of `real`, that of the batch, falls on the axis of queries. Axes align from the right: some are missing between batch and keys.",
        ),
        "rows": Text(
            "Vous masquez des requêtes : le remplissage est parmi les clés, donc sur le dernier axe des scores.",
            "You mask queries: the padding is among the keys, hence on the last axis of the scores.",
        ),
        "always_masked": Text(
            "`real` peut valoir `None` : tous les jetons sont alors de vrais jetons.", "`real` may be `None`: then all tokens are real."
        ),
        "values_by_k": Text(
            "Les valeurs sont calculées avec la matrice des clés : un copier-coller, peut-être ?",
            "The values are computed with the matrix of the keys: copied and pasted, perhaps?",
        ),
        "one_head": Text(
            "Les vecteurs ne sont pas découpés en têtes : n_head ne sert à rien.",
            "The vectors are not cut into heads: n_head is of no use.",
        ),
        "no_w_o": NO_W_O,
        "merge": MERGE,
        "raw_values": RAW_VALUES,
        "truth": TRUTH,
        "residual": RESIDUAL,
        "causal": Text(
            "L'attention croisée n'est pas causale : toute la mémoire est déjà lue.",
            "Cross-attention is not causal: the whole memory has been read.",
        ),
        "multiplied": Text(
            "Un score nul garde un poids, exp(0) = 1.",
            "A zero score keeps weight, exp(0) = 1.",
        ),
    },
    hints=(
        Text(
            "Une seule chose change par rapport à `multi_head` : la suite que W_K et W_V projettent.",
            "One thing changes with respect to `multi_head`: the sequence that W_K and W_V project.",
        ),
        Text(
            "Les scores ont la forme (B, H, Tq, Tk), et la sortie autant de jetons que `x`.",
            "The scores have shape (B, H, Tq, Tk), and the output as many tokens as `x`.",
        ),
        Text(
            "`real` est (B, Tk) : pour se poser sur (B, H, Tq, Tk), quelle forme à quatre axes lui donner ?",
            "`real` is (B, Tk): to be laid on (B, H, Tq, Tk), which shape with four axes should it get?",
        ),
    ),
)
def cross_attention(
    x: Tensor, memory: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, n_head: int, real: Tensor | None = None, *,
    bugs: Bugs = NONE,
) -> Tensor:  # fmt: skip
    if "swapped" in bugs:
        x, memory = memory, x
    B, Tq, d_model = x.shape
    if real is None and "always_masked" in bugs:
        raise TypeError
    if real is not None and "truth" in bugs:
        bool(real)
    n_head = 1 if "one_head" in bugs else n_head
    if real is not None and "zeroed" in bugs:
        memory, real = memory * real[..., None], None
    keys = (x if bugs & {"itself", "keys_from_x"} else memory) @ w_k
    values = (x if bugs & {"itself", "values_from_x"} else memory) @ (w_k if "values_by_k" in bugs else w_v)
    if "raw_values" in bugs:
        values = memory
    if real is not None and "multiplied" in bugs:
        keys, real = keys * real[..., None], None
    if real is not None and "after" in bugs:
        values, real = values * real[..., None], None
    if "one_length" in bugs:
        keys = keys.reshape(B, Tq, d_model)
    q, k, v = (z.reshape(B, z.shape[1], n_head, -1).transpose(1, 2) for z in (x @ w_q, keys, values))
    mask = None if real is None or "ignored" in bugs else ~real if "inverted" in bugs else real
    if mask is not None and "batch_as_queries" not in bugs:
        mask = mask[:, None] if "batch_as_heads" in bugs else mask[:, None, :, None] if "rows" in bugs else mask[:, None, None]
    if "causal" in bugs:
        past = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril()
        mask = past if mask is None else mask & past
    out = _attend(q, k, v, mask, (d_model // n_head) ** -0.5)
    out = (out if "merge" in bugs else out.transpose(1, 2)).reshape(B, Tq, d_model)
    out = out if "no_w_o" in bugs else out @ w_o
    return x + out if "residual" in bugs else out
