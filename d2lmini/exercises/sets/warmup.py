"""The exercise on the learning rate of 2017, its warm-up and its descent."""

from d2lmini.exercises.exercise import NONE, Bugs, exercise
from d2lmini.i18n import Text
from d2lmini.trial import Case

STEEP = Text(
    "Votre montée est `warmup` fois trop raide : au pas `warmup` elle doit valoir 1/√(d_model · warmup).",
    "Your climb is `warmup` times too steep: at step `warmup` it must be 1/√(d_model · warmup).",
)
JUMP = Text(
    "Votre montée finit à 1/√d_model au lieu de rejoindre la descente : les deux branches doivent avoir la même valeur au pas `warmup`.",
    "Your climb ends at 1/√d_model instead of meeting the descent: both branches must have the same value at step `warmup`.",
)
TO_ONE = Text(
    "Votre montée va vers 1 : multipliez-la par le taux du pas `warmup`.", "Your climb goes to 1: multiply it by the rate of step `warmup`."
)
NO_ROOT = Text("Dans la descente, il manque la racine de s.", "In the descent, the square root of s is missing.")


def _warmup_cases(seed: int) -> list[Case]:
    return [
        Case(Text("12 pas, dont 4 d'amorçage", "12 steps, 4 of warm-up"), (12, 16, 4)),
        Case(Text("tout est amorçage", "nothing but warm-up"), (6, 9, 10)),
        Case(Text("un amorçage d'un pas", "a warm-up of one step"), (5, 4, 1)),
        Case(Text("40 pas, dont 9 d'amorçage", "40 steps, 9 of warm-up"), (40, 25, 9)),
    ]


@exercise(
    title=Text("Le taux de 2017", "The rate of 2017"),
    skill=Text("programmer un taux d'apprentissage à amorçage", "program a learning rate with a warm-up"),
    level=1,
    minutes=10,
    points=2,
    cases=_warmup_cases,
    tolerance=1e-6,
    mistakes={
        "from_zero": Text(
            "Vos pas partent de 0 : le premier taux est nul et ce pas ne change rien. Ici le premier pas porte le numéro 1.",
            "Your steps begin at 0: the first rate is zero and that step changes nothing. Here the first step is number 1.",
        ),
        "division": Text(
            "Au pas 0, la descente 1/√s divise par 0. Ici le premier pas porte le numéro 1.",
            "At step 0, the descent 1/√s divides by 0. Here the first step is number 1.",
        ),
        "no_scale": Text("Il manque le facteur 1/√d_model.", "The factor 1/√d_model is missing."),
        "over_d": Text("Vous divisez par d_model, et non par sa racine.", "You divide by d_model, not by its square root."),
        "times_root": Text(
            "Vous multipliez par √d_model : plus le modèle est large, plus ses pas doivent être petits.",
            "You multiply by √d_model: the wider the model, the smaller its steps must be.",
        ),
        "largest": Text(
            "Vous gardez la plus grande des deux branches : le taux part de haut, et remonte après l'amorçage. Gardez la plus petite.",
            "You keep the larger of the two branches: the rate starts high and climbs again after the warm-up. Keep the smaller one.",
        ),
        "no_warmup": Text(
            "Il n'y a pas d'amorçage : le taux est à son maximum dès le premier pas.",
            "There is no warm-up: the rate is at its maximum from the first step.",
        ),
        "no_decay": Text(
            "Le taux monte sans fin : il doit redescendre après l'amorçage.",
            "The rate climbs forever: it must come down after the warm-up.",
        ),
        "plateau": Text(
            "Après l'amorçage votre taux reste constant : il doit baisser comme 1/√s.",
            "After the warm-up your rate stays constant: it must fall like 1/√s.",
        ),
        "fast": Text(
            "Après l'amorçage votre taux baisse comme 1/s : il doit baisser comme 1/√s, plus lentement.",
            "After the warm-up your rate falls like 1/s: it must fall like 1/√s, more slowly.",
        ),
        "multiplied": Text(
            "Vous multipliez la montée par la descente : pendant l'amorçage le taux monte comme √s. Il doit monter en ligne droite.",
            "You multiply the climb by the descent: during the warm-up the rate climbs like √s. It must climb in a straight line.",
        ),
        "jump": JUMP,
        "jump_before": JUMP,
        "to_one": TO_ONE,
        "to_one_before": TO_ONE,
        "steep": STEEP,
        "steep_branch": STEEP,
        "steep_branch_before": STEEP,
        "flat": Text(
            "Pendant la montée, le taux doit croître, et non rester le même.",
            "During the warm-up the rate must climb, not stay the same.",
        ),
        "climb_no_scale": Text("Le facteur 1/√d_model manque à la montée.", "The climb lacks the factor 1/√d_model."),
        "restarted": Text(
            "La descente se compte depuis le pas 1, non depuis `warmup`.",
            "The descent counts from step 1, not from `warmup`.",
        ),
        "no_root": NO_ROOT,
        "no_root_from": NO_ROOT,
        "last_missing": Text(
            "Il manque le dernier pas : `range` s'arrête avant sa borne.", "The last step is missing: `range` stops before its bound."
        ),
    },
    hints=(
        Text(
            "Calculez d'abord la valeur au pas `warmup`, par la formule de la descente. La montée est la droite qui part de 0 et y arrive.",
            "First compute the value at step `warmup`, with the formula of the descent. The climb is the straight line from 0 that ends there.",
        ),
        Text(
            "Avant le pas `warmup`, la droite est sous la courbe ; après, c'est l'inverse. Un seul `min` suffit donc à choisir.",
            "Before step `warmup` the line is below the curve; after it, above. So a single `min` is enough to choose.",
        ),
    ),
)
def warmup_rates(n_step: int, d_model: int, warmup: int, *, bugs: Bugs = NONE) -> list[float]:
    scale = {"no_scale": 1.0, "over_d": 1 / d_model, "times_root": d_model**0.5}
    factor = next((scale[bug] for bug in scale if bug in bugs), d_model**-0.5)
    power = 0.5 if "steep" in bugs else 1.5
    last = n_step - ("last_missing" in bugs)
    rates = []
    for s in range(last) if bugs & {"from_zero", "division"} else range(1, last + 1):
        climb, descent = s * warmup**-power, s**-0.5 if s or "division" in bugs else float("inf")
        rate = max(climb, descent) if "largest" in bugs else min(climb, descent)
        if "multiplied" in bugs:
            rate = min(s / warmup, 1.0) * descent
        rate = descent if "no_warmup" in bugs else climb if "no_decay" in bugs else rate
        rates.append(factor * _branches(rate, s, d_model, warmup, bugs))
    return rates


def _branches(rate: float, s: int, d_model: int, warmup: int, bugs: Bugs) -> float:
    """The rate times √d_model with a branch replaced: a climb up to the step `warmup` or the one before, a descent after or from it."""
    climbs = {
        "jump": s / warmup,
        "to_one": d_model**0.5 * s / warmup,
        "steep_branch": s * warmup**-0.5,
        "flat": warmup**-0.5,
        "climb_no_scale": d_model**0.5 * s * warmup**-1.5,
    }
    for bug, climb in climbs.items():
        if (bug in bugs and s <= warmup) or (f"{bug}_before" in bugs and s < warmup):
            rate = climb
    if s > warmup and bugs & {"plateau", "fast", "restarted"}:
        rate = warmup**-0.5 if "plateau" in bugs else warmup**0.5 / s if "fast" in bugs else (s - warmup) ** -0.5
    if ("no_root" in bugs and s > warmup) or ("no_root_from" in bugs and s >= warmup):
        rate = 1 / s
    return rate
