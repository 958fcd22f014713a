// Cache explorer: one step of writing with and without a cache, heads that share keys and values, memory and operations.

import { html, labels, live, mount, numbers, save, texts, uniqueId } from "./shared.mjs";

export const WORDS = {
  fr: {
    preset: "Modèle publié", reset: "Revenir au modèle publié", step: "Jeton lu",
    n_kv_head: "Têtes de clés-valeurs", n_token: "Longueur d’un texte", batch: "Textes à la fois",
    bytes_per_number: "Un nombre du cache", weight_bytes: "Un poids", four: "4 octets (fp32)", two: "2 octets (bf16)", one: "1 octet (int8)", half: "½ octet (int4)",
    writing: "Lire un jeton de plus", rows: "Une ligne par requête, une colonne par clé.", fresh: "Sans cache : tout est recalculé", cached: "Avec le cache : une ligne",
    spent_one: "{tokens} jeton traverse les couches, {scores} scores", spent: "{tokens} jetons traversent les couches, {scores} scores",
    so_far: "depuis le début : {tokens} et {scores}", keys: "clés", values: "valeurs",
    step_said: "jeton {n} sur {all}, « {token} » ; avec le cache, {tokens} jeton dans les couches et {scores} scores ; sans, {again_tokens} et {again_scores}",
    now: "calculé à ce pas", kept: "relu dans le cache", past: "calculé plus tôt, jamais refait", later: "pas encore lu",
    heads: "Partager les clés et les valeurs", n_queries: "{n} requêtes", n_keys: "{n} clés", n_values: "{n} valeurs",
    n_keys_one: "1 clé", n_values_one: "1 valeur", per_token: "Ce que produit un jeton, dans chaque couche",
    multi_head: "Attention à plusieurs têtes : chaque tête de requêtes a ses propres clés et valeurs. C’est le plus grand cache.",
    grouped: "Attention à requêtes groupées : {group} têtes de requêtes partagent une tête de clés et de valeurs. Le cache est {group} fois plus petit qu’avec {n}.",
    multi_query: "Attention multi-requêtes : les {n} têtes de requêtes partagent une seule tête de clés et de valeurs. Le cache est {n} fois plus petit.",
    memory: "Ce que pèse le cache", both: "K et V", layers: "couches", kv: "têtes K-V", coordinates: "coordonnées", tokens: "jetons", texts: "textes",
    bytes_factor: "octets", weights: "poids", cache: "cache", fits: "✓ {n} textes au plus", fits_one: "✓ 1 texte au plus", too_many: "✕ {n} textes au plus",
    too_many_one: "✕ 1 texte au plus", not_one: "✕ pas même un texte", too_small: "✕ pas même les poids", machine: "Une mémoire de",
    ops: "Ce que le cache épargne", with_cache: "avec cache", without_cache: "sans cache", ratio: "rapport", times: "{n} ×",
    one_token: "le jeton suivant", all_tokens: "tout le texte", token_axis: "jetons déjà là", flop_axis: "calcul pour le jeton suivant",
    summary: "{name} garde {cache} pour {texts} de {n} jetons, {share} ({weights}). Le jeton suivant coûte {once} ; sans cache, {ratio} fois plus.",
    one_text: "1 texte", some_texts: "{n} textes", percent: "soit {n} % de ses poids", multiple: "soit {n} fois ses poids",
    help: "Une multiplication et une addition comptent pour 2 FLOP, par texte. Les scores masqués sont comptés : peu de programmes les sautent. 1 Go = 10⁹ octets ; la mémoire de travail d’un pas n’est pas comptée.",
    reading: "À chaque pas, la machine relit tous les poids et tout le cache. Cette lecture dure souvent plus que le calcul : un cache plus petit fait aussi gagner du temps (Shazeer 2019).",
    table: "En tableau, longueur par longueur", byte_units: "o ko Mo Go To Po", flop_units: "FLOP kFLOP MFLOP GFLOP TFLOP PFLOP EFLOP ZFLOP",
  },
  en: {
    preset: "Published model", reset: "Back to the published model", step: "Token read",
    n_kv_head: "Key-value heads", n_token: "Length of a text", batch: "Texts at once",
    bytes_per_number: "A cached number", weight_bytes: "A weight", four: "4 bytes (fp32)", two: "2 bytes (bf16)", one: "1 byte (int8)", half: "½ byte (int4)",
    writing: "Read one more token", rows: "One row a query, one column a key.", fresh: "Without a cache: all over again", cached: "With the cache: one row",
    spent_one: "{tokens} token goes through the layers, {scores} scores", spent: "{tokens} tokens go through the layers, {scores} scores",
    so_far: "since the start: {tokens} and {scores}", keys: "keys", values: "values",
    step_said: "token {n} of {all}, “{token}”; with the cache, {tokens} token in the layers and {scores} scores; without, {again_tokens} and {again_scores}",
    now: "computed at this step", kept: "read back from the cache", past: "computed earlier, never again", later: "not read yet",
    heads: "Share the keys and the values", n_queries: "{n} queries", n_keys: "{n} keys", n_values: "{n} values",
    n_keys_one: "1 key", n_values_one: "1 value", per_token: "What a token produces, in each layer",
    multi_head: "Multi-head attention: each query head has keys and values of its own. This is the largest cache.",
    grouped: "Grouped-query attention: {group} query heads share one head of keys and values. The cache is {group} times smaller than with {n}.",
    multi_query: "Multi-query attention: the {n} query heads share a single head of keys and values. The cache is {n} times smaller.",
    memory: "What the cache weighs", both: "K and V", layers: "layers", kv: "K-V heads", coordinates: "coordinates", tokens: "tokens", texts: "texts",
    bytes_factor: "bytes", weights: "weights", cache: "cache", fits: "✓ {n} texts at most", fits_one: "✓ 1 text at most", too_many: "✕ {n} texts at most",
    too_many_one: "✕ 1 text at most", not_one: "✕ not even one text", too_small: "✕ not even the weights", machine: "A memory of",
    ops: "What the cache saves", with_cache: "with cache", without_cache: "without cache", ratio: "ratio", times: "{n} ×",
    one_token: "the next token", all_tokens: "the whole text", token_axis: "tokens already there", flop_axis: "computation for the next token",
    summary: "{name} keeps {cache} for {texts} of {n} tokens, {share} ({weights}). The next token costs {once}; without a cache, {ratio} times more.",
    one_text: "1 text", some_texts: "{n} texts", percent: "which is {n}% of its weights", multiple: "which is {n} times its weights",
    help: "A multiplication and an addition count as 2 FLOP, for each text. Masked scores are counted: few programs skip them. 1 GB = 10⁹ bytes; the working memory of a step is not counted.",
    reading: "At each step the machine reads all the weights and the whole cache again. This often takes longer than the computation: a smaller cache also saves time (Shazeer 2019).",
    table: "As a table, length by length", byte_units: "B kB MB GB TB PB", flop_units: "FLOP kFLOP MFLOP GFLOP TFLOP PFLOP EFLOP ZFLOP",
  },
};

