"""Exercises on byte-pair encoding: one merge in a word, then the loop that learns the merges."""

from collections import Counter
from itertools import chain, pairwise
from typing import Any

import torch

from d2lmini.exercises.exercise import NONE, Bugs, exercise
from d2lmini.i18n import Text
from d2lmini.trial import Case

# --- one merge ----------------------------------------------------------------------------------------------


PAST_END = Text(
    "Vous lisez la place i + 1 quand i est déjà la dernière : le dernier jeton n'a pas de voisin de droite, testez-le avant de comparer.",
    "You read place i + 1 when i is already the last one: the last token has no neighbor on its right, test that before you compare.",
)


def _merge_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(97, 100, (23,), generator=generator).tolist()
    return [
        Case(Text("deux fois la paire", "the pair twice"), ([97, 98, 99, 98, 97, 98, 97], (97, 98), 256)),
        Case(Text("trois fois le même jeton", "three times the same token"), ([97, 97, 97], (97, 97), 256)),
        Case(Text("cinq fois le même jeton", "five times the same token"), ([98, 97, 97, 97, 97, 97, 98], (97, 97), 257)),
        Case(Text("la paire deux fois de suite, à la fin", "the pair twice in a row, at the end"), ([99, 97, 98, 97, 98], (97, 98), 258)),
        Case(Text("des jetons déjà fusionnés", "tokens already merged"), ([1256, 97, 256, 97, 256, 971, 256, 97, 98], (256, 97), 259)),
        Case(Text("pas de paire", "no pair"), ([97, 98, 98, 97], (97, 99), 256)),
        Case(Text("un seul jeton", "a single token"), ([97], (97, 97), 256)),
        Case(Text("un mot tiré au sort", "a word drawn at random"), (drawn, (97, 98), 261)),
    ]


@exercise(
    title=Text("Une fusion dans un mot", "One merge in a word"),
    skill=Text("remplacer une paire de jetons, de gauche à droite", "replace a pair of tokens, from left to right"),
    level=1,
    minutes=10,
    points=2,
    cases=_merge_cases,
    mistakes={
        "first_only": Text(
            "Vous ne fusionnez que la première paire du mot : il faut fusionner toutes celles qui s'y trouvent.",
            "You merge only the first pair of the word: all those that stand in it must be merged.",
        ),
        "never": Text(
            "Rien n'est fusionné. Comparez-vous une liste à un tuple ? Ils ne sont jamais égaux, même avec le même contenu.",
            "Nothing is merged. Do you compare a list with a tuple? They are never equal, even with the same content.",
        ),
        "overlap": Text(
            "Un même jeton sert à deux fusions : quand une paire est fusionnée, ses deux jetons n'existent plus, et la recherche reprend après eux.",
            "One token serves in two merges: once a pair is merged, its two tokens are gone, and the search goes on after them.",
        ),
        "right_kept": Text(
            "Le second jeton de la paire reste après le nouveau : il fallait avancer de deux places, et non d'une.",
            "The second token of the pair stays after the new one: you had to move by two places, not by one.",
        ),
        "next_lost": Text(
            "Le jeton qui suit une paire disparaît : après une fusion, vous avancez de trois places au lieu de deux.",
            "The token that follows a pair vanishes: after a merge, you move by three places instead of two.",
        ),
        "last_lost": Text(
            "Le dernier jeton disparaît quand il n'est pas fusionné : votre boucle s'arrête une place avant la fin du mot.",
            "The last token vanishes when it is not merged: your loop stops one place before the end of the word.",
        ),
        "end_missed": Text(
            "Une paire placée tout à la fin du mot n'est pas fusionnée : votre recherche s'arrête une place trop tôt.",
            "A pair at the very end of the word is not merged: your search stops one place too early.",
        ),
        "past_end": PAST_END,
        "past_end_always": PAST_END,
        "shortened": Text(
            "Vous raccourcissez la liste pendant qu'une boucle `for` compte ses places : `range` garde l'ancienne longueur, et l'on sort du mot.",
            "You shorten the list while a `for` loop counts its places: `range` keeps the old length, and you leave the word.",
        ),
        "from_right": Text(
            "Vous fusionnez en partant de la droite : la règle part de la gauche, et trois jetons égaux donnent le nouveau, puis le troisième.",
            "You merge from the right: the rule starts from the left, and three equal tokens give the new one, then the third.",
        ),
        "unordered": Text(
            "Vous fusionnez aussi la paire retournée : le jeton de gauche et celui de droite n'ont pas le même rôle.",
            "You merge the reversed pair too: the left token and the right one do not play the same part.",
        ),
        "fixed_steps": Text(
            "Vous coupez le mot de deux en deux, et manquez les paires qui commencent entre deux coupes : une paire peut commencer à toute place.",
            "You cut the word two by two, and miss the pairs that begin between two cuts: a pair may begin at any place.",
        ),
        "both_replaced": Text(
            "Vous écrivez le nouveau jeton deux fois, à la place de chacun des deux anciens : un seul les remplace tous les deux.",
            "You write the new token twice, in place of each of the two old ones: a single one replaces both.",
        ),
        "deleted": Text(
            "La paire est retirée, mais rien ne la remplace : il manque le nouveau jeton.",
            "The pair is removed, but nothing replaces it: the new token is missing.",
        ),
        "nested": Text(
            "Vous rangez la paire elle-même dans le résultat : c'est son nouveau numéro, `new`, qui doit s'y trouver.",
            "You put the pair itself in the result: its new number, `new`, is what belongs there.",
        ),
        "total": Text(
            "Vous additionnez les deux numéros : ils ne sont que des noms, et le nouveau jeton a le sien, `new`.",
            "You add up the two numbers: they are mere names, and the new token has its own, `new`.",
        ),
        "as_text": Text(
            "Vous cherchez dans le texte des numéros : « 256 97 » se trouve aussi dans « 1256 97 ». Comparez des jetons entiers.",
            'You search the text of the numbers: "256 97" is found in "1256 97" too. Compare whole tokens.',
        ),
    },
    hints=(
        Text(
            "Avancez dans le mot avec un indice. À chaque place, deux cas : une paire commence ici, ou non.",
            "Move through the word with an index. At each place, two cases: a pair begins here, or not.",
        ),
        Text(
            "De combien de places avancer dans chacun des deux cas ? Essayez avec trois jetons égaux.",
            "How many places should you move in each of the two cases? Try with three equal tokens.",
        ),
        Text(
            "Une boucle `while` laisse choisir le pas. À la dernière place, il n'y a plus de voisin : testez-le avant de comparer.",
            "A `while` loop lets you choose the step. At the last place there is no neighbor left: test that before you compare.",
        ),
    ),
)
def merge_pair(tokens: list[int], pair: tuple[int, int], new: int, *, bugs: Bugs = NONE) -> list[Any]:
    if "as_text" in bugs:
        text = " ".join(map(str, tokens)).replace("{} {}".format(*pair), str(new))
        return [int(number) for number in text.split()]
    return merged(tokens, pair, new, bugs)


