// Parameter counter: sliders for a transformer's sizes; parameters, operations and memory, part by part.

import { html, live, mount, numbers, save, texts, uniqueId } from "./shared.mjs";

export const WORDS = {
  fr: {
    preset: "Modèle publié", reset: "Revenir au modèle publié",
    n_encoder: "Couches d’encodeur", n_decoder: "Couches de décodeur", d_model: "Largeur d_model", n_head: "Têtes n_head",
    n_kv_head: "Têtes de clés-valeurs", d_ff: "Largeur d_ff", vocab_size: "Vocabulaire", n_token: "Longueur du texte",
    embeddings: "plongements", positions: "positions", "self-attention": "auto-attention", "cross-attention": "attention croisée",
    scores: "scores et moyennes", "feed-forward": "réseau à propagation avant", norms: "normalisations", output: "sortie",
    tokens: "{n} jetons", tokens_both: "{n} jetons lus, {n} écrits",
    summary: "{name} : {total}. La plus grosse part, « {part} », en prend {share} %. Une passe avant sur {n} jetons : {ops}.",
    summary_changed: "{name} modifié : {total}, {ratio} fois l’original. La plus grosse part, « {part} », en prend {share} %. Une passe avant sur {n} jetons : {ops}.",
    exactly: "{n} paramètres", roughly: "{n} de paramètres",
    published: "Publié : {published} ({cited}, {where}). Notre compte : {exact} (écart :\u00a0{gap} %).", unchanged: "Sans vos changements : {exact}.",
    parameters: "Paramètres", ops: "Une passe avant", part: "Partie", total: "total",
    weights: "Poids en mémoire", weights_note: "à 2 octets par nombre",
    per_token: "Calcul par jeton", per_token_note: "soit {ratio} par paramètre (la règle dit 2)",
    per_token_note_both: "un lu et un écrit, soit {ratio} par paramètre (la règle dit 2)",
    cache: "Cache de clés et valeurs", cache_note: "pour {tokens}, à 2 octets par nombre", cache_none: "aucun",
    cache_none_note: "ce modèle n’écrit pas jeton après jeton",
    table: "En tableau : le compte exact de chaque partie", formula: "Calcul", formula_note: "couches × (matrices + biais)",
    help: "Une multiplication et une addition comptent pour 2 FLOP. Biais, softmax, normalisations et activations sont négligés.",
    short_units: " k M Md T", long_units: ", mille, million, milliard", long_units_plural: ", mille, millions, milliards",
    byte_units: "o ko Mo Go To Po", flop_units: "FLOP kFLOP MFLOP GFLOP TFLOP PFLOP EFLOP", prefixes: " k M G T P E",
  },
  en: {
    preset: "Published model", reset: "Back to the published model",
    n_encoder: "Encoder layers", n_decoder: "Decoder layers", d_model: "Width d_model", n_head: "Heads n_head",
    n_kv_head: "Key-value heads", d_ff: "Width d_ff", vocab_size: "Vocabulary", n_token: "Length of the text",
    embeddings: "embeddings", positions: "positions", "self-attention": "self-attention", "cross-attention": "cross-attention",
    scores: "scores and means", "feed-forward": "feed-forward network", norms: "norms", output: "output",
    tokens: "{n} tokens", tokens_both: "{n} tokens read, {n} written",
    summary: "{name}: {total}. The largest part, “{part}”, takes {share}% of them. A forward pass over {n} tokens: {ops}.",
    summary_changed: "{name}, changed: {total}, {ratio} times the original. The largest part, “{part}”, takes {share}% of them. A forward pass over {n} tokens: {ops}.",
    exactly: "{n} parameters", roughly: "{n} parameters",
    published: "Published: {published} ({cited}, {where}). Our count: {exact} (difference:\u00a0{gap}%).", unchanged: "Without your changes: {exact}.",
    parameters: "Parameters", ops: "A forward pass", part: "Part", total: "total",
    weights: "Weights in memory", weights_note: "at 2 bytes a number",
    per_token: "Computation a token", per_token_note: "or {ratio} a parameter (the rule of thumb says 2)",
    per_token_note_both: "one read and one written, or {ratio} a parameter (the rule of thumb says 2)",
    cache: "Key-value cache", cache_note: "for {tokens}, at 2 bytes a number", cache_none: "none",
    cache_none_note: "this model does not write token by token",
    table: "As a table: the exact count of each part", formula: "Computation", formula_note: "layers × (matrices + biases)",
    help: "A multiplication and an addition count as 2 FLOP. Biases, softmax, norms and activations are left out.",
    short_units: " k M B T", long_units: ", thousand, million, billion", long_units_plural: ", thousand, million, billion",
    byte_units: "B kB MB GB TB PB", flop_units: "FLOP kFLOP MFLOP GFLOP TFLOP PFLOP EFLOP", prefixes: " k M G T P E",
  },
};

