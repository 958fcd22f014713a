"""The next token: inputs and targets one place apart, nothing asked after the end, and no answer in sight."""

import pytest
import torch
import torch.nn.functional as F

from d2lmini import masks
from d2lmini.attention import attention
from d2lmini.data.batches import pad
from d2lmini.models.llama import Llama, LlamaConfig
from d2lmini.objectives import IGNORE, framed, next_token, prefix_lm


def test_by_hand():
    inputs, targets = next_token(torch.tensor([[1, 5, 6, 2], [1, 7, 2, 0]]))
    assert inputs.tolist() == [[1, 5, 6], [1, 7, 2]] and targets.tolist() == [[5, 6, 2], [7, 2, 0]]
    _, targets = next_token(torch.tensor([[1, 5, 6, 2], [1, 7, 2, 0], [0, 0, 0, 0]]), torch.tensor([4, 3, 0]))
    assert targets.tolist() == [[5, 6, 2], [7, 2, IGNORE], [IGNORE] * 3]
    assert framed([5, 6], 1, 2) == [1, 5, 6, 2] and framed([], 1, 2) == [1, 2]
    assert prefix_lm([5], [6]) == ([5], 1, [6])


def test_inputs_and_targets_give_each_text_back():
    rows = [framed(range(5, 5 + n), 1, 2) for n in (0, 3, 7, 11)]
    lengths = torch.tensor([len(row) for row in rows])
    inputs, targets = next_token(pad(rows), lengths)
    for row, read, asked in zip(rows, inputs.tolist(), targets.tolist(), strict=True):
        assert [read[0], *(x for x in asked if x != IGNORE)] == row
        assert read[: len(row) - 1] == row[:-1]


def test_the_loss_is_that_of_each_text_alone():
    """Padding changes nothing: neither what the model says of the text, nor what is asked."""
    torch.manual_seed(0)
    model = Llama(LlamaConfig(vocab_size=19, d_model=12, n_head=3, n_layer=2, d_ff=23)).double()
    rows = [framed(range(5, 5 + n), 1, 2) for n in (2, 3, 7, 11)]

    def loss(tokens, lengths=None):
        inputs, targets = next_token(tokens, lengths)
        return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction="sum")

    alone = sum(loss(torch.tensor([row])) for row in rows)
    torch.testing.assert_close(loss(pad(rows), torch.tensor([len(row) for row in rows])), alone, rtol=1e-12, atol=0)


def test_a_prefix_is_not_predicted_and_no_token_sees_its_own_target():
    prefix, rest = [1, 5, 6], [7, 8, 9, 2]
    row = prefix_lm(prefix, rest)
    assert row.inputs == [1, 5, 6, 7, 8, 9] and row.targets == [IGNORE, IGNORE, 7, 8, 9, 2]
    assert row.inputs[: row.n_prefix] == prefix and [x for x in row.targets if x != IGNORE] == rest
    mask = masks.prefix(len(row.inputs), row.n_prefix)
    torch.manual_seed(0)
    seen = masks.influence(lambda x: attention(x, x, x, mask), torch.randn(len(row.inputs), 5, dtype=torch.float64))
    for place, target in enumerate(row.targets):
        read = {row.inputs[j] for j in range(len(row.inputs)) if seen[place, j]}
        assert target not in read and (target == IGNORE or read == set([*prefix, *rest][: place + 1]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: next_token(torch.tensor([[5]])), "rows of T=1 tokens have no next one; give at least 2, such as those of framed"),
        (lambda: next_token(torch.tensor([[5, 6]]), torch.tensor([3])), r"lengths=\[3\] must lie between 0 and n_key=2"),
        (lambda: prefix_lm([], [5]), "prefix has 0 tokens and rest 1, but both need one; frame the texts"),
        (lambda: prefix_lm([5], []), "prefix has 1 tokens and rest 0"),
    ],
)
def test_errors_give_value_rule_and_repair(call, message):
    with pytest.raises(ValueError, match=message):
        call()
