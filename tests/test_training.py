"""Training: it learns, the same way each time; it is remembered, paused and resumed without a trace; two wait for each other."""

import json
import multiprocessing
import time
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from d2lmini import i18n, training
from d2lmini.progress import interactive
from d2lmini.training import Recipe, cache_folder, fingerprint, train

RECIPE = Recipe(steps=30, lr=0.05, warmup=3)
TARGET = torch.tensor([[1.0, -2.0, 3.0]])


class Model(nn.Module):
    def __init__(self, seed=0, dropout=0.1):
        super().__init__()
        torch.manual_seed(seed)
        self.linear, self.dropout = nn.Linear(3, 1), nn.Dropout(dropout)

    def forward(self, x):
        return self.linear(self.dropout(x))


def batch(generator):
    x = torch.randn(16, 3, generator=generator)
    return x, x @ TARGET.T


def loss(model, x, y):
    return (model(x) - y).square().mean()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("D2L_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "trained"


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def count_steps(monkeypatch):
    done = []
    original = training._step
    monkeypatch.setattr(training, "_step", lambda *args: done.append(1) or original(*args))
    return done


def test_it_learns_and_leaves_the_model_in_evaluation_mode():
    model = Model(dropout=0.0)
    history = train(model, batch, loss, replace(RECIPE, steps=200))
    assert len(history.loss) == 200 and history.loss[0] > 5 and history.last() < 0.05
    assert not model.training and history.seconds > 0
    torch.testing.assert_close(model.linear.weight, TARGET, rtol=0, atol=0.1)


def test_two_runs_are_the_same_and_another_seed_is_not():
    runs = [Model() for _ in range(3)]
    losses = [train(m, batch, loss, replace(RECIPE, seed=s), remember=False).loss for m, s in zip(runs, (0, 0, 1), strict=True)]
    assert losses[0] == losses[1] != losses[2] and weights(runs[0]).equal(weights(runs[1]))


def test_the_notebooks_own_random_numbers_go_on_as_before():
    torch.manual_seed(5)
    expected = torch.rand(3)
    model = Model()
    torch.manual_seed(5)
    train(model, batch, loss, RECIPE)
    assert torch.rand(3).equal(expected)


def test_tied_weights_are_kept_and_stay_tied():
    def make():
        model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False), Model(dropout=0.0))
        model[1].weight = model[0].weight
        return model

    first, second = make(), make()
    second[0].weight.data.copy_(first[0].weight)
    history = train(first, batch, loss, RECIPE)
    assert train(second, batch, loss, RECIPE).loss == history.loss
    assert second[0].weight.equal(first[0].weight) and second[0].weight is second[1].weight


def test_what_was_trained_is_not_trained_again(cache, monkeypatch):
    first, second = Model(), Model()
    history = train(first, batch, loss, RECIPE)
    done = count_steps(monkeypatch)
    again = train(second, batch, loss, RECIPE)
    assert done == [] and again.loss == history.loss and again.seconds == 0.0
    assert weights(first).equal(weights(second)) and not second.training
    (kept,) = cache.glob("*.safetensors")
    assert load_file(kept).keys() == first.state_dict().keys()


def other_loss(model, x, y):
    return (model(x) - y).abs().mean()


def other_batch(generator):
    x = torch.rand(16, 3, generator=generator)
    return x, x @ TARGET.T


