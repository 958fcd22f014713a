// The masks of an architecture, part by part, and whom each token sees: pure functions, compared with d2lmini.masks in the tests.

import { labels, mask } from "./shared.mjs";

/**
 * The tokens and the masks of an architecture. A part says which tokens look (from row0) and which are looked at
 * (from column0); self-attention has one part, an encoder–decoder three.
 */
export function architecture(kind, tokens, source, size, flips = []) {
  const n = tokens.length;
  let parts = [{ name: "self", row0: 0, column0: 0, allowed: mask(kind === "full" || kind === "encoder-decoder" ? "none" : kind, n, n, size) }];
  let shown = tokens;
  if (kind === "encoder-decoder") {
    const nSource = source.length || Math.floor(n / 2), nTarget = source.length ? n : n - nSource;
    shown = [...source, ...tokens];
    parts = [
      { name: "source", row0: 0, column0: 0, allowed: mask("none", nSource) },
      { name: "target", row0: nSource, column0: nSource, allowed: mask("causal", nTarget) },
      { name: "cross", row0: nSource, column0: 0, allowed: mask("none", nTarget, nSource) },
    ];
  }
  for (const [part, i, j] of flips) {
    const row = parts[part]?.allowed[i]; // while several traits arrive one by one, a place may be of the mask before
    if (row && j in row) row[j] = !row[j];
  }
  return { tokens: labels(shown), parts };
}

/** For token `t`: which tokens it sees, and which see it, through any part. */
export function relations({ tokens, parts }, t) {
  const through = (test) => tokens.map((_, other) => parts.some((part) => test(part, other)));
  const open = ({ allowed, row0, column0 }, i, j) => allowed[i - row0]?.[j - column0] ?? false;
  return { sees: through((part, other) => open(part, t, other)), seen: through((part, other) => open(part, other, t)) };
}
