"""An exercise on bytes: show a text while a model writes it, when a character may straddle several tokens."""

from itertools import pairwise
from typing import Any

import torch

from d2lmini.exercises.exercise import NONE, Bugs, exercise
from d2lmini.i18n import Text
from d2lmini.trial import Case

LOST = "\ufffd"


HELD = Text(
    "Un caractère incomplet retient aussi ceux qui le précèdent : les caractères complets du jeton doivent paraître aussitôt.",
    "An incomplete character also holds back those before it: the complete characters of the token must appear at once.",
)


def _stream_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)
    raw = "Noël à Łódź : 10 € 🙂, déjà ?".encode()
    cuts = [0, *sorted(torch.randperm(len(raw) - 1, generator=generator)[:17].add(1).tolist()), len(raw)]
    drawn = [[*raw[start:end]] for start, end in pairwise(cuts)]
    return [
        Case(Text("des lettres simples", "plain letters"), ([[108, 101], [32], [116, 104]],)),
        Case(Text("deux accents, coupés", "two accents, cut"), ([[195], [169, 116, 195], [169]],)),
        Case(Text("une lettre et un début d'accent", "a letter and the start of an accent"), ([[108, 195], [169], [115]],)),
        Case(Text("un sourire en quatre jetons", "a smile in four tokens"), ([[240], [159], [153], [130], [33]],)),
        Case(Text("deux euros, coupés", "two euros, cut"), ([[226, 130], [172, 226], [130, 172]],)),
        Case(Text("un accent inachevé", "an unfinished accent"), ([[111, 117], [195]],)),
        Case(Text("un sourire inachevé", "an unfinished smile"), ([[111, 240], [159, 153]],)),
        Case(Text("aucun jeton", "no token"), ([],)),
        Case(Text("une phrase coupée au hasard", "a sentence cut at random"), (drawn,)),
    ]


