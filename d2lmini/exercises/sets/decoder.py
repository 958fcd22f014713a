"""Exercises on the decoder: what it may look at, and how it writes."""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

CAUSAL_ONLY = Text(
    "Le premier masque laisse ouvert le remplissage de la cible : quand il est à gauche, les vrais jetons le regardent.",
    "The first mask leaves the padding of the target open: when it is on the left, real tokens look at it.",
)
PADDING_ONLY = Text(
    "Le premier masque n'est pas causal : chaque jeton voit la réponse qu'il doit deviner.",
    "The first mask is not causal: each token sees the answer that it must guess.",
)
REOPENED = Text(
    "Vous rouvrez des clés de remplissage pour éviter une ligne vide : ici on les laisse fermées.",
    "You reopen padding keys to avoid an empty row: here they stay closed.",
)
NUMBERS = Text("Vos masques sont des nombres : rendez des booléens.", "Your masks are numbers: return booleans.")
NO_START = Text("`decode` doit recevoir le signe de début à chaque pas.", "`decode` must receive the start sign at each step.")
ONE_TOKEN = Text(
    "Vous ne rendez qu'un jeton : il faut recommencer jusqu'au signe de fin. Le `return` serait-il dans la boucle ?",
    "You return a single token: go on until the end sign. Might the `return` be inside the loop?",
)

# --- the decoder's masks ------------------------------------------------------------------------------------


def _mask_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def rows(n: int, pad: int, *lengths: int, left: bool = False) -> Tensor:
        tokens = torch.randint(1, 9, (len(lengths), n), generator=generator)
        tokens[tokens == pad] = 0
        real = torch.arange(n) < torch.tensor(lengths)[:, None]
        return tokens.where(real.flip(1) if left else real, pad)

    return [
        Case(Text("6 jetons de source, 5 de cible", "6 source tokens, 5 target tokens"), (rows(6, 0, 6, 3), rows(5, 0, 3, 5), 0)),
        Case(Text("un remplissage de numéro 5", "padding numbered 5"), (rows(3, 5, 2, 3), rows(7, 5, 4, 6), 5)),
        Case(Text("un remplissage à gauche", "padding on the left"), (rows(4, 0, 4, 1, left=True), rows(4, 0, 2, 3, left=True), 0)),
        Case(Text("un seul texte, sans remplissage", "a single text, no padding"), (rows(3, 0, 3), rows(4, 0, 4), 0)),
    ]