const CHOICES = ["preset", "n_kv_head", "n_token", "batch", "bytes_per_number", "weight_bytes", "step"];
const SLIDERS = { n_kv_head: [], n_token: powers(4, 17), batch: powers(0, 10) };
const BYTES = { bytes_per_number: [4, 2, 1], weight_bytes: [4, 2, 1, 0.5] };
const MEMORIES = [8e9, 24e9, 80e9]; // bytes
const LONGEST = 131072; // tokens

function powers(from, to) { return Array.from({ length: to - from + 1 }, (_, i) => 2 ** (from + i)); }
const count = (n) => Array.from({ length: n }, (_, i) => i + 1);

// --- arithmetic: pure functions, the same as counting.py for decoders; its architecture has the same fields ------------

const width = (a) => a.n_head * (a.d_head || Math.floor(a.d_model / a.n_head));
const kvWidth = (a) => width(a) / a.n_head * (a.n_kv_head || a.n_head);

export function nParameters(a) {
  const d = a.d_model, w = width(a), kv = kvWidth(a);
  const attention = 2 * d * w + 2 * d * kv + a.bias * (w + 2 * kv + d), feedForward = (2 + a.gated) * d * a.d_ff + a.bias * ((1 + a.gated) * a.d_ff + d);
  const norms = (2 * a.n_decoder + a.embedding_norm + a.final_norm) * (a.rms_norm ? 1 : 2) * d;
  const output = (a.output === "own") * d * a.vocab_size + a.output_bias * a.vocab_size;
  return (a.vocab_size + a.n_position) * d + a.n_decoder * (attention + feedForward) + norms + output;
}