@exercise(
    title=Text("Afficher un texte au fil des jetons : trouvez la panne", "Show a text token by token: find the failure"),
    skill=Text("décoder de l'UTF-8 qui arrive par morceaux", "decode UTF-8 that arrives in pieces"),
    level=3,
    minutes=20,
    points=4,
    cases=_stream_cases,
    mistakes={
        "alone": Text(
            "Chaque jeton est décodé seul, et les caractères coupés deviennent des « � » : il faut garder les octets en attente et les joindre aux suivants.",
            'Each token is decoded by itself, and characters that are cut become "�": keep the waiting bytes and join them to the next ones.',
        ),
        "alone_ignored": Text(
            "Chaque jeton est décodé seul, en ignorant ce qui ne va pas : les caractères coupés disparaissent du texte.",
            "Each token is decoded by itself, ignoring what is wrong: the characters that are cut vanish from the text.",
        ),
        "alone_strict": Text(
            "Chaque jeton est décodé seul, et un caractère coupé lève une erreur : un jeton n'est pas toujours un texte.",
            "Each token is decoded by itself, and a character that is cut raises an error: a token is not always a text.",
        ),
        "forgotten": Text(
            "Quand un jeton ne peut pas être lu, vous jetez ses octets : gardez-les, le jeton suivant peut les compléter.",
            "When a token cannot be read, you throw its bytes away: keep them, the next token may complete them.",
        ),
        "one_lost_each": Text(
            "Un jeton qui ne peut pas être lu devient un « � » : gardez ses octets, le jeton suivant peut les compléter.",
            'A token that cannot be read becomes a "�": keep its bytes, the next token may complete them.',
        ),
        "latin": Text(
            "Vous changez chaque octet en un caractère : « é » s'affiche « Ã© ». En UTF-8, un caractère prend de un à quatre octets.",
            'You turn each byte into a character: "é" shows as "Ã©". In UTF-8 a character takes one to four bytes.',
        ),
        "flicker": Text(
            "Un caractère incomplet affiche « � » en attendant ses derniers octets : tant qu'il est incomplet, n'affichez rien pour lui.",
            'An incomplete character shows "�" while it waits for its last bytes: as long as it is incomplete, show nothing for it.',
        ),
        "characters": Text(
            "Vous ôtez autant d'octets que le texte a de caractères : « é » en occupe deux, et le second reste en attente. Comptez ceux de `text.encode()`.",
            'You take away as many bytes as the text has characters: "é" takes two, and the second one goes on waiting. Count those of `text.encode()`.',
        ),
        "so_far": Text(
            "Vous rendez à chaque jeton tout le texte déjà écrit : seul ce que le jeton ajoute est demandé.",
            "With each token you return all the text written so far: only what the token adds is asked for.",
        ),
        "at_end": Text(
            "Tout le texte n'arrive qu'avec le dernier jeton : un caractère complet doit paraître aussitôt.",
            "The whole text comes only with the last token: a complete character must appear at once.",
        ),
        "all_or_nothing": HELD,
        "held_to_the_end": HELD,
        "late": Text(
            "Vous décodez avant d'ajouter les octets du jeton : chaque texte paraît un jeton trop tard.",
            "You decode before you add the bytes of the token: each text appears one token too late.",
        ),
        "skipped": Text(
            "Vous sautez les jetons qui n'ajoutent rien : chacun doit avoir son texte, fût-il vide.",
            "You skip the tokens that add nothing: each must have its text, even an empty one.",
        ),
        "joined": Text("Vous rendez un seul texte : il en faut un par jeton.", "You return a single text: one for each token is needed."),
        "no_rest": Text(
            "Les octets qui restent à la fin sont perdus en silence : un dernier élément, « � », doit dire qu'un caractère est inachevé.",
            'The bytes left at the end are lost in silence: a last item, "�", must say that a character is unfinished.',
        ),
        "one_each": Text(
            "Vous écrivez un « � » pour chaque octet qui reste : ils sont ceux d'un même caractère, un seul suffit.",
            'You write one "�" for each byte that is left: they belong to the same character, a single one is enough.',
        ),
        "always_rest": Text(
            "Vous ajoutez un dernier élément même quand il ne reste rien : il ne faut l'ajouter que si un caractère est inachevé.",
            "You add a last item even when nothing is left: add it only when a character is unfinished.",
        ),
        "always_lost": Text(
            "Vous annoncez un caractère inachevé même quand tout est complet : « � » ne vient que s'il reste des octets.",
            'You announce an unfinished character even when all is complete: "�" comes only if bytes are left.',
        ),
        "in_place": Text(
            "Vous collez le « � » au texte du dernier jeton : il n'arrive qu'ensuite, quand on sait que rien ne suit, et fait un élément de plus.",
            'You glue the "�" to the text of the last token: it comes only afterwards, once we know that nothing follows, and makes one more item.',
        ),
    },
    hints=(
        Text(
            "Gardez d'un tour à l'autre les octets qui attendent. À chaque jeton, ajoutez les siens, rendez ce qui est complet, gardez le reste.",
            "Keep the waiting bytes from one turn to the next. With each token, add its bytes, return what is complete, keep the rest.",
        ),
        Text(
            '`errors="ignore"` laisse de côté un caractère inachevé à la fin. Appliqué aux octets en attente, et non au jeton seul, il rend tout ce qui est complet.',
            '`errors="ignore"` leaves out a character that is unfinished at the end. Applied to the waiting bytes, not to the token alone, it gives all that is complete.',
        ),
        Text(
            "Combien d'octets ce texte emploie-t-il ? `len(text.encode())`. Ceux qui suivent attendent encore. Après la boucle, s'il en reste, ajoutez `\"\\ufffd\"`.",
            'How many bytes does this text use? `len(text.encode())`. Those after them still wait. After the loop, if any are left, add `"\\ufffd"`.',
        ),
    ),
)
def stream_text(tokens: list[list[int]], *, bugs: Bugs = NONE) -> Any:
    if bugs & {"alone", "alone_ignored", "alone_strict", "forgotten", "one_lost_each", "latin"}:
        texts, rest = [_alone(bytes(token), bugs) for token in tokens], ""
    else:
        texts, rest = _awaited([bytes(token) for token in tokens], bugs)
    if "so_far" in bugs:
        texts = ["".join(texts[: i + 1]) for i in range(len(texts))]
    if "at_end" in bugs and texts:
        texts = [""] * (len(texts) - 1) + ["".join(texts)]
    if "in_place" in bugs and texts:
        texts, rest = [*texts[:-1], texts[-1] + rest], ""
    if "no_rest" not in bugs and (rest or "always_rest" in bugs):
        texts = [*texts, rest]
    if "skipped" in bugs:
        texts = [text for text in texts if text]
    return "".join(texts) if "joined" in bugs else texts


def _alone(token: bytes, bugs: Bugs) -> str:
    if "latin" in bugs:
        return token.decode("latin-1")
    if bugs & {"forgotten", "one_lost_each"} and LOST in token.decode(errors="replace"):
        return "" if "forgotten" in bugs else LOST
    return token.decode(errors="ignore" if "alone_ignored" in bugs else "strict" if "alone_strict" in bugs else "replace")


def _awaited(tokens: list[bytes], bugs: Bugs) -> tuple[list[str], str]:
    """The text that each token adds, and the sign for what is left."""
    texts, waiting = [], b""
    for token in tokens:
        known = waiting if "late" in bugs else waiting + token
        text = known.decode(errors="ignore")
        if bugs & {"all_or_nothing", "held_to_the_end"} and len(text.encode()) < len(known):
            text = ""
        n = len(text.encode())
        texts.append(text + LOST * ("flicker" in bugs and n < len(known)))
        waiting = (waiting + token)[len(text) if "characters" in bugs else n :]
    if bugs & {"late", "held_to_the_end"}:
        return texts, waiting.decode(errors="replace")
    return texts, LOST * (len(waiting) if "one_each" in bugs else bool(waiting) or "always_lost" in bugs)