const PARTS = ["embeddings", "positions", "self-attention", "cross-attention", "scores", "feed-forward", "norms", "output"];
const SIZES = ["n_encoder", "n_decoder", "d_model", "n_head", "n_kv_head", "d_ff", "vocab_size"];
const CHOICES = ["preset", "sizes", "n_token"];
const STOPS = {
  d_model: [64, 128, 256, 384, 512, 640, 768, 1024, 1280, 1600, 2048, 2560, 3072, 4096, 5120, 6144, 8192, 12288],
  d_ff: [64, 128, 256, 512, 1024, 1536, 2048, 3072, 4096, 5120, 6400, 8192, 11008, 14336, 16384, 24576, 32768, 49152, 65536],
  vocab_size: [32, 256, 1000, 2000, 5000, 10000, 20000, 32000, 50000, 64000, 100000, 128000, 256000],
  n_encoder: Array.from({ length: 96 }, (_, i) => i + 1),
  n_decoder: Array.from({ length: 96 }, (_, i) => i + 1),
  n_head: [1, 2, 4, 8, 12, 16, 24, 32, 64, 128],
  n_token: Array.from({ length: 16 }, (_, i) => 2 ** i),
};

// --- arithmetic: pure functions, the same as counting.py; its architecture has the same fields -----------------

const total = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
const nCross = (a) => a.n_encoder ? a.n_decoder : 0;
const width = (a) => a.n_head * (a.d_head || Math.floor(a.d_model / a.n_head));
const kvWidth = (a) => width(a) / a.n_head * (a.n_kv_head || a.n_head);
const patchValues = (a) => a.patch_size ** 2 * a.n_channel;
const nOutput = (a) => a.n_class || a.vocab_size;

/**
 * What each part is a product and a sum of: a list of terms, each a list of factors. A factor that is itself a list of
 * terms stands in brackets. parameters() works it out and formula() writes it down, so that they can't disagree.
 */
export function terms(a) {
  const d = a.d_model, w = width(a), kv = kvWidth(a), layers = a.n_encoder + a.n_decoder, stacks = (a.n_encoder > 0) + (a.n_decoder > 0);
  const matrices = w === kv ? [[4, d, w]] : [[2, d, w], [2, d, kv]];
  const attention = [...matrices, [a.bias * (w + 2 * kv + d)]];
  const feedForward = [[2 + a.gated, d, a.d_ff], [a.bias * ((1 + a.gated) * a.d_ff + d)]];
  const patch = a.patch_size ? [[patchValues(a), d], [2, d]] : [];
  return {
    embeddings: [[a.vocab_size, d], [a.n_segment, d], ...patch],
    positions: [[a.n_position, d], [stacks, a.n_bucket, a.n_head]],
    "self-attention": [[layers, attention]],
    "cross-attention": [[nCross(a), attention]],
    "feed-forward": [[layers, feedForward]],
    norms: [[2 * layers + nCross(a) + a.embedding_norm + a.final_norm * stacks, a.rms_norm ? 1 : 2, d]],
    output: [[a.output === "own" ? 1 : 0, d, nOutput(a)], [a.output_bias ? nOutput(a) : 0], [a.pooler ? d + 1 : 0, d]],
  };
}

const value = (x) => Array.isArray(x) ? x.map((factors) => factors.map(value).reduce((p, q) => p * q, 1)).reduce((p, q) => p + q, 0) : x;

const nonzero = (found) => found.filter((factors) => factors.every((x) => value(x)));

export function parameters(a) {
  return Object.fromEntries(Object.entries(terms(a)).map(([part, found]) => [part, value(found)]));
}

/** The terms in symbols, factors 1 and terms 0 left out; `fmt` writes a number. */
export function formula(found, fmt) {
  const factor = (x) => !Array.isArray(x) ? fmt(x, 0) : nonzero(x).length > 1 ? `(${formula(x, fmt)})` : formula(x, fmt);
  const written = nonzero(found).map((factors) => factors.filter((x, _, all) => x !== 1 || all.length === 1).map(factor).join(" × "));
  return written.join(" + ") || "0";
}

