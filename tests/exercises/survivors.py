"""Changes of the solutions that leave them right, each with its reason."""

SWAP = "transposing swaps two axes, in either order"
PAIR = "the product of each pair doesn't depend on which comes first"
LAST = "of two axes, the last is number 1"
FINE = "one part in 10,000 is below the tolerance: these angles differ by less than float32's own error over long texts"

STILL_RIGHT = {
    ("attend_one", "zip(relevance, values) → zip(values, relevance)"): PAIR,
    ("attend_one", "0.0 → 1.0"): "the softmax ignores a number added to all scores",
    ("attention", "k.transpose(-2, -1) → k.transpose(-1, -2)"): SWAP,
    ("kernel_regression", "-1 → 1"): LAST,
    ("split_heads", "pieces.transpose(1, 2) → pieces.transpose(2, 1)"): SWAP,
    ("merge_heads", "z.transpose(1, 2) → z.transpose(2, 1)"): SWAP,
    ("sinusoidal_positions", "10000 → 10001"): FINE,
    ("sinusoidal_positions", "10000 → 9999"): FINE,
    ("relative_bias", "1 → 0"): "(2K + 1) // 2 is K too",
    ("alibi_scores", "k.transpose(-2, -1) → k.transpose(-1, -2)"): SWAP,
    ("rotary", "10000 → 10001"): FINE,
    ("rotary", "10000 → 9999"): FINE,
    ("encoder_block", "z.unflatten(-1, (n_head, -1)).transpose(1, 2) → z.unflatten(-1, (n_head, -1)).transpose(2, 1)"): SWAP,
    ("encoder_block", "found.transpose(1, 2) → found.transpose(2, 1)"): SWAP,
    ("decoder_masks", "torch.ones(T, T, dtype=torch.bool) → torch.ones(T, T, dtype=torch.bool)"): "both sizes are T",
    ("padded_loss", "-1 → 1"): LAST,
    ("greedy_decoding", "scores[-1].argmax().item() → scores[-1].argmax()"): "a tensor of no axis counts as its number",
    (
        "warmup_rates",
        "min(s ** (-0.5), s * warmup ** (-1.5)) → min(s * warmup ** (-1.5), s ** (-0.5))",
    ): "the smaller of two numbers has no order",
    ("best_cut", "1 → 0"): "no piece ends before the first letter",
    ("best_cut", "0.0 → 1.0"): "a number added to all sums changes no choice",
    ("text_perplexity", "-1 → 1"): LAST,
    ("text_perplexity", ":-1 → :"): "gather reads as many rows as there are tokens to guess: the last one stays unread",
    ("nucleus", "-1 → 1"): LAST,
    ("nucleus", "before >= p → before > p"): "no sum of these probabilities is exactly p",
    ("next_probabilities", "scores[token] > 0 → scores[token] >= 0"): "a score of 0 stays 0, divided or multiplied",
    ("next_probabilities", "1 → 0"): "the only axis of a vector is number 0",
    ("beam_step", "min(2 * width, len(sums)) → min(len(sums), 2 * width)"): "the smaller of two numbers has no order",
    ("beam_step", "best.values.tolist() → best.values"): "a tensor of no axis counts as its number",
    ("beam_step", "2 → 3"): "among the first 2·width, enough go on: those that follow are not needed",
    ("word_origins", "-1 → 1"): LAST,
    ("corpus_bleu", "max(total, 1) → max(1, total)"): "the larger of two numbers has no order",
    ("corpus_bleu", "min(1, math.exp(1 - r / c)) → min(math.exp(1 - r / c), 1)"): "the smaller of two numbers has no order",
    ("greedy_batch", "-1 → 1"): LAST,
    ("reach_through", "0 → -1"): "all the masks have the same size",
    ("packed_layout", "0 → -1"): "each row opens with a start sign, at place 0",
    ("middle_last", "torch.ones(T, T, dtype=torch.bool) → torch.ones(T, T, dtype=torch.bool)"): "both sizes are T",
    ("hole_probabilities", "0 → -1"): "the first axis, or place, of one is also the last",
    ("hole_probabilities", ":-1 → :"): "gather reads as many rows as there are tokens to guess: the last one stays unread",
    ("hide_tokens", "fates < 0.8 → fates <= 0.8"): "no fate is exactly 0.8",
    ("hide_tokens", "fates >= 0.8 → fates > 0.8"): "no fate is exactly 0.8",
    ("hide_tokens", "fates < 0.9 → fates <= 0.9"): "no fate is exactly 0.9",
    ("hide_tokens", "2.0 → 5.0"): "any number above all dice will do",
    ("text_similarity", "1 → 0"): "a table of cosines has the same rows and columns",
    (
        "answer_spans",
        "best <= starts[:, 0] + ends[:, 0] → best < starts[:, 0] + ends[:, 0]",
    ): "no total is exactly that of place 0: to the last digit, it would depend on how the scores are rounded",
}