export const cacheBytes = (a, n, bytesPerNumber) => 2 * a.n_decoder * kvWidth(a) * n * bytesPerNumber;

/** Operations of one token: in the linear maps of the layers, for its score with one key, at the output. */
function rates(a) {
  const d = a.d_model, maps = 2 * d * (width(a) + kvWidth(a)) + (2 + a.gated) * d * a.d_ff;
  return { linear: 2 * a.n_decoder * maps, pair: 4 * a.n_decoder * width(a), output: a.output === "none" ? 0 : 2 * d * a.vocab_size };
}

/** Operations that score the token after n others. */
export function stepFlops(a, n, cached) {
  const { linear, pair, output } = rates(a);
  return cached ? linear + n * pair + output : n * linear + n * n * pair + output;
}

/** Operations of the steps 1 to n. */
export function writingFlops(a, n, cached) {
  const { linear, pair, output } = rates(a), first = n * (n + 1) / 2, squares = first * (2 * n + 1) / 3;
  return cached ? n * linear + first * pair + n * output : first * linear + squares * pair + n * output;
}

/** How many texts of n tokens fit in so many bytes, beside the weights. */
export function nFitting(a, n, memory, bytesPerNumber, weightBytes) {
  return Math.max(0, Math.floor((memory - nParameters(a) * weightBytes) / cacheBytes(a, n, bytesPerNumber)));
}

/** In the picture, what token t costs, and what all tokens up to t did. */
export function stepCounts(t, cached) {
  const first = t * (t + 1) / 2;
  return cached ? { tokens: 1, scores: t, tokensSoFar: t, scoresSoFar: first } : { tokens: t, scores: first, tokensSoFar: first, scoresSoFar: first * (t + 2) / 3 };
}

/** What becomes of the score of query i and key j at step t. */
export function scoreState(i, j, t, cached) {
  if (j > i) return "none"; // masked
  if (i > t) return "later";
  return i === t || !cached ? "now" : "past";
}

/** What becomes of the key of token j, and of its value. */
export const keyState = (j, t, cached) => j > t ? "later" : j === t || !cached ? "now" : "kept";

// --- what the sliders do: pure functions -----------------------------------------------------------------------------

/** How many of n tokens the model can read: no more than it has learned positions. */
export const readable = (a, n) => Math.min(n, a.n_position || LONGEST);

/** The values that a slider offers, the present one among them. */
export function stops(name, a, now) {
  if (name === "n_kv_head") return count(a.n_head).filter((n) => a.n_head % n === 0);
  const most = name === "n_token" ? readable(a, LONGEST) : Infinity;
  return [...new Set([...SLIDERS[name], now])].filter((x) => x <= most).sort((x, y) => x - y);
}

/** x with a unit and 3 significant digits. */
export function compact(x, fmt, units) {
  const k = Math.min(Math.floor(Math.log10(Math.max(x, 1)) / 3 + 1e-9), units.length - 1), scaled = x / 1000 ** k;
  const digits = k === 0 ? 0 : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return `${fmt(scaled, digits)}\u00a0${units[k]}`;
}

/** A ratio without false precision: 0.07, 1.4, 93, 7,750. */
export function rounded(x, fmt) {
  const step = x < 1000 ? 0 : 10 ** (Math.floor(Math.log10(x)) - 2);
  return fmt(step ? Math.round(x / step) * step : x, x < 0.995 ? 2 : x < 9.95 ? 1 : 0);
}

