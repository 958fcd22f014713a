// From stored scores to texts: the filters, the draws and the beam search of d2lmini.decoding, which tests compare with it.

export const NONE = 65535, OTHERS = -1;
export const FILTERS = ["penalty", "temperature", "top_k", "top_p", "min_p"];
export const OFF = { penalty: 1, temperature: 1, top_k: 0, top_p: 1, min_p: 0 };

export const range = (n) => Array.from({ length: n }, (_, i) => i);
export const tally = (xs) => xs.reduce((a, b) => a + b, 0);

function logSumExp(xs) {
  const top = Math.max(...xs);
  return top + Math.log(tally(xs.map((x) => Math.exp(x - top))));
}

/** The contexts that Python packed, see `record`: {entries: [{token, logit, child, log}], others, rest}, best entries first. */
export function unpack(view, nTop) {
  const size = 12 + 6 * nTop;
  return range(view.byteLength / size).map((c) => {
    const at = c * size, short = (block, i) => view.getUint16(at + 12 + 2 * (block * nTop + i), true);
    const top = view.getFloat32(at, true), rest = view.getFloat32(at + 4, true), others = view.getUint32(at + 8, true);
    const entries = range(nTop).filter((i) => short(0, i) !== NONE)
      .map((i) => ({ token: short(0, i), logit: top - short(1, i) / 2048, child: short(2, i) }));
    const total = logSumExp([...entries.map(({ logit }) => logit), rest]);
    return { entries: entries.map((entry) => ({ ...entry, log: entry.logit - total })), others, rest, restLog: rest - total };
  });
}

/** p of each item: `kept` tokens of equal score, normalized over all that are kept. */
export function share(list) {
  const top = Math.max(...list.filter(({ kept }) => kept).map(({ score }) => score));
  const weights = list.map(({ kept, score }) => kept ? kept * Math.exp(score - top) : 0), total = tally(weights);
  list.forEach((item, i) => { item.p = weights[i] / total; });
}

/** What each filter leaves of a list in order of scores: how many of an item's `kept` tokens. */
export const LEAVE = {
  top_k(list, k) {
    let n = 0;
    const last = list.find(({ kept }) => (n += kept) >= k) ?? list.at(-1);
    return list.map(({ kept, score }) => score >= last.score ? kept : 0); // ties with the last one stay
  },
  top_p(list, p) {
    let before = 0;
    return list.map((item) => {
      const each = item.p / item.kept, left = Math.ceil((p - before) / each - 1e-9); // the token that crosses p stays
      before += item.p;
      return item.kept ? Math.min(item.kept, Math.max(left, 0)) : 0;
    });
  },
  min_p(list, p) {
    const least = list[0].score + Math.log(p) - 1e-12;
    return list.map(({ kept, score }) => score >= least ? kept : 0);
  },
};

/**
 * The next token's distribution after the filters, best first. Each item has its share `p`, the model's share `model`, `count`
 * (more than 1 for the tokens that are not stored, taken as equally likely), how many of them are `kept`, and the filter that
 * `cut` it. `left` tells how many tokens each filter leaves. `seen` holds the tokens of the text so far.
 */
export function distribution({ entries, others, rest, restLog }, settings = {}, seen = new Set()) {
  const { penalty, temperature, ...rules } = { ...OFF, ...settings };
  const punish = (x) => x > 0 ? x / penalty : x * penalty;
  const list = entries.map((entry) => ({ ...entry, model: Math.exp(entry.log), count: 1, score: (seen.has(entry.token) ? punish(entry.logit) : entry.logit) / temperature }));
  if (others) list.push({ token: OTHERS, child: NONE, model: Math.exp(restLog), count: others, score: (rest - Math.log(others)) / temperature });
  list.sort((a, b) => b.score - a.score);
  for (const item of list) item.kept = item.count;
  const all = tally(list.map(({ count }) => count)), left = { penalty: all, temperature: all };
  share(list);
  for (const [name, leave] of Object.entries(LEAVE)) {
    if (rules[name] !== OFF[name]) {
      leave(list, rules[name]).forEach((kept, i) => {
        if (list[i].kept && !kept) list[i].cut = name;
        list[i].kept = kept;
      });
      share(list);
    }
    left[name] = tally(list.map(({ kept }) => kept));
  }
  return { list, left, all };
}

/** Entropy in bits of items of `count` equally likely tokens each. */
export const entropy = (shares, counts) => -tally(shares.map((p, i) => p ? p * Math.log2(p / counts[i]) : 0));

/** A number from 0 to 1 that a seed and a step decide: the last mixing of MurmurHash3 (Appleby 2011). */
export function chance(seed, step) {
  let h = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca77);
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return ((h ^ h >>> 16) >>> 0) / 2 ** 32;
}

/** The item on which u from 0 to 1 falls. */
export function pick(list, u) {
  let before = 0;
  return list.find(({ p }) => p && u < (before += p)) ?? list.findLast(({ p }) => p);
}

/** Where a path leads: a context, or why there is none ("ended", "long", "unstored" or "drawn_other"). */
export function follow(contexts, path, end, maxNew) {
  let place = 0;
  for (const token of path) {
    if (token === OTHERS) return { why: "drawn_other" };
    if (token === end) return { why: "ended" };
    place = contexts[place]?.entries.find((entry) => entry.token === token)?.child ?? NONE;
  }
  return path.length >= maxNew ? { why: "long" } : contexts[place] ? { context: contexts[place] } : { why: "unstored" };
}

/** The likeliest token each time: {tokens, total}, total = log p. */
export function greedyText(contexts, maxNew) {
  const tokens = [];
  let total = 0;
  for (let context = contexts[0]; context && tokens.length < maxNew; context = contexts[context.entries[0].child]) {
    tokens.push(context.entries[0].token);
    total += context.entries[0].log;
  }
  return { tokens, total };
}

/**
 * The steps of a beam search, the same as d2lmini.decoding.beam_search. Each step has its `candidates`, best first, with their
 * `parent` (a candidate of the step before) and their `state`, and the `finished` texts so far, best score first.
 */
export function beam(contexts, { width, alpha, end, maxNew }) {
  const steps = [];
  let beams = [{ tokens: [], logs: [], total: 0, child: 0 }], finished = [];
  while (beams.length) {
    const candidates = beams.flatMap((parent) => (contexts[parent.child]?.entries ?? []).map(({ token, log, child }) => (
      { parent, tokens: [...parent.tokens, token], logs: [...parent.logs, log], total: parent.total + log, child, state: "dropped" })));
    candidates.sort((a, b) => b.total - a.total);
    const going = [];
    candidates.slice(0, 2 * width).forEach((candidate, rank) => { // at most `width` of them end, so `width` are left to go on
      const { tokens, total } = candidate, ended = tokens.at(-1) === end;
      candidate.rank = rank;
      candidate.score = total / tokens.length ** alpha;
      if (ended || tokens.length === maxNew) candidate.state = rank < width ? (ended ? "finished" : "full") : "dropped";
      else if (going.length < width && going.push(candidate)) candidate.state = "going";
    });
    finished = [...finished, ...candidates.filter(({ state }) => state === "finished" || state === "full")].sort((a, b) => b.score - a.score).slice(0, width);
    const over = finished.length === width && going[0]?.score <= finished.at(-1).score; // none can do better any more
    if (over) for (const candidate of going.splice(0)) candidate.state = "dropped";
    beams = going;
    steps.push({ candidates, finished, going: beams });
  }
  return steps;
}

/** Finished texts and those that go on, best score first. */
export const ranking = ({ finished, going }) => [...finished, ...going].sort((a, b) => b.score - a.score);