/** Operations of a forward pass over n tokens, as many of them read as written where an encoder and a decoder meet. */
export function flops(a, n) {
  const enc = a.n_encoder ? n : 0, dec = a.n_decoder ? n : 0, d = a.d_model, w = width(a), kv = kvWidth(a);
  const passes = a.n_encoder * enc + a.n_decoder * dec;
  const pairs = a.n_encoder * enc ** 2 + a.n_decoder * dec ** 2 + nCross(a) * dec * enc;
  const scored = a.output === "none" ? 0 : a.n_class ? 1 : n;
  return {
    embeddings: a.patch_size ? 2 * (n - 1) * patchValues(a) * d : 0,
    "self-attention": 4 * passes * d * (w + kv),
    "cross-attention": 4 * nCross(a) * d * (dec * w + enc * kv),
    scores: 4 * pairs * w,
    "feed-forward": 2 * passes * (2 + a.gated) * d * a.d_ff,
    output: 2 * (scored * d * nOutput(a) + a.pooler * d * d),
  };
}

export function cacheBytes(a, n, bytesPerNumber = 2) {
  const each = 2 * kvWidth(a) * bytesPerNumber * n;
  return { "self-attention": a.n_decoder * each, "cross-attention": nCross(a) * each };
}

// --- what the sliders do: pure functions ---------------------------------------------------------------------

const divisors = (n) => Array.from({ length: n }, (_, i) => i + 1).filter((i) => n % i === 0);
const lowerDivisor = (n, most) => divisors(n).filter((i) => i <= most).at(-1);

/** How many of n tokens the model can read: no more than it has learned positions; a picture has as many as it has. */
export const readable = (a, n) => a.patch_size ? a.n_position : Math.min(n, a.n_position || Infinity);

/** The values that a slider offers, those of the model among them; a size it does not have offers none. */
export function stops(name, a, original) {
  if (name === "n_token") return a.patch_size ? [] : [...new Set(STOPS.n_token.map((n) => readable(a, n)))];
  if (!original[name] && name !== "n_kv_head") return [];
  if (name === "n_kv_head") return a.n_decoder ? divisors(a.n_head) : [];
  if (name === "n_head" && !a.d_head) return divisors(a.d_model).filter((h) => h === a.n_head || a.d_model / h >= 8);
  return [...new Set([...STOPS[name], original[name], a[name]])].sort((x, y) => x - y);
}

/** The architecture with another size; numbers of heads that no longer divide give way to the next lower ones that do. */
export function change(a, name, size) {
  const next = { ...a, [name]: size };
  if (!next.d_head) next.n_head = lowerDivisor(next.d_model, next.n_head);
  if (next.n_kv_head) next.n_kv_head = lowerDivisor(next.n_head, next.n_kv_head);
  if (next.n_kv_head === next.n_head) next.n_kv_head = 0; // which follows n_head
  return next;
}

/** The sizes in which `a` differs from `original`, as Python wants them: n_kv_head never 0. */
export function changes(a, original) {
  const differing = SIZES.filter((name) => a[name] !== original[name]);
  return Object.fromEntries(differing.map((name) => [name, a[name] || a.n_head]));
}

/** x with a unit and 3 significant digits; `published` keeps the digits as they were printed, up to 4, without zeros at the end. */
export function compact(x, fmt, units, published = false) {
  const power = Math.floor(Math.log10(Math.max(x, 1)) / 3 + 1e-9), k = Math.min(power, units.length - 1), scaled = x / 1000 ** k;
  const digits = k === 0 ? 0 : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  const printed = (String(Number(scaled.toFixed(3))).split(".")[1] ?? "").length;
  return `${fmt(scaled, published ? printed : digits)}\u00a0${units[k]}`.trim();
}

function read(model) {
  const presets = model.get("presets"), preset = presets.find(({ key }) => key === model.get("preset")) ?? presets[0];
  const original = preset.architecture, changed = Object.keys(model.get("sizes")).length > 0;
  const a = { ...original, ...model.get("sizes") }, n = readable(a, model.get("n_token"));
  const counts = parameters(a), ops = flops(a, n);
  return { preset, original, changed, a, n, counts, ops, nAll: total(counts), opsAll: total(ops), cache: total(cacheBytes(a, n)) };
}

// --- the page ------------------------------------------------------------------------------------------------