function read(model) {
  const presets = model.get("presets"), preset = presets.find(({ key }) => key === model.get("preset")) ?? presets[0];
  const [bytes, weightBytes, batch] = ["bytes_per_number", "weight_bytes", "batch"].map((name) => model.get(name));
  const original = preset.architecture, kv = model.get("n_kv_head") || original.n_kv_head || original.n_head;
  const a = { ...original, n_kv_head: original.n_head % kv ? 1 : kv }, n = readable(a, model.get("n_token")); // traits arrive one by one
  const tokens = model.get("tokens"), each = cacheBytes(a, n, bytes);
  return {
    preset, original, a, n, batch, bytes, weightBytes, tokens, step: Math.min(model.get("step"), tokens.length), each,
    cache: batch * each, weights: weightBytes * nParameters(a), once: stepFlops(a, n, true), again: stepFlops(a, n, false),
  };
}

// --- texts -----------------------------------------------------------------------------------------------------------

/** "1 text" or "7 texts". */
const ofTexts = (n, say, fmt) => say(n === 1 ? "one_text" : "some_texts", { n: fmt(n, 0) });

/** The bill in a sentence; also what a screen reader says after each change. */
export function sentence({ preset, n, batch, cache, weights, once, again }, say, fmt) {
  const ratio = cache / weights, percent = 100 * ratio;
  const share = ratio < 0.995 ? say("percent", { n: percent < 0.095 ? fmt(percent, 2) : percent < 9.5 ? fmt(percent, 1) : fmt(percent, 0) }) : say("multiple", { n: rounded(ratio, fmt) });
  return say("summary", {
    name: preset.name, cache: compact(cache, fmt, say("byte_units").split(" ")), texts: ofTexts(batch, say, fmt), n: fmt(n, 0), share,
    weights: compact(weights, fmt, say("byte_units").split(" ")), once: compact(once, fmt, say("flop_units").split(" ")), ratio: rounded(again / once, fmt),
  });
}

function verdict(memory, { a, n, batch, bytes, weightBytes, weights }, say, fmt) {
  const most = nFitting(a, n, memory, bytes, weightBytes);
  if (!most) return say(weights > memory ? "too_small" : "not_one");
  const text = most === 1 ? ["fits_one", "too_many_one"] : ["fits", "too_many"];
  return say(text[batch <= most ? 0 : 1], { n: fmt(most, 0) });
}

function aboutHeads({ a }, say, fmt) {
  const kv = a.n_kv_head, values = { n: fmt(a.n_head, 0), group: fmt(a.n_head / kv, 0) };
  return say(kv === a.n_head ? "multi_head" : kv === 1 ? "multi_query" : "grouped", values);
}

// --- the pictures ----------------------------------------------------------------------------------------------------

/** Queries below each other, keys side by side: what step t computes, what it reads back. */
function writingPicture({ tokens, step }, cached, say) {
  const all = count(tokens.length), shown = labels(tokens);
  const line = (name, states, kind) => html`<span class="${kind}">${name}</span>${states.map((state) => html`<i class="${state}"></i>`)}`;
  const kept = all.map((j) => keyState(j, step, cached));
  return html`<div class="cells" style="--n: ${tokens.length}" aria-hidden="true">${line(say("keys"), kept, "held")}${line(say("values"), kept, "held")}<u></u>
    ${all.map((i) => line(shown[i - 1], all.map((j) => scoreState(i, j, step, cached)), i > step ? "later" : i === step || !cached ? "now" : "past"))}</div>`;
}

function spent(step, cached, say, fmt) {
  const { tokens, scores, tokensSoFar, scoresSoFar } = stepCounts(step, cached);
  return html`<p class="spent"><b>${say(tokens === 1 ? "spent_one" : "spent", { tokens, scores })}</b>
    <small>${say("so_far", { tokens: fmt(tokensSoFar, 0), scores: fmt(scoresSoFar, 0) })}</small></p>`;
}