@exercise(
    title=Text("Les deux masques du décodeur", "The decoder's two masks"),
    skill=Text("dire ce que chaque attention du décodeur a le droit de voir", "tell what each attention of the decoder may see"),
    level=2,
    minutes=20,
    points=4,
    cases=_mask_cases,
    mistakes={
        "causal_only": CAUSAL_ONLY,
        "causal_only_square": CAUSAL_ONLY,
        "causal_only_one": CAUSAL_ONLY,
        "padding_only": PADDING_ONLY,
        "padding_only_row": PADDING_ONLY,
        "future": Text(
            "Le premier masque ouvre l'avenir et ferme le passé : la ligne i est une requête, elle voit les clés j ≤ i.",
            "The first mask opens the future and closes the past: row i is a query, which sees the keys j ≤ i.",
        ),
        "causal_inverted": Text(
            "Le premier masque n'ouvre que l'avenir : il ferme le passé et le jeton lui-même. C'est l'inverse qu'il faut.",
            "The first mask opens nothing but the future: it closes the past and the token itself. The opposite is needed.",
        ),
        "strict": Text(
            "Un jeton ne se voit pas lui-même : la diagonale doit être ouverte, sinon la première requête n'a rien à regarder.",
            "A token does not see itself: the diagonal must be open, or the first query has nothing to look at.",
        ),
        "ahead": Text(
            "Chaque jeton voit aussi le suivant, celui qu'il doit deviner : la perte tomberait à 0 sans que rien soit appris.",
            "Each token also sees the next one, which it must guess: the loss would fall to 0 with nothing learned.",
        ),
        "inverted": Text(
            "Vos masques disent ce qui est fermé, comme ceux de `nn.Transformer` : ici True veut dire « a le droit de regarder ».",
            'Your masks tell what is closed, like those of `nn.Transformer`: here True means "may look".',
        ),
        "padding_inverted": Text(
            "Le remplissage est inversé : vous n'ouvrez que lui. True doit marquer les vrais jetons.",
            "The padding is inverted: you open nothing else. True must mark the real tokens.",
        ),
        "union": Text(
            "Vous réunissez les deux conditions par « ou » : une clé est ouverte si elle ne suit pas la requête, et si c'est un vrai jeton.",
            'You join both conditions with "or": a key is open if it does not come after the query, and if it is a real token.',
        ),
        "by_query": Text(
            "Le remplissage ferme des requêtes, les lignes : il doit fermer des clés, les colonnes.",
            "The padding closes queries, the rows: it must close keys, the columns.",
        ),
        "blind": Text(
            "Vous fermez aussi les lignes du remplissage : ces requêtes deviennent aveugles et donneront peut-être des NaN. Fermez seulement leurs colonnes.",
            "You close the rows of the padding too: these queries go blind and may give NaN. Close their columns only.",
        ),
        "flat": Text(
            "Le remplissage de la cible a la forme (B, T) : il lui manque l'axe des requêtes pour se combiner au masque causal (T, T).",
            "The padding of the target has shape (B, T): it lacks the axis of queries to combine with the causal mask (T, T).",
        ),
        "heads": Text(
            "Vous ajoutez un axe pour les têtes : ici les masques ont trois axes, (B, Tq, Tk).",
            "You add an axis for the heads: here masks have three axes, (B, Tq, Tk).",
        ),
        "cross_target": Text(
            "Le second masque vient de la cible : dans l'attention croisée, les clés sont celles de la source.",
            "The second mask comes from the target: in cross-attention the keys are those of the source.",
        ),
        "cross_causal": Text(
            "L'attention croisée n'est pas causale : la source est déjà lue, tous ses vrais jetons sont ouverts à toutes les requêtes.",
            "Cross-attention is not causal: the source is already read, all its real tokens are open to all queries.",
        ),
        "cross_flat": Text(
            "Il manque au second masque l'axe des requêtes : (B, S) se diffuserait sur (Tq, Tk), et le lot serait pris pour des requêtes.",
            "The second mask lacks the axis of queries: (B, S) would broadcast over (Tq, Tk), and the batch would be taken for queries.",
        ),
        "cross_column": Text(
            "Dans le second masque, les places de la source sont devenues des lignes, (B, S, 1) : ce sont des clés, donc des colonnes.",
            "In the second mask the places of the source have become rows, (B, S, 1): they are keys, hence columns.",
        ),
        "cross_blind": Text(
            "Le second masque ferme les lignes du remplissage de la cible, qui deviennent aveugles : il ne ferme que des clés, celles de la source.",
            "The second mask closes the rows of the target's padding, which go blind: it closes keys only, those of the source.",
        ),
        "cross_wide": Text(
            "Le second masque dit la bonne chose, mais répète T fois la même ligne : la forme demandée est (B, 1, S), la diffusion fait le reste.",
            "The second mask says the right thing, but repeats one row T times: the shape asked for is (B, 1, S), broadcasting does the rest.",
        ),
        "swapped": Text(
            "Les deux masques sont échangés : d'abord celui de l'auto-attention, puis celui de l'attention croisée.",
            "The two masks trade places: first that of self-attention, then that of cross-attention.",
        ),
        "zero": Text(
            "Vous comparez à 0 : le numéro du remplissage est `pad`, et 0 peut être un vrai jeton.",
            "You compare with 0: the number of the padding is `pad`, and 0 may be a real token.",
        ),
        "numbers": Text(
            "Le premier masque contient des nombres : un masque est un tableau de booléens.",
            "The first mask holds numbers: a mask is a table of booleans.",
        ),
        "integers": NUMBERS,
        "floats": NUMBERS,
        "counted": Text(
            "Vous comptez les vrais jetons et ouvrez les premières places : le remplissage peut être au début.",
            "You count the real tokens and open the first places: the padding may stand at the beginning.",
        ),
        "reopened_first": REOPENED,
        "reopened_diagonal": REOPENED,
        "causal_of_source": Text(
            "Le masque causal a la taille de la source : ses requêtes et ses clés sont celles de la cible, (T, T).",
            "The causal mask has the size of the source: its queries and keys are those of the target, (T, T).",
        ),
        "own_source": Text(
            "Le premier masque lit le remplissage de la source : dans l'auto-attention, les clés sont celles de la cible.",
            "The first mask reads the padding of the source: in self-attention the keys are those of the target.",
        ),
        "own_inverted": Text(
            "Le premier masque dit ce qui est fermé : ici True veut dire « a le droit de regarder ».",
            'The first mask tells what is closed: here True means "may look".',
        ),
        "keyword": Text(
            "`and` veut un seul vrai ou faux de chaque côté : entre deux tableaux de booléens, il faut `&`.",
            "`and` wants a single true or false on each side: between two tables of booleans, `&` is needed.",
        ),
        "own_only": Text("Vous ne rendez que le premier masque : rendez les deux.", "You return the first mask only: return both."),
    },
    hints=(
        Text(
            "Pour chaque attention, demandez-vous d'où viennent les requêtes (les lignes) et d'où viennent les clés (les colonnes).",
            "For each attention, ask where its queries come from (the rows) and where its keys come from (the columns).",
        ),
        Text(
            "Comparez chaque jeton à `pad` : une longueur ne dit pas où est le remplissage.",
            "Compare each token with `pad`: a length does not tell where the padding is.",
        ),
        Text(
            "`(source != pad)` a la forme (B, S). Un axe de taille 1, ajouté au milieu par `[:, None]`, vaut pour toutes les requêtes.",
            "`(source != pad)` has shape (B, S). An axis of size 1, added in the middle by `[:, None]`, holds for all queries.",
        ),
        Text(
            "`torch.ones(T, T, dtype=torch.bool).tril()` et un masque (B, 1, T) se combinent par `&`.",
            "`torch.ones(T, T, dtype=torch.bool).tril()` and a mask (B, 1, T) combine with `&`.",
        ),
    ),
)
def decoder_masks(source: Tensor, target: Tensor, pad: int, *, bugs: Bugs = NONE) -> Any:
    value = 0 if "zero" in bugs else pad
    memory, real = (_real(tokens, value, bugs) for tokens in (source, target))
    own, cross = _own(memory, real, bugs), _cross(memory, real, bugs)
    if "inverted" in bugs:
        own, cross = ~own, ~cross
    if "heads" in bugs:
        own, cross = own[:, None], cross[:, None]
    if "numbers" in bugs:
        own = own.float()
    if bugs & {"integers", "floats"}:
        own, cross = (mask.float() if "floats" in bugs else mask.long() for mask in (own, cross))
    return own if "own_only" in bugs else (cross, own) if "swapped" in bugs else (own, cross)