def merged(tokens: list[Any], pair: tuple[Any, Any], new: Any, bugs: Bugs = NONE) -> list[Any]:
    if "from_right" in bugs:
        return merged(tokens[::-1], pair[::-1], new, bugs - {"from_right"})[::-1]
    written = [*pair] if "nested" in bugs else sum(pair) if "total" in bugs else new
    copies = 0 if "deleted" in bugs else 2 if "both_replaced" in bugs else 1
    result: list[Any] = []
    done, i = False, 0
    while i < len(tokens) - ("last_lost" in bugs):
        two = tuple(tokens[i : i + 2]) if i + 2 <= len(tokens) - ("end_missed" in bugs) else ()
        found = two == pair or ("unordered" in bugs and two == pair[::-1])
        found = found and not ("first_only" in bugs and done) and not ("fixed_steps" in bugs and i % 2)
        if found and "never" not in bugs:
            done = True
            result += [written] * copies
            twice = "overlap" in bugs and tuple(tokens[i + 1 : i + 3]) == pair
            i += 1 if twice or "right_kept" in bugs else 3 if "next_lost" in bugs else 2
        elif i + 1 == len(tokens) and ("past_end_always" in bugs or ("past_end" in bugs and tokens[i] == pair[0])):
            raise IndexError
        else:
            result.append(tokens[i])
            i += 1
    if done and "shortened" in bugs:
        raise IndexError
    return result


# --- the loop that learns -----------------------------------------------------------------------------------


def _learn_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)
    forms = "marche marché marchés marchons marcher marchez démarche archer".split()
    counts = (torch.randperm(9, generator=generator) + 2).tolist()
    return [
        Case(Text("huit formes d'un même verbe", "eight forms of one verb"), (dict(zip(forms, counts, strict=False)), 9)),
        Case(Text("un mot fréquent, des mots rares", "one frequent word, some rare ones"), ({"abab": 1, "cab": 2, "ode": 9, "cabs": 3}, 6)),
        Case(Text("des paires aussi fréquentes", "pairs that are as frequent"), ({"ts": 2, "st": 2, "on": 3, "no": 1, "te": 2}, 5)),
        Case(Text("des mots courts, beaucoup de fusions", "short words, many merges"), ({"le": 3, "la": 1, "y": 4}, 10)),
        Case(Text("des lettres doubles", "double letters"), ({"aaab": 2, "aab": 1, "cd": 4, "de": 4}, 3)),
        Case(Text("des lettres répétées", "repeated letters"), ({"xyxyz": 2, "zz": 3, "xyx": 1}, 4)),
        Case(Text("la même paire quatre fois dans un mot", "the same pair four times in a word"), ({"ouououou": 3, "ile": 5}, 5)),
        Case(Text("des accents", "accents"), ({"été": 3, "thé": 2, "né": 2, "nez": 2}, 7)),
        Case(Text("aucune fusion", "no merge"), ({"le": 3, "la": 1}, 0)),
    ]