FIELDS = {"steps": 31, "lr": 0.04, "warmup": 4, "last_lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.02, "clip": 0.5, "seed": 1}


def test_every_field_of_the_recipe_has_its_turn():
    assert FIELDS.keys() == Recipe.__dataclass_fields__.keys()


@pytest.mark.parametrize("field", FIELDS)
def test_another_recipe_is_another_result(field):
    changed = replace(RECIPE, **{field: FIELDS[field]})
    assert fingerprint(Model(), batch, loss, RECIPE) != fingerprint(Model(), batch, loss, changed)


def test_another_model_data_or_loss_is_another_result():
    base = fingerprint(Model(), batch, loss, RECIPE)
    assert fingerprint(Model(), batch, loss, RECIPE) == base
    configured = Model()
    configured.config = {"n_head": 3}
    others = [
        fingerprint(Model(seed=1), batch, loss, RECIPE),
        fingerprint(Model(dropout=0.2), batch, loss, RECIPE),
        fingerprint(configured, batch, loss, RECIPE),
        fingerprint(Model(), other_batch, loss, RECIPE),
        fingerprint(Model(), batch, other_loss, RECIPE),
    ]
    assert len({base, *others}) == 6


def test_data_that_changed_behind_the_same_code_is_seen(monkeypatch):
    base = fingerprint(Model(), batch, loss, RECIPE)
    monkeypatch.setitem(globals(), "TARGET", torch.tensor([[1.0, -2.0, 4.0]]))
    assert fingerprint(Model(), batch, loss, RECIPE) != base


def test_a_broken_file_is_trained_again(cache):
    model = Model()
    history = train(model, batch, loss, RECIPE)
    (kept,) = cache.glob("*.safetensors")
    kept.write_bytes(b"half")
    again = Model()
    assert train(again, batch, loss, RECIPE).loss == history.loss and weights(again).equal(weights(model))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_ctrl_c_keeps_what_was_learned_and_the_same_call_goes_on(language, monkeypatch, capsys):
    i18n.set_language(language)
    whole = Model()
    expected = train(whole, batch, loss, RECIPE, remember=False)
    original, done = training._step, []

    def interrupted(*args):
        done.append(1)
        if len(done) == 12:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(training, "_step", interrupted)
    model = Model()
    paused = train(model, batch, loss, RECIPE)
    assert paused.loss == expected.loss[:11] and not model.training
    assert not weights(model).equal(weights(Model()))
    assert {"fr": "Arrêté au pas 11 sur 30", "en": "Stopped at step 11 of 30"}[language] in capsys.readouterr().out
    resumed = Model()
    assert train(resumed, batch, loss, RECIPE).loss == expected.loss
    assert len(done) == 12 + 19 and weights(resumed).equal(weights(whole))
    assert not list(cache_folder().glob("*.paused"))


def _train_elsewhere(folder, results):
    import os

    os.environ["D2L_CACHE"] = folder
    torch.set_num_threads(1)

    def slow_batch(generator):
        time.sleep(0.01)
        return batch(generator)

    results.put(train(Model(), slow_batch, loss, RECIPE).seconds)


def test_two_processes_that_want_the_same_model_train_it_once(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    workers = [spawn.Process(target=_train_elsewhere, args=(str(tmp_path), results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    seconds = sorted(results.get(timeout=120) for _ in workers)
    for worker in workers:
        worker.join(20)
    assert seconds[0] == 0.0 < seconds[1], "one waits, then reads what the other trained"


def test_a_loss_that_is_no_number_stops_with_a_repair():
    with pytest.raises(FloatingPointError, match=r"the loss is nan at step 0; try a smaller lr than 0\.05, or a longer warmup"):
        train(Model(), batch, lambda model, x, y: loss(model, x, y) * float("nan"), RECIPE, remember=False)


def test_the_rate_warms_up_then_falls():
    recipe = Recipe(steps=100, warmup=10, last_lr=0.2)
    rates = [recipe.rate(step) for step in range(100)]
    assert rates[:10] == pytest.approx([(n + 1) / 10 for n in range(10)]) and rates[10] == 1.0
    assert all(a > b for a, b in pairwise(rates[10:])) and rates[-1] == pytest.approx(0.2)


def test_matrices_decay_and_vectors_do_not():
    model = nn.Linear(3, 2)
    nn.init.ones_(model.bias)
    before = model.weight.detach().clone()
    recipe = Recipe(steps=1, lr=0.1, warmup=1, weight_decay=0.5)
    train(
        model,
        lambda generator: (torch.zeros(1),),
        lambda model, x: (0 * model.weight).sum() + (0 * model.bias).sum(),
        recipe,
        remember=False,
    )
    torch.testing.assert_close(model.weight, before * (1 - 0.1 * 0.5))
    assert model.bias.eq(1).all()


def test_the_bar_is_silent_when_nobody_watches(monkeypatch, capsys):
    monkeypatch.setenv("D2L_QUIET", "1")
    assert not interactive()
    train(Model(), batch, loss, RECIPE)
    printed = capsys.readouterr()
    assert printed.out == printed.err == ""
    monkeypatch.delenv("D2L_QUIET")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert interactive()
    train(Model(seed=2), batch, loss, RECIPE)
    assert "30/30" in capsys.readouterr().err


def test_the_history_is_kept_with_the_weights(cache):
    history = train(Model(), batch, loss, RECIPE)
    from safetensors import safe_open

    with safe_open(next(cache.glob("*.safetensors")), "pt") as file:
        assert json.loads(file.metadata()["loss"]) == history.loss


def test_weights_that_do_not_show_yet_count_too():
    models = [Model(), Model()]
    for model, value in zip(models, (1.0, 2.0), strict=True):
        model.spare = nn.Parameter(torch.full((2,), value))
    assert fingerprint(models[0], batch, loss, RECIPE) != fingerprint(models[1], batch, loss, RECIPE)