/** Query heads, lines to the head of keys and values that they share, and these heads. */
function headsPicture({ a }, say, fmt) {
  const h = a.n_head, kv = a.n_kv_head, group = h / kv, n = fmt(kv, 0);
  const center = (i) => (Math.floor(i / group) + 0.5) * group;
  const heads = (n, name) => html`<div class="heads ${name}" style="--n: ${n}; --group: ${h / n}">${count(n).map(() => html`<i></i>`)}</div>`;
  return html`<div class="sharing" aria-hidden="true"><span>${say("n_queries", { n: fmt(h, 0) })}</span>${heads(h, "q")}
    <span></span><svg viewBox="0 0 ${h} 1" preserveAspectRatio="none">${count(h).map((i) => html`<path d="M${i - 0.5} 0L${center(i - 1)} 1"/>`)}</svg>
    <span>${say(kv === 1 ? "n_keys_one" : "n_keys", { n })}</span>${heads(kv, "k")}<span>${say(kv === 1 ? "n_values_one" : "n_values", { n })}</span>${heads(kv, "v")}</div>`;
}

function factors({ a, n, batch, bytes, cache }, say, fmt) {
  const found = [[2, "both"], [a.n_decoder, "layers"], [a.n_kv_head, "kv"], [width(a) / a.n_head, "coordinates"], [n, "tokens"], [batch, "texts"], [bytes, "bytes_factor"]];
  return html`${found.map(([x, name], i) => html`<span class="factor">${i ? html`<b class="sign">× </b>` : ""}<span><b>${fmt(x, 0)}</b> <small>${say(name)}</small></span></span> `)}
    <span class="factor"><b class="sign">= </b><span><b class="result">${compact(cache, fmt, say("byte_units").split(" "))}</b></span></span>`;
}

/** The weights and the cache to one scale, then memories that they fill. */
function bars(view, say, fmt) {
  const { weights, cache } = view, most = Math.max(weights, cache), units = say("byte_units").split(" ");
  const part = (name, share) => share <= 0 ? "" : html`<i class="${name}" style="width: ${(100 * share).toFixed(2)}%"></i>`;
  const own = [["weights", weights], ["cache", cache]].map(([name, x]) => html`<tr data-bar="${name}"><th scope="row">${say(name)}</th>
    <td><div class="line" aria-hidden="true">${part(name, x / most)}</div></td><td>${compact(x, fmt, units)}</td></tr>`);
  const filled = MEMORIES.map((memory) => {
    const first = Math.min(weights / memory, 1), over = weights + cache > memory;
    return html`<tr data-memory="${memory / 1e9}"><th scope="row">${memory / 1e9}\u00a0${units[3]}</th>
      <td><div class="line tank" aria-hidden="true">${part("weights", first)}${part("cache", Math.min(cache / memory, 1 - first))}${over ? html`<i class="beyond"></i>` : ""}</div></td><td>${verdict(memory, view, say, fmt)}</td></tr>`;
  });
  return html`<tbody>${own}</tbody><tbody><tr><th colspan="3" scope="rowgroup">${say("machine")}</th></tr>${filled}</tbody>`;
}

/** Operations of the next token against the tokens already there, both in logarithms. */
function plot({ a, n, once, again }, say, fmt) {
  const last = readable(a, LONGEST), [left, right] = [16, last].map(Math.log2), units = say("flop_units").split(" ");
  const low = Math.log10(stepFlops(a, 16, true)) - 0.5, high = Math.log10(stepFlops(a, last, false)) + 0.3;
  const across = (x) => (100 * (Math.log2(x) - left) / (right - left)).toFixed(2), down = (y) => (100 * (high - Math.log10(y)) / (high - low)).toFixed(2);
  const along = Array.from({ length: 41 }, (_, k) => 2 ** (left + (right - left) * k / 40));
  const path = (cached) => html`<path class="${cached ? "once" : "again"}" d="M${along.map((x) => `${across(x)} ${down(stepFlops(a, x, cached))}`).join("L")}"/>`;
  const ys = count(24).map((k) => 10 ** k).filter((y) => Math.log10(y) > low && Math.log10(y) < high && Math.log10(y) % 3 === 0);
  const xs = powers(4, 17).filter((x) => x <= last && Math.log2(x) % 3 === 1), place = 2 ** (left + 0.6 * (right - left));
  const name = (key, cached) => html`<b class="${cached ? "once" : "again"}" style="left: ${across(place)}%; top: ${down(stepFlops(a, place, cached))}%">${say(key)}</b>`;
  const dot = (y, side) => n < 16 ? "" : html`<i class="dot ${side}" style="left: ${across(n)}%; top: ${down(y)}%"></i>`;
  return html`<span class="y-name">${say("flop_axis")}</span><div class="frame"><svg viewBox="0 0 100 100" preserveAspectRatio="none">
      ${ys.map((y) => html`<path class="gridline" d="M0 ${down(y)}H100"/>`)}${n < 16 ? "" : html`<path class="gap" d="M${across(n)} ${down(again)}V${down(once)}"/>`}${path(false)}${path(true)}</svg>
    ${dot(again, "again")}${dot(once, "once")}${name("without_cache", false)}${name("with_cache", true)}
    ${xs.map((x) => html`<span class="x" style="left: ${across(x)}%">${fmt(x, 0)}</span>`)}${ys.map((y) => html`<span class="y" style="top: ${down(y)}%">${compact(y, (v) => fmt(v, 0), units)}</span>`)}
    </div><span class="x-name">${say("token_axis")}</span>`;
}