ENDS = Text(
    "Il ne reste parfois qu'un jeton par mot : il n'y a plus de paire, et il faut s'arrêter avant `n_merge` fusions, sans lever d'erreur.",
    "Sometimes one token per word is left: there is no pair any more, and you must stop before `n_merge` merges, without raising an error.",
)


@exercise(
    title=Text("Apprendre les fusions, en partant des octets", "Learn the merges, starting from bytes"),
    skill=Text("écrire la boucle d'apprentissage du BPE d'octets", "write the training loop of byte-level BPE"),
    level=2,
    minutes=30,
    points=5,
    cases=_learn_cases,
    mistakes={
        "unweighted": Text(
            "Vous comptez chaque mot une seule fois : une paire se compte autant de fois que le texte contient le mot.",
            "You count each word once: a pair counts as many times as the text holds the word.",
        ),
        "characters": Text(
            "Vous partez des caractères, par leur numéro Unicode : « é » doit donner deux octets, 195 et 169.",
            'You start from characters, by their Unicode number: "é" must give two bytes, 195 and 169.',
        ),
        "across": Text(
            "Vous comptez des paires à cheval sur deux mots : les mots ne se touchent pas, aucune fusion ne franchit leur frontière.",
            "You count pairs that straddle two words: words do not touch each other, and no merge crosses their border.",
        ),
        "never_merged": Text(
            "Les mots ne changent jamais : après chaque choix, il faut y écrire la fusion, sinon la même paire gagne toujours.",
            "The words never change: after each choice the merge must be written in them, or the same pair wins for ever.",
        ),
        "counted_once": Text(
            "Vous comptez une fois pour toutes, puis prenez les paires les plus fréquentes : chaque fusion change les comptes et crée des paires.",
            "You count once and for all, then take the most frequent pairs: each merge changes the counts and creates pairs.",
        ),
        "first_seen": Text(
            "À égalité, vous gardez la paire rencontrée la première : la règle veut celle des plus petits numéros.",
            "Of equals, you keep the pair that was met first: the rule wants the one of the smallest numbers.",
        ),
        "last_seen": Text(
            "À égalité, vous gardez la paire rencontrée la dernière : la règle veut celle des plus petits numéros.",
            "Of equals, you keep the pair that was met last: the rule wants the one of the smallest numbers.",
        ),
        "largest": Text(
            "À égalité, vous gardez la paire des plus grands numéros : `max` sur le couple (compte, paire) choisit ainsi. Il faut la plus petite.",
            "Of equals, you keep the pair of the largest numbers: `max` on (count, pair) does so. The smallest one is needed.",
        ),
        "rarest": Text(
            "Vous fusionnez la paire la plus rare : il faut la plus fréquente. Attention au signe du compte.",
            "You merge the rarest pair: the most frequent one is needed. Mind the sign of the count.",
        ),
        "one_per_word": Text(
            "Une paire répétée dans un mot n'y est comptée qu'une fois : chaque endroit compte.",
            "A pair repeated in a word is counted there once: every place counts.",
        ),
        "first_only": Text(
            "Vous n'écrivez la fusion qu'au premier endroit de chaque mot : elle vaut partout dans le mot.",
            "You write the merge at its first place in each word only: it holds everywhere in the word.",
        ),
        "first_word": Text(
            "La fusion n'est écrite que dans le premier mot qui contient la paire : elle vaut dans tous.",
            "The merge is written only in the first word that holds the pair: it holds in all of them.",
        ),
        "same_number": Text(
            "Tous vos nouveaux jetons portent le numéro 256 : chacun doit avoir le sien, 256 pour la première fusion, puis 257, 258…",
            "All your new tokens bear the number 256: each needs its own, 256 for the first merge, then 257, 258…",
        ),
        "from_257": Text(
            "Vos nouveaux jetons commencent à 257 : les octets vont de 0 à 255, donc la première fusion donne 256.",
            "Your new tokens start at 257: bytes go from 0 to 255, so the first merge gives 256.",
        ),
        "one_more": Text("Vous faites une fusion de trop.", "You make one merge too many."),
        "one_less": Text("Il manque la dernière fusion.", "The last merge is missing."),
        "twice": Text(
            "Vous vous arrêtez quand la meilleure paire n'est vue qu'une fois : ici, on s'arrête seulement quand il n'y a plus de paire.",
            "You stop when the best pair is seen only once: here you stop only when no pair is left.",
        ),
        "value_error": ENDS,
        "index_error": ENDS,
        "with_counts": Text(
            "Vous rendez chaque paire avec son compte, comme `most_common` les donne : seule la paire est demandée.",
            "You return each pair with its count, as `most_common` gives them: only the pair is asked for.",
        ),
        "numbers": Text(
            "Vous rendez les numéros des nouveaux jetons : ce sont les paires fusionnées qu'il faut.",
            "You return the numbers of the new tokens: the merged pairs are what is wanted.",
        ),
        "pieces": Text(
            "Vous rendez les octets de chaque nouveau jeton : il faut la paire de numéros qui l'a formé, car elle seule dit comment il se construit.",
            "You return the bytes of each new token: the pair of numbers that made it is wanted, for it alone says how it is built.",
        ),
        "dictionary": Text(
            "Vous rendez un dictionnaire : il faut la liste des paires, dans l'ordre où elles ont été apprises.",
            "You return a dictionary: the list of pairs is wanted, in the order in which they were learned.",
        ),
    },
    hints=(
        Text(
            "Trois gestes dans la boucle : compter les paires, choisir, écrire la fusion dans tous les mots. Rien ne se garde d'un tour à l'autre, sauf les mots et les paires choisies.",
            "Three moves in the loop: count the pairs, choose, write the merge in all the words. Nothing is kept from one turn to the next, except the words and the chosen pairs.",
        ),
        Text(
            "`list(word.encode())` donne les octets d'un mot. `pairwise` donne les voisins ; ajoutez à chaque fois le nombre d'apparitions du mot, et non 1.",
            "`list(word.encode())` gives the bytes of a word. `pairwise` gives the neighbors; add each time how often the word was seen, not 1.",
        ),
        Text(
            "Deux tuples se comparent élément par élément : la plus petite clé `(-compte, paire)` est celle de la paire cherchée.",
            "Two tuples are compared item by item: the smallest key `(-count, pair)` is that of the pair you want.",
        ),
    ),
)
def learn_bpe(words: dict[str, int], n_merge: int, *, bugs: Bugs = NONE) -> Any:
    spelled = [[ord(c) for c in word] if "characters" in bugs else [*word.encode()] for word in words]
    seen = [1 if "unweighted" in bugs else count for count in words.values()]
    if "across" in bugs:
        spelled, seen = [[*chain.from_iterable(tokens * n for tokens, n in zip(spelled, seen, strict=True))]], [1]
    pieces = {i: [i] for tokens in spelled for i in tokens}
    counts = _counts(spelled, seen, bugs)
    if "counted_once" in bugs:
        return sorted(counts, key=lambda pair: (-counts[pair], pair))[:n_merge]
    merges: list[Any] = []
    told: list[Any] = []
    n = n_merge + (1 if "one_more" in bugs else -1 if "one_less" in bugs else 0)
    while len(merges) < n:
        counts = _counts(spelled, seen, bugs)
        if not counts and bugs & {"value_error", "index_error"}:
            raise ValueError if "value_error" in bugs else IndexError
        if not counts or ("twice" in bugs and max(counts.values()) < 2):
            break
        pair = _chosen(counts, bugs)
        new = 256 if "same_number" in bugs else 256 + len(merges) + ("from_257" in bugs)
        merges.append(pair)
        pieces[new] = pieces[pair[0]] + pieces[pair[1]]
        told.append(
            new if "numbers" in bugs else pieces[new] if "pieces" in bugs else (pair, counts[pair]) if "with_counts" in bugs else pair
        )
        if "never_merged" not in bugs:
            holds = [i for i, tokens in enumerate(spelled) if pair in pairwise(tokens)]
            for i in holds[: 1 if "first_word" in bugs else None]:
                spelled[i] = merged(spelled[i], pair, new, bugs & {"first_only"})
    return {pair: 256 + k for k, pair in enumerate(merges)} if "dictionary" in bugs else told


def _counts(spelled: list[list[int]], seen: list[int], bugs: Bugs) -> Counter:
    counts: Counter = Counter()
    for tokens, count in zip(spelled, seen, strict=True):
        for pair in dict.fromkeys(pairwise(tokens)) if "one_per_word" in bugs else pairwise(tokens):
            counts[pair] += count
    return counts


def _chosen(counts: Counter, bugs: Bugs) -> tuple[int, int]:
    """The most frequent pair; of equals, the smallest."""
    if "rarest" in bugs:
        return min(counts, key=lambda pair: (counts[pair], pair))
    equals = [pair for pair in counts if counts[pair] == max(counts.values())]
    return equals[0] if "first_seen" in bugs else equals[-1] if "last_seen" in bugs else max(equals) if "largest" in bugs else min(equals)