def _real(tokens: Tensor, pad: int, bugs: Bugs) -> Tensor:
    real = tokens != pad
    if "counted" in bugs:
        real = torch.arange(tokens.shape[1]) < real.sum(1, keepdim=True)
    return ~real if "padding_inverted" in bugs else real


def _own(memory: Tensor, real: Tensor, bugs: Bugs) -> Tensor:
    """The mask of self-attention, of what is real in the source and in the target."""
    (B, T), S = real.shape, memory.shape[1]
    j = torch.arange(S if "causal_of_source" in bugs else T)
    i = j[:, None]
    last = i + (1 if "ahead" in bugs else -1 if "strict" in bugs else 0)
    causal = j <= last
    if bugs & {"future", "causal_inverted"}:
        causal = j >= i if "future" in bugs else j > i
    if bugs & {"causal_only", "causal_only_square", "causal_only_one"}:
        return causal.expand(B, T, T) if "causal_only" in bugs else causal[None] if "causal_only_one" in bugs else causal
    if "own_source" in bugs:
        real = memory
    key = real if "flat" in bugs else real[:, :, None] if "by_query" in bugs else real[:, None]
    if bugs & {"padding_only", "padding_only_row"}:
        return key.expand(B, T, T) if "padding_only" in bugs else key
    if "keyword" in bugs:
        return causal and key  # raises
    own = causal | key if "union" in bugs else causal & key
    if "blind" in bugs:
        own = own & real[:, :, None]
    if "reopened_first" in bugs:
        own[:, :, 0] = True
    if "reopened_diagonal" in bugs:
        own = own | torch.eye(T, dtype=torch.bool)
    return ~own if "own_inverted" in bugs else own


