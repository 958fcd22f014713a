"""The exercise on translating a batch: greedy decoding of texts that do not end at the same step."""

from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor, fx, nn

from d2lmini.exercises.exercise import NONE, Bugs, exercise, normal
from d2lmini.i18n import Text
from d2lmini.trial import Case

CUTTING = frozenset("babble last_end uncut keeps_end keeps_start keeps_padding tensor no_end by_length".split())
N_PLACE = 12  # of the model: it refuses a longer text
STOPS_EARLY = Text(
    "Vous arrêtez tout le lot au premier texte fini : les autres sont coupés. Il faut attendre que tous le soient.",
    "You stop the whole batch at the first text that ends: the others are cut. Wait until all have ended.",
)


class _Translator(nn.Module):
    """Place t reads the source word of place t, then tires of all that has been written; where no word is visible, it ends."""

    def __init__(self, says: Tensor, tires: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.says, self.tires, self.bias = (nn.Parameter(x, requires_grad=False) for x in (says, tires, bias))
        self.waves = nn.Parameter(torch.zeros(N_PLACE, 1), requires_grad=False)

    def forward(self, source: Tensor, written: Tensor, mask: Tensor) -> Tensor:
        T, S = written.shape[1], source.shape[1]
        looks = (torch.arange(T)[:, None] == torch.arange(S)) & mask
        return looks.float() @ self.says[source] + self.tires[written].cumsum(1) + self.bias + self.waves[:T]


@cache
def _translator(V: int, start: int, end: int, pad: int, seed: int) -> Any:
    """A model (source, written, mask) → scores, traced so that only torch's own parts enter the sandbox.

    A word calls for one French word and, once this is written, for another; the first letter calls for the end. The void calls loudly.
    """
    signs = (start, end, pad)
    letters = [i for i in torch.randperm(V, generator=torch.Generator().manual_seed(seed)).tolist() if i not in signs]
    says, tires, bias = 0.01 * normal(seed)(V, V), torch.zeros(V, V), torch.zeros(V)
    for n, letter in enumerate(letters):
        says[letter, letters[n - 1]] += 2.0
        says[letter, letters[n - 2]] += 1.5
        tires[letter, letter] = -1.0
        bias[letter] = 0.5 - 0.05 * n
    says[letters[0]] = 0.0
    says[letters[0], end] = says[pad, letters[3]] = 4.0
    bias[end], bias[start], bias[pad], tires[end, end] = 1.0, -9.0, -9.0, -0.68
    return fx.symbolic_trace(_Translator(says, tires, bias)).forward  # not the module itself, which prints its errors


@cache
def _batch_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def case(fr: str, en: str, lengths: tuple[int, ...], n_token: int, start: int = 1, end: int = 2, pad: int = 0) -> Case:
        model = _translator(11, start, end, pad, seed)
        silent = next(i for i in range(11) if float(model.__self__.says[i, end]) == 4.0)
        letters = torch.tensor([i for i in range(11) if i not in (start, end, pad, silent)])
        source = torch.full((len(lengths), max(lengths)), pad)
        for row, n in zip(source, lengths, strict=True):
            row[:n] = letters[torch.randint(len(letters), (n,), generator=generator)]
            if n > 2:
                row[n - 1] = row[0]  # a word that comes back, and is not told the same way
        source[[n == 0 for n in lengths], 0] = silent
        return Case(Text(fr, en), (model, source, start, end, pad, n_token))

    return [
        case("trois textes de longueurs différentes", "three texts of different lengths", (5, 2, 4), 9),
        case("le plus court d'abord, 40 jetons permis", "the shortest first, 40 tokens allowed", (1, 7, 3, 2, 5, 4), 40),
        case("d'autres signes, remplissage 10", "other signs, padding 10", (4, 7, 2, 1), 40, start=7, end=0, pad=10),
        case("la limite arrive avant", "the limit comes first", (6, 2, 7), 4),
        case("un texte qui ne donne aucun mot", "a text that gives no word", (3, 0, 5), 8),
        case("un seul texte", "a single text", (5,), 7),
        case("deux textes, deux jetons permis", "two texts, two tokens allowed", (3, 2), 2),
        case("un seul texte, un seul jeton permis", "a single text, a single token allowed", (3,), 1),
    ]


@exercise(
    title=Text("Traduire tout un lot", "Translate a whole batch"),
    skill=Text("décoder un lot dont les textes finissent à des pas différents", "decode a batch whose texts end at different steps"),
    level=3,
    minutes=30,
    points=5,
    cases=_batch_cases,
    mistakes={
        "any_end": STOPS_EARLY,
        "any_end_kept": STOPS_EARLY,
        "first_text": Text(
            "Vous arrêtez tout quand le premier texte du lot est fini : les autres n'ont pas la même longueur.",
            "You stop everything when the first text of the batch ends: the others are not of the same length.",
        ),
        "last_text": Text(
            "Vous arrêtez tout quand le dernier texte du lot est fini : les autres n'ont pas la même longueur.",
            "You stop everything when the last text of the batch ends: the others are not of the same length.",
        ),
        "same_step": Text(
            "Tous les textes ont fini et vous écrivez encore, jusqu'à manquer de places : retenez ceux qui ont écrit `end`, à ce pas ou avant, et arrêtez-vous quand tous l'ont fait.",
            "All the texts have ended and you go on writing, until the places run out: remember those that wrote `end`, at this step or before, and stop when all have.",
        ),
        "babble": Text(
            "Vous retirez le signe de fin mais gardez ce qui est écrit après lui : un texte fini n'écrit plus rien.",
            "You remove the end sign but keep what is written after it: a text that has ended writes nothing more.",
        ),
        "last_end": Text(
            "Vous coupez au dernier signe de fin : après le premier, tout est bavardage.",
            "You cut at the last end sign: after the first one, all is babble.",
        ),
        "uncut": Text(
            "Vous ne coupez rien : chaque réponse s'arrête juste avant son premier `end`.",
            "You cut nothing: each answer stops right before its first `end`.",
        ),
        "keeps_end": Text(
            "Le signe de fin est resté au bout des réponses : il n'en fait pas partie.",
            "The end sign has stayed at the end of the answers: it is no part of them.",
        ),
        "keeps_start": Text(
            "Le signe de début est resté en tête : il n'est pas dans la réponse.",
            "The start sign has stayed in front: it is not in the answer.",
        ),
        "keeps_padding": Text(
            "Vos réponses gardent le remplissage mis après la fin : rendez des listes de longueurs différentes.",
            "Your answers keep the padding put after the end: return lists of different lengths.",
        ),
        "tensor": Text(
            "Vous rendez un tableau : il faut une liste par texte, sans signes ni remplissage.",
            "You return a table: one list a text is needed, without signs or padding.",
        ),
        "no_end": Text(
            "`index` lève une erreur quand la limite arrête un texte : il n'y a alors pas de signe de fin à trouver.",
            "`index` raises an error when the limit stops a text: there is no end sign to find then.",
        ),
        "short": Text(
            "Il manque un jeton quand la limite arrête un texte : le signe de début ne compte pas dans `n_token`, et il n'y a pas de signe de fin à retirer.",
            "One token is missing when the limit stops a text: the start sign does not count toward `n_token`, and there is no end sign to remove.",
        ),
        "late": Text(
            "Vous rendez un jeton de trop quand la limite arrête l'écriture : `n_token` est un maximum.",
            "You return one token too many when the limit stops the writing: `n_token` is a maximum.",
        ),
        "no_mask": Text(
            "Votre masque ouvre tout : le modèle traduit aussi le remplissage de la source.",
            "Your mask opens everything: the model translates the padding of the source too.",
        ),
        "mask_inverted": Text(
            "Le masque est inversé : `True` veut dire « a le droit de regarder », et le remplissage est ce qu'on ne regarde pas.",
            'The mask is inverted: `True` means "may look", and the padding is what nobody looks at.',
        ),
        "flat_mask": Text(
            "Votre masque a la forme (B, S) : il manque l'axe du milieu, (B, 1, S), qui vaut pour toutes les places du décodeur.",
            "Your mask has shape (B, S): the middle axis is missing, (B, 1, S), which stands for all the places of the decoder.",
        ),
        "column_mask": Text(
            "Votre masque a la forme (B, S, 1) : les mots de la source sont les clés, sur le dernier axe, (B, 1, S).",
            "Your mask has shape (B, S, 1): the words of the source are the keys, on the last axis, (B, 1, S).",
        ),
        "zero_padding": Text(
            "Vous prenez 0 pour le remplissage : son numéro est `pad`.", "You take 0 for the padding: its number is `pad`."
        ),
        "first_place": Text(
            "Vous lisez les scores de la première place : ceux du jeton suivant sont à la dernière.",
            "You read the scores of the first place: those of the next token are at the last one.",
        ),
        "last_only": Text(
            "Vous ne donnez au modèle que le dernier jeton : il a oublié tout ce qui précède. Donnez-lui tout ce qui est écrit.",
            "You give the model the last token only: it has forgotten all that came before. Give it all that is written.",
        ),
        "start_lost": Text(
            "Le signe de début disparaît après le premier pas : le modèle doit le relire à chaque fois.",
            "The start sign vanishes after the first step: the model must reread it each time.",
        ),
        "one_start": Text(
            "Un seul signe de début pour tout le lot : il en faut un par texte, (B, 1).",
            "A single start sign for the whole batch: one a text is needed, (B, 1).",
        ),
        "same_for_all": Text(
            "Le maximum porte sur tout le lot : chaque texte choisit son propre jeton, le long du vocabulaire.",
            "The maximum runs over the whole batch: each text picks its own token, along the vocabulary.",
        ),
        "lowest": Text(
            "Vous prenez le plus petit score : le glouton choisit le plus grand.", "You take the lowest score: greedy picks the highest."
        ),
        "one_token": Text(
            "Vous n'écrivez qu'un jeton par texte : il faut recommencer. Le `return` serait-il dans la boucle ?",
            "You write a single token a text: go on. Might the `return` be inside the loop?",
        ),
        "by_length": Text(
            "Vos réponses sont dans l'ordre où elles finissent : rendez-les dans l'ordre du lot.",
            "Your answers are in the order in which they end: return them in the order of the batch.",
        ),
    },
    hints=(
        Text(
            "Gardez un tableau `written` (B, 1), puis (B, 2)… et un vecteur `done` (B,) de booléens, mis à jour par `done | (token == end)`.",
            "Keep a table `written` (B, 1), then (B, 2)… and a vector `done` (B,) of booleans, updated by `done | (token == end)`.",
        ),
        Text(
            "`scores[:, -1].argmax(dim=-1)` donne un jeton par texte ; `torch.cat` l'ajoute à `written` le long de l'axe 1.",
            "`scores[:, -1].argmax(dim=-1)` gives one token a text; `torch.cat` adds it to `written` along axis 1.",
        ),
        Text(
            "Les textes finis continuent d'écrire sans dommage : coupez chaque ligne à son premier `end` seulement à la fin.",
            "Texts that have ended may go on writing, harmlessly: cut each row at its first `end`, only when all is over.",
        ),
    ),
)
def greedy_batch(model: Any, source: Tensor, start: int, end: int, pad: int, n_token: int, *, bugs: Bugs = NONE) -> Any:
    written = _written(model, source, start, end, pad, n_token, bugs - CUTTING)
    return _answers(written[:, "keeps_start" not in bugs :], end, pad, bugs)


@lru_cache(maxsize=5_000)  # a third of the mistakes only change how the rows are cut
def _written(model: Any, source: Tensor, start: int, end: int, pad: int, n_token: int, bugs: Bugs) -> Tensor:
    mask = _mask(source, 0 if "zero_padding" in bugs else pad, bugs)
    written = torch.full((1 if "one_start" in bugs else len(source), 1), start)
    done = torch.zeros(len(source), dtype=torch.bool)
    limit = n_token - 1 if "short" in bugs else n_token + ("late" in bugs)
    for _ in range(1 if "one_token" in bugs else limit):
        token = _next(model, source, written, mask, bugs)
        if "any_end" in bugs and (token == end).any():
            break
        written = torch.cat([written, token[:, None]], dim=1)
        done = token == end if "same_step" in bugs else done | (token == end)
        if "any_end_kept" in bugs:
            stop = done.any()
        else:
            stop = done[0] if "first_text" in bugs else done[-1] if "last_text" in bugs else done.all()
        if stop:
            break
    return written


def _mask(source: Tensor, pad: int, bugs: Bugs) -> Tensor:
    real = source == pad if "mask_inverted" in bugs else source != pad
    if "no_mask" in bugs:
        real = torch.ones_like(real)
    return real if "flat_mask" in bugs else real[:, :, None] if "column_mask" in bugs else real[:, None]


def _next(model: Any, source: Tensor, written: Tensor, mask: Tensor, bugs: Bugs) -> Tensor:
    read = written[:, -1:] if "last_only" in bugs else written[:, 1:] if "start_lost" in bugs and written.shape[1] > 1 else written
    scores = model(source, read, mask)[:, 0 if "first_place" in bugs else -1]
    if "same_for_all" in bugs:
        return scores.sum(0).argmax().expand(len(scores))
    return scores.argmin(-1) if "lowest" in bugs else scores.argmax(-1)


def _answers(written: Tensor, end: int, pad: int, bugs: Bugs) -> Any:
    rows = written.tolist()
    if "uncut" in bugs:
        return rows
    if "babble" in bugs:
        return [[token for token in row if token != end] for row in rows]
    if "no_end" in bugs and not all(end in row for row in rows):
        raise ValueError(f"{end} is not in list")
    ends = [row.index(end) if end in row else len(row) for row in rows]
    if "last_end" in bugs:
        ends = [len(row) - 1 - row[::-1].index(end) if end in row else len(row) for row in rows]
    answers = [row[: n + ("keeps_end" in bugs)] for row, n in zip(rows, ends, strict=True)]
    if bugs & {"keeps_padding", "tensor"}:
        answers = [row + [pad] * (len(rows[0]) - len(row)) for row in answers]
    if "by_length" in bugs:
        answers = [row for _, row in sorted(zip(ends, answers, strict=True), key=lambda pair: pair[0])]
    return torch.tensor(answers) if "tensor" in bugs else answers