function slider(name, say) {
  return html`<label data-for="${name}"><span>${say(name)}</span><input name="${name}" type="range" min="0" step="1"><output></output></label>`;
}

function bar(name) {
  return html`<div class="bar" data-bar="${name}" aria-hidden="true">${PARTS.map((part, i) => html`<i class="p${i + 1}">${i + 1}</i>`)}</div>`;
}

function legend(say, id) {
  return html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-parts"><table class="parts">
    <thead><tr><th scope="col" id="${id}-parts">${say("part")}</th><th scope="col">${say("parameters")}</th><th scope="col">%</th><th scope="col">FLOP</th><th scope="col">%</th></tr></thead>
    <tbody>${PARTS.map((part, i) => html`<tr data-part="${part}"><th scope="row"><b class="p${i + 1}">${i + 1}</b>\u00a0${say(part)}</th>
      <td></td><td class="share"></td><td></td><td class="share"></td></tr>`)}</tbody>
    <tfoot><tr><th scope="row">${say("total")}</th><td></td><td></td><td></td><td></td></tr></tfoot>
  </table></div>`;
}

function build(el, model, say) {
  const id = uniqueId(), fact = (name) => html`<div data-fact="${name}"><dt>${say(name)}</dt><dd><b></b> <small></small></dd></div>`;
  return mount(el, "counter", model.get("lang"), html`
    <div class="controls"><label>${say("preset")} <select name="preset">${model.get("presets").map(({ key, name }) => html`<option value="${key}">${name}</option>`)}</select></label>
      <button type="button" name="reset">${say("reset")}</button></div>
    <div class="sizes">${SIZES.map((name) => slider(name, say))}</div>
    <p class="summary" role="status" aria-live="polite"></p>
    <p class="published"></p>
    <p class="title">${say("parameters")} <b class="n-all"></b></p>${bar("counts")}
    <p class="title">${say("ops")} <b class="ops-all"></b></p><div class="sizes">${slider("n_token", say)}</div>${bar("ops")}
    <div class="views">${legend(say, id)}<dl>${fact("weights")}${fact("per_token")}${fact("cache")}</dl></div>
    <p class="help">${say("help")}</p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="exact">
      <thead><tr><th scope="col">${say("part")}</th><th scope="col">${say("formula")} <small>${say("formula_note")}</small></th><th scope="col">${say("parameters")}</th><th scope="col">FLOP</th></tr></thead>
      <tbody>${PARTS.map((part) => html`<tr data-part="${part}"><th scope="row">${say(part)}</th><td></td><td></td><td></td></tr>`)}</tbody></table></div></details>`);
}

function drawControls(root, { preset, original, changed, a, n }, say, fmt) {
  root.querySelector('[name="preset"]').value = preset.key;
  root.querySelector('[name="reset"]').disabled = !changed;
  for (const name of [...SIZES, "n_token"]) {
    const field = root.querySelector(`[name="${name}"]`), offered = stops(name, a, original);
    const now = name === "n_token" ? n : a[name] || a.n_head;
    field.parentElement.hidden = offered.length < 2;
    field.max = Math.max(offered.length - 1, 0);
    field.value = offered.filter((stop) => stop <= now).length - 1;
    field.nextElementSibling.textContent = fmt(now, 0);
    field.setAttribute("aria-valuetext", name === "n_token" ? say("tokens", { n: fmt(now, 0) }) : fmt(now, 0));
  }
}

function drawBar(root, name, counts, all) {
  root.querySelectorAll(`[data-bar="${name}"] i`).forEach((segment, i) => {
    const share = (counts[PARTS[i]] ?? 0) / all;
    segment.style.flexGrow = share;
    segment.hidden = !share;
    segment.classList.toggle("thin", share < 0.035); // no room for its number
  });
}

const percent = (share, fmt) => !share ? "–" : share < 0.01 ? "<1" : fmt(100 * share, 0);

function drawTables(root, { a, counts, ops, nAll, opsAll }, say, fmt) {
  const [short, prefix] = ["short_units", "prefixes"].map((key) => say(key).split(" ")), found = terms(a);
  const write = (x, units) => x ? compact(x, fmt, units) : "–", exact = (x) => x ? fmt(x, 0) : "–";
  for (const part of PARTS) {
    const [row, detail] = root.querySelectorAll(`[data-part="${part}"]`), n = counts[part], op = ops[part];
    row.hidden = detail.hidden = !n && !op;
    [write(n, short), percent(n / nAll, fmt), write(op, prefix), percent(op / opsAll, fmt)].forEach((text, i) => { row.cells[i + 1].textContent = text; });
    [found[part] ? formula(found[part], fmt) : "–", exact(n), exact(op)].forEach((text, i) => { detail.cells[i + 1].textContent = text; });
  }
  const foot = root.querySelector(".parts tfoot tr").cells;
  foot[1].textContent = compact(nAll, fmt, short);
  foot[3].textContent = compact(opsAll, fmt, prefix);
  root.querySelector(".n-all").textContent = fmt(nAll, 0);
  root.querySelector(".ops-all").textContent = compact(opsAll, fmt, say("flop_units").split(" "));
}

function drawFacts(root, { a, n, nAll, opsAll, cache }, say, fmt) {
  const units = say("byte_units").split(" "), text = { n: fmt(n, 0) };
  const fill = (name, number, note) => {
    const [b, small] = root.querySelector(`[data-fact="${name}"] dd`).children;
    b.textContent = number;
    small.textContent = note;
  };
  fill("weights", compact(2 * nAll, fmt, units), say("weights_note"));
  fill("per_token", compact(opsAll / n, fmt, say("flop_units").split(" ")), say(nCross(a) ? "per_token_note_both" : "per_token_note", { ratio: fmt(opsAll / n / nAll) }));
  if (cache) fill("cache", compact(cache, fmt, units), say("cache_note", { tokens: say(nCross(a) ? "tokens_both" : "tokens", text) }));
  else fill("cache", say("cache_none"), say("cache_none_note"));
}

/** The number of parameters in words. */
function inWords(n, say, fmt, published = false) {
  if (n < 1e6) return [fmt(n, 0), "exactly"];
  const units = say(n < 2e6 || (n >= 1e9 && n < 2e9) ? "long_units" : "long_units_plural").split(", ");
  return [compact(n, fmt, units, published), "roughly"];
}

/** The whole in a sentence; also what a screen reader says after each change. */
export function sentence({ preset, original, changed, n, counts, nAll, opsAll }, say, fmt) {
  const [largest] = Object.entries(counts).sort(([, x], [, y]) => y - x), [number, phrase] = inWords(nAll, say, fmt);
  return say(changed ? "summary_changed" : "summary", {
    name: preset.name, total: say(phrase, { n: number }), ratio: fmt(nAll / total(parameters(original))), part: say(largest[0]),
    share: fmt(100 * largest[1] / nAll, 0), n: fmt(n, 0), ops: compact(opsAll, fmt, say("flop_units").split(" ")),
  });
}

function published({ preset, original, changed, nAll }, say, fmt, lang) {
  if (changed) return say("unchanged", { exact: fmt(total(parameters(original)), 0) });
  const gap = 100 * (nAll / preset.published - 1);
  const printed = inWords(preset.published, say, fmt, true)[0];
  return `${say("published", { published: printed, cited: preset.cited, where: preset.where[lang], exact: fmt(nAll, 0), gap: (gap > 0 ? "+" : "") + fmt(gap, 1) })} ${preset.why[lang]}`;
}

function draw(root, model, say) {
  const fmt = numbers(model.get("lang")), view = read(model);
  drawControls(root, view, say, fmt);
  drawBar(root, "counts", view.counts, view.nAll);
  drawBar(root, "ops", view.ops, view.opsAll);
  drawTables(root, view, say, fmt);
  drawFacts(root, view, say, fmt);
  root.querySelector(".published").textContent = published(view, say, fmt, model.get("lang"));
  const summary = root.querySelector(".summary"), text = sentence(view, say, fmt);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

function connect(root, model) {
  root.addEventListener("input", ({ target }) => {
    if (target.name === "preset") return save(model, { sizes: {}, preset: target.value });
    const { a, original } = read(model), chosen = stops(target.name, a, original)[target.value];
    if (target.name === "n_token") return save(model, { n_token: chosen });
    save(model, { sizes: changes(change(a, target.name, chosen), original) });
  });
  root.querySelector('[name="reset"]').addEventListener("click", () => save(model, { sizes: {} }));
}

const render = (view) => live(view, CHOICES, ["presets", "lang"], () => {
  const say = texts(WORDS, view.model.get("lang")), root = build(view.el, view.model, say);
  connect(root, view.model);
  return () => draw(root, view.model, say);
});

export default { render };