def _cross(memory: Tensor, real: Tensor, bugs: Bugs) -> Tensor:
    """The mask of cross-attention, of what is real in the source and in the target."""
    T, cross = real.shape[1], real if "cross_target" in bugs else memory
    if "cross_flat" not in bugs:
        cross = cross[:, :, None] if "cross_column" in bugs else cross[:, None]
    if "cross_causal" in bugs:
        cross = cross & (torch.arange(cross.shape[-1]) <= torch.arange(T)[:, None])
    if "cross_blind" in bugs:
        cross = cross & real[:, :, None]
    return cross.expand(-1, T, -1) if "cross_wide" in bugs else cross


# --- greedy decoding ----------------------------------------------------------------------------------------


@cache
def _decoder(order: tuple[int, ...], V: int, seed: int) -> nn.Module:
    """A causal model of torch's own parts, (T,) → (T, V): each token calls for the next one of `order`, the one before last most of all.

    So what follows order[0] is order[1] twice, order[2] twice… and the last token alone does not tell. The scores are close: a draw
    would not follow the highest. A batch would make a fifth axis, which the convolution refuses.
    """
    calls = nn.Embedding(V, V, _weight=0.01 * normal(seed)(V, V))
    look = nn.Conv2d(1, 1, (2, 1), bias=False)
    with torch.no_grad():
        calls.weight[list(order[:-1]), list(order[1:])] += 0.5
        look.weight.copy_(torch.tensor([1.5, 1.0])[:, None])
    model = nn.Sequential(calls, nn.Unflatten(0, (1, 1, -1)), nn.ZeroPad2d((0, 0, 1, 0)), look, nn.Flatten(0, 2))
    return model.requires_grad_(False)


def _writing_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, n_letter: int, n_token: int, start: int = 1, end: int = 2) -> Case:
        letters = [i for i in torch.randperm(12, generator=generator).tolist() if i not in (start, end)]
        order = [start, *letters[:n_letter], end, *letters[n_letter:]]
        return Case(Text(fr, en), (_decoder(tuple(order), 12, seed), start, end, n_token))

    return [
        case("le signe de fin arrive", "the end sign comes", 2, 7, start=7, end=0),
        case("la limite arrive avant", "the limit comes first", 6, 5),
        case("la fin tout de suite", "the end at once", 0, 4),
        case("un seul jeton permis", "a single token allowed", 4, 1),
    ]


