// BERT in the browser: d2lmini.models.bert from tokens to the scores of words, with weights of one byte; tests compare both.

import { attention, mask, weightedMean } from "./shared.mjs";

/** The weights that Python packed, by name: a table is rows of bytes, each with its scale, a vector is float32. */
export function unpackWeights(view, layout) {
  let at = 0;
  const float = () => view.getFloat32((at += 4) - 4, true);
  const floats32 = (n) => Float64Array.from({ length: n }, float);
  return Object.fromEntries(layout.map(([name, n, width]) => {
    if (width === undefined) return [name, floats32(n)];
    return [name, Array.from(floats32(n), (scale) => Float64Array.from({ length: width }, () => scale * view.getInt8(at++)))];
  }));
}

/** erf to 1.5e-7 (Abramowitz and Stegun 1964, eq. 7.1.26). */
export function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - tail * Math.exp(-x * x));
}

/** x Φ(x), Φ being the normal distribution: the exact GELU, not its approximation by tanh. */
export const gelu = (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));

export function layerNorm(x, gain, shift, eps) {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length, scale = 1 / Math.sqrt(variance + eps);
  return x.map((value, c) => (value - mean) * scale * gain[c] + shift[c]);
}

/** table · x + shift. */
export function affine(x, table, shift) {
  return Float64Array.from(table, (row, r) => {
    let total = shift[r];
    for (let c = 0; c < row.length; c++) total += row[c] * x[c];
    return total;
  });
}

const plus = (...vectors) => vectors[0].map((_, c) => vectors.reduce((total, vector) => total + vector[c], 0));

/** Softmax of a vector. */
export function softmax(scores) {
  const top = Math.max(...scores), exps = scores.map((score) => Math.exp(score - top)), total = exps.reduce((a, b) => a + b, 0);
  return exps.map((x) => x / total);
}

/** The layers `name` of a model. */
function parts(weights, eps) {
  return {
    linear: (name, x) => affine(x, weights[`${name}.weight`], weights[`${name}.bias`]),
    norm: (name, x) => layerNorm(x, weights[`${name}.weight`], weights[`${name}.bias`], eps),
  };
}

/** Self-attention of all heads: each token's vector, and how much each looks at each, looks[head][i][j]. */
function multiHead(xs, name, { n_head }, linear, allowed) {
  const [q, k, v] = ["query", "key", "value"].map((part) => xs.map((x) => linear(`${name}.${part}`, x))), size = q[0].length / n_head;
  const cut = (vectors, head) => vectors.map((vector) => vector.subarray(head * size, (head + 1) * size));
  const looks = Array.from({ length: n_head }, (_, h) => attention(cut(q, h), cut(k, h), { mask: allowed }).map(({ weights }) => weights));
  const means = looks.map((head, h) => head.map((row) => weightedMean(row, cut(v, h)))); // [head][i]
  return { looks, out: xs.map((_, i) => linear(`${name}.out`, means.flatMap((head) => head[i]))) };
}

/** The encoder: the last vector of each token, and looks[layer][head][i][j]. `sees` both sides, or what is on the left alone. */
export function encode(weights, ids, sizes, sees = "both") {
  const { linear, norm } = parts(weights, sizes.norm_eps), allowed = sees === "left" ? mask("causal", ids.length) : null, looks = [];
  const [words, places, [segment]] = ["embedding.weight", "positions.table", "segments.weight"].map((name) => weights[`body.${name}`]);
  let xs = ids.map((id, i) => norm("body.norm", plus(words[id], places[i], segment)));
  for (let layer = 0; layer < sizes.n_layer; layer++) {
    const name = `body.blocks.${layer}`, seen = multiHead(xs, `${name}.attend`, sizes, linear, allowed);
    looks.push(seen.looks);
    xs = xs.map((x, i) => norm(`${name}.around_attend.norm`, plus(x, seen.out[i])));
    xs = xs.map((x) => {
      const wide = linear(`${name}.feed_forward.wide`, x).map(gelu);
      return norm(`${name}.around_feed_forward.norm`, plus(x, linear(`${name}.feed_forward.narrow`, wide)));
    });
  }
  return { xs, looks };
}

/** The scores of all words at a place, from the encoder's vector there. */
export function wordScores(weights, x, { norm_eps }) {
  const { linear, norm } = parts(weights, norm_eps);
  return affine(norm("norm", linear("before_words", x).map(gelu)), weights["body.embedding.weight"], weights.word_bias);
}