function bill({ a, n, once, again }, say, fmt) {
  const units = say("flop_units").split(" "), all = [true, false].map((cached) => writingFlops(a, n, cached));
  const line = (name, [x, y]) => html`<tr><th scope="row">${say(name)}</th><td>${compact(x, fmt, units)}</td><td>${compact(y, fmt, units)}</td><td>${say("times", { n: rounded(y / x, fmt) })}</td></tr>`;
  return html`${line("one_token", [once, again])}${line("all_tokens", all)}`;
}

function lengths({ a, n, batch, bytes }, say, fmt) {
  const [byteUnits, flopUnits] = ["byte_units", "flop_units"].map((key) => say(key).split(" "));
  return html`${stops("n_token", a, n).map((t) => {
    const [x, y] = [true, false].map((cached) => stepFlops(a, t, cached));
    return html`<tr class="${t === n ? "chosen" : ""}"><th scope="row">${fmt(t, 0)}</th><td>${compact(batch * cacheBytes(a, t, bytes), fmt, byteUnits)}</td>
      <td>${compact(x, fmt, flopUnits)}</td><td>${compact(y, fmt, flopUnits)}</td><td>${say("times", { n: rounded(y / x, fmt) })}</td></tr>`;
  })}`;
}

// --- the page --------------------------------------------------------------------------------------------------------

function slider(name, say) {
  return html`<label><span>${say(name)}</span><input name="${name}" type="range" min="0" step="1"><output></output></label>`;
}

function menu(name, say) {
  const size = { 4: say("four"), 2: say("two"), 1: say("one"), 0.5: say("half") };
  return html`<label><span>${say(name)}</span><select name="${name}">${BYTES[name].map((x) => html`<option value="${x}">${size[x]}</option>`)}</select></label>`;
}

function build(el, model, say) {
  const id = uniqueId(), heading = (key) => html`<p class="heading" id="${id}-${key}">${say(key)}</p>`;
  const columns = (keys) => html`<tr>${keys.map((key) => html`<th scope="col">${say(key)}</th>`)}</tr>`;
  const panel = (key) => html`<div><p class="title">${say(key)}</p><div data-picture="${key}"></div></div>`;
  return mount(el, "cache", model.get("lang"), html`
    <div class="view" role="group" aria-labelledby="${id}-writing">${heading("writing")}<p class="help">${say("rows")}</p><div class="sizes">${slider("step", say)}</div>
      <div class="two">${panel("fresh")}${panel("cached")}</div>
      <p class="key" aria-hidden="true">${["now", "kept", "past", "later"].map((state) => html`<span><i class="${state}"></i> ${say(state)}</span>`)}</p></div>
    <div class="controls"><label>${say("preset")} <select name="preset">${model.get("presets").map(({ key, name }) => html`<option value="${key}">${name}</option>`)}</select></label>
      <button type="button" name="reset">${say("reset")}</button></div>
    <p class="summary" role="status" aria-live="polite"></p>
    <div class="views">
      <div class="view">${heading("heads")}<div class="sizes">${slider("n_kv_head", say)}</div><p class="help">${say("per_token")}</p><div data-picture="heads"></div><p class="about"></p></div>
      <div class="view">${heading("memory")}<div class="sizes">${["n_token", "batch"].map((name) => slider(name, say))}${Object.keys(BYTES).map((name) => menu(name, say))}</div><p class="factors"></p>
        <table class="bars" aria-labelledby="${id}-memory"></table></div>
      <div class="view wide">${heading("ops")}<div class="pair"><div class="plot" aria-hidden="true"></div>
        <div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-ops"><table class="bill" aria-labelledby="${id}-ops"><thead><tr><td></td>${
          ["with_cache", "without_cache", "ratio"].map((key) => html`<th scope="col">${say(key)}</th>`)}</tr></thead><tbody></tbody></table></div></div></div>
    </div>
    <p class="help">${say("reading")}</p><p class="help">${say("help")}</p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="lengths">
      <thead>${columns(["tokens", "cache", "with_cache", "without_cache", "ratio"])}</thead><tbody></tbody></table></div></details>`);
}