@exercise(
    title=Text("Écrire sans aide", "Writing without help"),
    skill=Text("programmer un décodage glouton qui sait s'arrêter", "program a greedy decoding that knows when to stop"),
    level=2,
    minutes=15,
    points=4,
    cases=_writing_cases,
    mistakes={
        "keeps_start": Text(
            "Le signe de début est resté en tête : il a servi à commencer, il n'est pas dans la réponse.",
            "The start sign has stayed in front: it served to begin, it is not in the answer.",
        ),
        "keeps_end": Text(
            "Le signe de fin est resté au bout : il arrête l'écriture, il n'est pas dans la réponse.",
            "The end sign has stayed at the end: it stops the writing, it is not in the answer.",
        ),
        "never_stops": Text(
            "Vous écrivez au-delà du signe de fin : dès qu'il est choisi, il faut s'arrêter.",
            "You write past the end sign: as soon as it is picked, stop.",
        ),
        "one_token": ONE_TOKEN,
        "early_return": ONE_TOKEN,
        "late": Text(
            "Vous rendez un jeton de trop quand la limite arrête l'écriture : `n_token` est un maximum.",
            "You return one token too many when the limit stops the writing: `n_token` is a maximum.",
        ),
        "short": Text(
            "Il manque un jeton quand la limite arrête l'écriture : le signe de début ne compte pas dans `n_token`, et il n'y a pas de signe de fin à retirer.",
            "One token is missing when the limit stops the writing: the start sign does not count toward `n_token`, and there is no end sign to remove.",
        ),
        "first_row": Text(
            "Vous relisez à chaque pas les scores qui suivent le signe de début : donnez à `decode` tout ce qui est écrit, et lisez sa dernière ligne.",
            "You reread at each step the scores that follow the start sign: give `decode` all that is written, and read its last row.",
        ),
        "last_column": Text(
            "Vous lisez la dernière colonne des scores, ceux d'un seul jeton : sans lot, la dernière place est la dernière ligne.",
            "You read the last column of the scores, those of a single token: without a batch, the last place is the last row.",
        ),
        "flat": Text(
            "Votre maximum porte sur tout le tableau (T, V) : prenez d'abord la ligne de la dernière place, puis son maximum.",
            "Your maximum runs over the whole table (T, V): first take the row of the last place, then its maximum.",
        ),
        "last_only": Text(
            "Vous ne donnez à `decode` que le dernier jeton : il a oublié tout ce qui précède. Donnez-lui tout ce qui est écrit.",
            "You give `decode` the last token only: it has forgotten all that came before. Give it all that is written.",
        ),
        "lowest": Text(
            "Vous prenez le plus petit score : le glouton choisit le plus grand.", "You take the lowest score: greedy picks the highest."
        ),
        "batched": Text(
            "Vous donnez un lot à `decode`, qui attend un seul axe, (T,).",
            "You give a batch to `decode`, which expects a single axis, (T,).",
        ),
        "list_given": Text(
            "Vous donnez une liste à `decode`, qui attend un tenseur d'entiers.",
            "You give a list to `decode`, which expects an integer tensor.",
        ),
        "start_lost": NO_START,
        "start_never": NO_START,
        "filtered": Text(
            "Vous retirez le signe de fin, mais gardez ce qui est écrit après lui.",
            "You remove the end sign but keep what is written after it.",
        ),
        "no_limit": Text(
            "Rien n'arrête l'écriture si `end` ne vient pas : au plus `n_token` jetons.",
            "Nothing stops the writing if `end` does not come: `n_token` tokens at most.",
        ),
    },
    hints=(
        Text(
            "Une boucle `for _ in range(n_token)` ne peut pas tourner sans fin ; `return` ou `break` en sort plus tôt.",
            "A loop `for _ in range(n_token)` cannot run forever; `return` or `break` leaves it earlier.",
        ),
        Text(
            "`decode` attend un tenseur : `torch.tensor([start, *written])` si `written` est votre liste.",
            "`decode` expects a tensor: `torch.tensor([start, *written])` if `written` is your list.",
        ),
        Text(
            "Testez le signe de fin avant d'ajouter le jeton à la liste.",
            "Test for the end sign before adding the token to the list.",
        ),
    ),
)
def greedy_decoding(decode: nn.Module, start: int, end: int, n_token: int, *, bugs: Bugs = NONE) -> list[int] | None:
    written: list[int] = []
    n = {"late": n_token + 1, "short": n_token - 1, "no_limit": 20}  # 20: the end always comes before
    for _ in range(next((n[bug] for bug in n if bug in bugs), n_token)):
        token = _next(decode, start, written, bugs)
        if token == end and not bugs & {"never_stops", "filtered"}:
            if "early_return" in bugs:
                return None  # the only `return` comes after the token is added
            written += [end] * ("keeps_end" in bugs)
            break
        written.append(token)
        if bugs & {"one_token", "early_return"}:
            break
    if "filtered" in bugs:
        written = [token for token in written if token != end]
    return [start] * ("keeps_start" in bugs) + written


def _next(decode: nn.Module, start: int, written: list[int], bugs: Bugs) -> int:
    read: Any = [start, *written]
    if "start_never" in bugs or (written and "start_lost" in bugs):
        read = written
    if "last_only" in bugs:
        read = read[-1:]
    if "list_given" not in bugs:
        read = torch.tensor([read] if "batched" in bugs else read)
    scores = decode(read)
    row = scores.flatten() if "flat" in bugs else scores[:, -1] if "last_column" in bugs else scores[0 if "first_row" in bugs else -1]
    return int(row.argmin() if "lowest" in bugs else row.argmax())