function drawControls(root, view, say, fmt) {
  const { preset, original, a, n, batch, bytes, weightBytes, step, tokens } = view, now = { n_kv_head: a.n_kv_head, n_token: n, batch };
  const set = (name, value) => { root.querySelector(`[name="${name}"]`).value = value; };
  set("preset", preset.key);
  set("bytes_per_number", bytes);
  set("weight_bytes", weightBytes);
  root.querySelector('[name="reset"]').disabled = a.n_kv_head === (original.n_kv_head || original.n_head);
  const write = (name, place, last, shown, said = shown) => {
    const field = root.querySelector(`[name="${name}"]`);
    field.max = last;
    field.value = place;
    field.nextElementSibling.textContent = shown;
    field.setAttribute("aria-valuetext", said);
  };
  for (const [name, value] of Object.entries(now)) {
    const offered = stops(name, a, value);
    write(name, offered.indexOf(value), offered.length - 1, fmt(value, 0));
  }
  const [c, f] = [stepCounts(step, true), stepCounts(step, false)], token = labels(tokens)[step - 1];
  write("step", step - 1, tokens.length - 1, token, say("step_said", { n: step, all: tokens.length, token, tokens: c.tokens, scores: c.scores, again_tokens: f.tokens, again_scores: f.scores }));
}

function draw(root, model, say) {
  const fmt = numbers(model.get("lang")), view = read(model);
  drawControls(root, view, say, fmt);
  const fill = (where, content) => { root.querySelector(where).innerHTML = content; };
  for (const key of ["fresh", "cached"]) fill(`[data-picture="${key}"]`, html`${writingPicture(view, key === "cached", say)}${spent(view.step, key === "cached", say, fmt)}`);
  fill('[data-picture="heads"]', headsPicture(view, say, fmt));
  fill(".factors", factors(view, say, fmt));
  fill(".bars", bars(view, say, fmt));
  fill(".plot", plot(view, say, fmt));
  fill(".bill tbody", bill(view, say, fmt));
  fill(".lengths tbody", lengths(view, say, fmt));
  root.querySelector(".about").textContent = aboutHeads(view, say, fmt);
  const summary = root.querySelector(".summary"), text = sentence(view, say, fmt);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

function connect(root, model) {
  root.addEventListener("input", ({ target: { name, value } }) => {
    const { original, a, n, batch } = read(model);
    if (name === "preset") return save(model, { n_kv_head: 0, preset: value });
    if (name === "step") return save(model, { step: Number(value) + 1 });
    if (name in BYTES) return save(model, { [name]: Number(value) });
    const chosen = stops(name, a, { n_token: n, batch }[name] ?? a.n_kv_head)[value];
    save(model, { [name]: name === "n_kv_head" && chosen === (original.n_kv_head || original.n_head) ? 0 : chosen }); // 0: the published one
  });
  root.querySelector('[name="reset"]').addEventListener("click", () => save(model, { n_kv_head: 0 }));
}

const render = (view) => live(view, CHOICES, ["presets", "tokens", "lang"], () => {
  const say = texts(WORDS, view.model.get("lang")), root = build(view.el, view.model, say);
  connect(root, view.model);
  return () => draw(root, view.model, say);
});

export default { render };
