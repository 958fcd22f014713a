// Head grid: every head of a model as a small picture, one of them as lines from queries to keys and as a table.

import { cividis, html, labels, live, mount, numbers, paint, rovingGrid, rows, save, texts, uniqueId } from "./shared.mjs";

export const WORDS = {
  fr: {
    heads: "Toutes les têtes", heads_note: "dans chaque image, une ligne par requête, une colonne par clé", layer: "couche {n}", head: "tête {n}",
    name: "couche {layer}, tête {head} : {what}", title: "Couche {layer}, tête {head}", scale: "poids", blank: "masqué",
    previous: "surtout le jeton précédent", itself: "surtout soi-même", next: "surtout le jeton suivant",
    back: "surtout {n} jetons plus tôt", ahead: "surtout {n} jetons plus loin", first: "surtout le premier jeton", one: "surtout « {token} »",
    same: "surtout le même jeton ailleurs", after_same: "surtout ce qui suivait le même jeton", rank: "surtout la même place", rank_back: "surtout une place plus tôt", rank_ahead: "surtout une place plus loin",
    even: "étalée presque également sur tout ce qu’elle voit", mixed: "plusieurs jetons, selon la requête", none: "aucun choix",
    mean: "Couche {layer}, tête {head} : {what} (poids moyen {share}).", found: "Couche {layer}, tête {head} : {what}.",
    looks: "Couche {layer}, tête {head} : « {token} » regarde surtout « {a} » ({wa}), puis « {b} » ({wb}).",
    looks_only: "Couche {layer}, tête {head} : « {token} » ne regarde que « {a} » ({wa}).",
    looks_even: "Couche {layer}, tête {head} : « {token} » partage son regard presque également entre {n} jetons (au plus {wa}).",
    looks_none: "Couche {layer}, tête {head} : « {token} » ne regarde rien.",
    seen: "Couche {layer}, tête {head} : « {token} » est regardé surtout par « {a} » ({wa}), puis par « {b} » ({wb}).",
    seen_only: "Couche {layer}, tête {head} : « {token} » n’est regardé que par « {a} » ({wa}).",
    seen_even: "Couche {layer}, tête {head} : « {token} » est regardé presque également par {n} jetons (au plus {wa}).",
    seen_none: "Couche {layer}, tête {head} : « {token} » n’est regardé par personne.",
    query: "requêtes", key: "clés", query_list: "Requêtes : qui regarde", key_list: "Clés : qui est regardé",
    highlight: "Jeton mis en avant", all: "tous",
    grid: "Les poids de cette tête", grid_note: "une ligne par requête, une colonne par clé",
    cell: "« {query} » regarde « {key} » : {weight}", cell_masked: "« {query} » ne voit pas « {key} »",
    row_looks: "Ce que regarde « {token} »", row_seen: "Qui regarde « {token} »", row_mean: "Ce que chaque clé reçoit en moyenne",
    token: "jeton", weight: "poids",
    help: "Flèches, Origine, Fin : changer de tête ou de jeton. Un jeton survolé ou choisi montre ses seules lignes ; Échap les remet toutes.",
    table: "En tableau : ce que regarde chaque tête", layer_column: "couche", head_column: "tête", what_column: "ce qu’elle regarde", share_column: "poids moyen",
  },
  en: {
    heads: "All the heads", heads_note: "in each picture, one row a query, one column a key", layer: "layer {n}", head: "head {n}",
    name: "layer {layer}, head {head}: {what}", title: "Layer {layer}, head {head}", scale: "weight", blank: "masked",
    previous: "mostly the previous token", itself: "mostly itself", next: "mostly the next token",
    back: "mostly {n} tokens back", ahead: "mostly {n} tokens ahead", first: "mostly the first token", one: "mostly “{token}”",
    same: "mostly the same token elsewhere", after_same: "mostly what followed the same token", rank: "mostly the same place", rank_back: "mostly one place earlier", rank_ahead: "mostly one place later",
    even: "spread almost evenly over all it sees", mixed: "several tokens, depending on the query", none: "nothing to choose",
    mean: "Layer {layer}, head {head}: {what} (mean weight {share}).", found: "Layer {layer}, head {head}: {what}.",
    looks: "Layer {layer}, head {head}: “{token}” looks mostly at “{a}” ({wa}), then at “{b}” ({wb}).",
    looks_only: "Layer {layer}, head {head}: “{token}” looks only at “{a}” ({wa}).",
    looks_even: "Layer {layer}, head {head}: “{token}” shares its gaze almost evenly among {n} tokens (at most {wa}).",
    looks_none: "Layer {layer}, head {head}: “{token}” looks at nothing.",
    seen: "Layer {layer}, head {head}: “{token}” is looked at mostly by “{a}” ({wa}), then by “{b}” ({wb}).",
    seen_only: "Layer {layer}, head {head}: “{token}” is looked at only by “{a}” ({wa}).",
    seen_even: "Layer {layer}, head {head}: “{token}” is looked at almost evenly by {n} tokens (at most {wa}).",
    seen_none: "Layer {layer}, head {head}: “{token}” is looked at by nobody.",
    query: "queries", key: "keys", query_list: "Queries: who looks", key_list: "Keys: who is looked at",
    highlight: "Highlighted token", all: "all",
    grid: "The weights of this head", grid_note: "one row a query, one column a key",
    cell: "“{query}” looks at “{key}”: {weight}", cell_masked: "“{query}” does not see “{key}”",
    row_looks: "What “{token}” looks at", row_seen: "Who looks at “{token}”", row_mean: "What each key receives on average",
    token: "token", weight: "weight",
    help: "Arrows, Home, End: another head or token. A token that is hovered or chosen shows its lines alone; Escape brings them all back.",
    table: "As a table: what each head looks at", layer_column: "layer", head_column: "head", what_column: "what it looks at", share_column: "mean weight",
  },
};

const MAX_CELLS = 24; // a side: beyond, numbers in a grid can't be read, and the table shows the chosen token alone
const MAX_PIXELS = 32; // a side of a picture: about its size on the screen
const LEAST = 0.01; // a thinner line is not drawn
const CHOICES = ["layer", "head", "query", "key"];
const DATA = ["tokens", "key_tokens", "shape", "weights", "lang"];

// --- arithmetic: pure functions, compared with PyTorch in the tests ---------------------------------------

/** The weight that a byte stands for: Python stored round(255 √w). */
export const decode = (byte) => (byte / 255) ** 2;

/** One head's weights as rows of numbers, one row a query. */
export function headWeights(bytes, [, nHead, nQuery, nKey], layer, head) {
  const size = nQuery * nKey, start = (layer * nHead + head) * size;
  return rows(Float64Array.from(bytes.subarray(start, start + size), decode), nQuery);
}

const tally = (xs) => xs.reduce((a, b) => a + b, 0);
const visible = (weights) => weights.filter((w) => w > 0).length;

/** What a head could be doing: for each rule, the keys at which each query would look. `own`: the keys are the queries. */
export function rules(tokens, keys, own) {
  const places = keys.map((_, j) => j);
  const rule = (what, at, more) => ({ what, at: tokens.map((_, i) => at(i).filter((j) => j in keys)), more });
  const offset = (n) => (i) => [i + n], far = places.slice(2), one = (j) => rule("one", () => [j], { j });
  if (!own) return [rule("rank", offset(0)), rule("rank_back", offset(-1)), rule("rank_ahead", offset(1)), ...places.map(one)];
  const twins = tokens.map((token, i) => places.filter((j) => j !== i && keys[j] === token));
  return [
    rule("previous", offset(-1)), rule("itself", offset(0)), rule("next", offset(1)),
    rule("after_same", (i) => twins[i].map((j) => j + 1).filter((j) => j <= i), { rare: true }), rule("same", (i) => twins[i], { rare: true }),
    rule("first", () => [0]), ...places.slice(1).map(one),
    ...far.map((n) => rule("back", offset(-n), { n })), ...far.map((n) => rule("ahead", offset(n), { n })),
  ];
}

/**
 * What a head looks at, in a word: the rule that catches most weight, on average over the queries that it concerns, if that
 * is 0.4 or more; else "even" when each query treats all it sees alike, else "mixed". A query that sees one key has no say.
 */
export function pattern(weights, candidates) {
  const sees = Array.from(weights, visible), choosing = [...sees.keys()].filter((i) => sees[i] > 1);
  if (!choosing.length) return { what: "none" };
  const mean = (value) => tally(choosing.map(value)) / choosing.length;
  let best = { what: mean((i) => perplexity(weights[i]) / sees[i]) > 0.9 ? "even" : "mixed" };
  let least = Math.max(0.4, 1.5 * mean((i) => 1 / sees[i])); // well above chance
  for (const { what, at, more } of candidates) {
    let total = 0, concerned = 0;
    for (const i of choosing) {
      let caught = 0;
      for (const j of at[i]) caught += weights[i][j];
      total += caught;
      concerned += caught > 0;
    }
    const enough = more?.rare ? Math.max(2, choosing.length / 4) : choosing.length / 2;
    if (concerned < enough || total / concerned <= least) continue;
    least = total / concerned;
    best = { what, share: least, ...more };
  }
  return best;
}

/** Among how many keys a query shares its gaze: exp of the entropy. */
export function perplexity(weights) {
  const total = tally(weights);
  return Math.exp(-tally(weights.map((w) => w > 0 ? w / total * Math.log(w / total) : 0)));
}

/** A head's bytes as a picture of at most MAX_PIXELS a side, each pixel the largest weight of its block: a mean would wash lines out. */
export function picture(bytes, nQuery, nKey) {
  const block = Math.ceil(Math.max(nQuery, nKey) / MAX_PIXELS), [height, width] = [nQuery, nKey].map((n) => Math.ceil(n / block));
  const pixels = new Uint8Array(height * width);
  bytes.forEach((byte, k) => {
    const pixel = Math.floor(Math.floor(k / nKey) / block) * width + Math.floor(k % nKey / block);
    pixels[pixel] = Math.max(pixels[pixel], byte);
  });
  return { width, height, pixels };
}

/** The lines to draw: [query, key, weight], of all queries or of the one token put forward. */
export function lines(weights, { side, index } = {}) {
  return weights.flatMap((row, i) => Array.from(row, (w, j) => [i, j, w]))
    .filter(([i, j, w]) => w >= LEAST && (side === undefined || (side === "query" ? i : j) === index));
}

// --- texts -------------------------------------------------------------------------------------------------

function describe({ say, candidates, shownKeys }, weights) {
  const { what, share, n, j } = pattern(weights, candidates);
  return { what: say(what, { n, token: shownKeys[j] }), share };
}

/** What the chosen head does, or what one of its queries or keys does; also what a screen reader says after each change. */
export function sentence({ say, fmt }, place, { what, share }, weights, { side, token, names } = {}) {
  if (!side) return say(share ? "mean" : "found", { ...place, what, share: share && fmt(share) });
  const list = side.index < 0 ? [] : weights, order = list.map((_, k) => k).sort((a, b) => list[b] - list[a]);
  const [a, b] = order, n = visible(list), verb = side === "query" ? "looks" : "seen";
  const values = { ...place, token, n, a: names[a], wa: fmt(list[a]), b: names[b], wb: fmt(list[b] ?? 0) };
  if (!n) return say(verb === "looks" ? "looks_none" : "seen_none", values);
  if (n < 2 || list[b] < 0.005) return say(verb === "looks" ? "looks_only" : "seen_only", values);
  if (n > 2 && list[a] < 1.25 * tally(list) / n) return say(verb === "looks" ? "looks_even" : "seen_even", values);
  return say(verb, values);
}

// --- the page, built once for given data ---------------------------------------------------------------------

function read(model) {
  const tokens = model.get("tokens"), keys = model.get("key_tokens"), lang = model.get("lang"), view = model.get("weights");
  return {
    lang, say: texts(WORDS, lang), fmt: numbers(lang), id: uniqueId(), shape: model.get("shape"),
    shownTokens: labels(tokens), shownKeys: labels(keys), candidates: rules(tokens, keys, tokens.join("\n") === keys.join("\n")),
    bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength), whole: Math.max(tokens.length, keys.length) <= MAX_CELLS,
  };
}

function controls({ say, shownTokens, shownKeys }) {
  const group = (side, names) => html`<optgroup label="${say(side)}">${names.map((name, k) => html`<option value="${side} ${k}">${name}</option>`)}</optgroup>`;
  return html`<div class="controls"><label>${say("highlight")} <select name="token"><option value="">${say("all")}</option>
    ${group("query", shownTokens)}${group("key", shownKeys)}</select></label></div>
    <p class="summary" role="status" aria-live="polite"></p>`;
}

function headsGrid({ say, id, shape: [nLayer, nHead, nQuery, nKey] }) {
  const count = (n) => Array.from({ length: n }, (_, k) => k);
  const cell = (l, h) => html`<td><button type="button" data-i="${l}" data-j="${h}" tabindex="${l || h ? -1 : 0}"><canvas></canvas></button></td>`;
  const shorter = (key, n, many) => { // "head 7" where it fits, else "7", and "head 7" for whoever listens
    const [before, after] = say(key, { n: "\n" }).split("\n");
    return html`<span class="${many ? "unseen" : "word"}">${before}</span>${n}${after}`;
  };
  return html`<div class="scroll heads" style="--columns: ${nHead}; --ratio: ${Math.min(Math.max(nKey / nQuery, 0.5), 2).toFixed(3)}">
    <table role="grid" class="all" aria-labelledby="${id}-heads" aria-describedby="${id}-help">
    <caption id="${id}-heads">${say("heads")} <small>${say("heads_note")}</small></caption>
    <thead><tr><td>${nHead > 5 ? say("head", { n: "" }) : ""}</td>${count(nHead).map((h) => html`<th scope="col">${shorter("head", h + 1, nHead > 5)}</th>`)}</tr></thead>
    <tbody>${count(nLayer).map((l) => html`<tr><th scope="row">${shorter("layer", l + 1)}</th>${count(nHead).map((h) => cell(l, h))}</tr>`)}</tbody>
  </table><p class="legend"><span>${say("scale")}</span> <span>0</span><canvas class="scale"></canvas><span>1</span>
    <span><i class="blank"></i> ${say("blank")}</span></p></div>`;
}

function linesView({ say, id, shownTokens, shownKeys }) {
  const tall = Math.max(shownTokens.length, shownKeys.length), row = Math.round(Math.min(Math.max(640 / tall, 12), 26));
  const item = (side) => (name, k) => html`<li role="option" data-side="${side}" data-k="${k}" tabindex="${k ? -1 : 0}" aria-selected="false"><span>${name}</span><b></b></li>`;
  const list = (side, names) => html`<div class="side ${side}"><span class="axis" aria-hidden="true">${say(side)}</span>
    <ul role="listbox" aria-label="${say(side === "query" ? "query_list" : "key_list")}" style="margin-top: ${(tall - names.length) / 2 * row}px">${names.map(item(side))}</ul></div>`;
  return html`<div class="one" style="--row: ${row}px"><p class="title" id="${id}-title"></p><div class="lines" role="group" aria-labelledby="${id}-title">
    ${list("query", shownTokens)}<svg viewBox="0 0 100 ${tall}" preserveAspectRatio="none" aria-hidden="true"></svg>${list("key", shownKeys)}</div></div>`;
}

function weightsTable({ say, id, shownTokens, shownKeys, whole }) {
  if (!whole) {
    return html`<div class="scroll weights" role="group" tabindex="0" aria-labelledby="${id}-row"><table class="ranked"><caption id="${id}-row"></caption>
      <thead><tr><th scope="col">${say("token")}</th><th scope="col">${say("weight")}</th></tr></thead><tbody></tbody></table></div>`;
  }
  const cell = (i, j) => html`<td data-i="${i}" data-j="${j}" tabindex="${i || j ? -1 : 0}"></td>`;
  return html`<div class="scroll weights"><table role="grid" class="numbers" aria-labelledby="${id}-grid">
    <caption id="${id}-grid">${say("grid")} <small>${say("grid_note")}</small></caption>
    <thead><tr><td></td>${shownKeys.map((key) => html`<th scope="col"><span>${key}</span></th>`)}</tr></thead>
    <tbody>${shownTokens.map((query, i) => html`<tr><th scope="row">${query}</th>${shownKeys.map((_, j) => cell(i, j))}</tr>`)}</tbody></table></div>`;
}

function build(el, data) {
  const { say, id, whole, shape: [nLayer, nHead] } = data;
  const name = (k) => html`<tr><td>${1 + Math.floor(k / nHead)}</td><td>${1 + k % nHead}</td><td></td><td></td></tr>`;
  const root = mount(el, "heads", data.lang, html`${controls(data)}
    <div class="views ${whole ? "whole" : "large"}">${headsGrid(data)}${linesView(data)}${weightsTable(data)}</div>
    <p class="help" id="${id}-help">${say("help")}</p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="found">
      <thead><tr>${["layer_column", "head_column", "what_column", "share_column"].map((key) => html`<th scope="col">${say(key)}</th>`)}</tr></thead>
      <tbody>${Array.from({ length: nLayer * nHead }, (_, k) => name(k))}</tbody></table></div></details>`);
  drawHeads(root, data);
  return root;
}

// The square root of a weight, as the bytes have it: with 64 tokens most weights are small.
const shade = (weight) => Math.sqrt(weight);
const PIXELS = Uint32Array.from({ length: 256 }, (_, byte) => {
  const [r, g, b] = cividis(shade(decode(byte)));
  return byte ? (255 << 24 | b << 16 | g << 8 | r) >>> 0 : 0; // an exact 0 stays blank
});

function drawPicture(canvas, { width, height, pixels }) {
  const image = new ImageData(width, height);
  new Uint32Array(image.data.buffer).set(Uint32Array.from(pixels, (byte) => PIXELS[byte]));
  Object.assign(canvas, { width, height }).getContext("2d").putImageData(image, 0, 0);
}

/** All the pictures, and what each shows in words: these change with the data only. */
function drawHeads(root, data) {
  const { bytes, shape: [, nHead, nQuery, nKey], fmt, say } = data, size = nQuery * nKey;
  data.found = [...root.querySelectorAll(".all button")].map((button, k) => {
    drawPicture(button.querySelector("canvas"), picture(bytes.subarray(k * size, (k + 1) * size), nQuery, nKey));
    const found = describe(data, headWeights(bytes, data.shape, Math.floor(k / nHead), k % nHead));
    button.setAttribute("aria-label", say("name", { layer: 1 + Math.floor(k / nHead), head: 1 + k % nHead, what: found.what }));
    button.title = button.getAttribute("aria-label");
    return found;
  });
  [...root.querySelector(".found").tBodies[0].rows].forEach((row, k) => {
    row.cells[2].textContent = data.found[k].what;
    row.cells[3].textContent = data.found[k].share ? fmt(data.found[k].share) : "–";
  });
  const scale = Uint8Array.from({ length: 101 }, (_, k) => Math.max(255 * Math.sqrt(k / 100), 1));
  drawPicture(root.querySelector(".scale"), { width: 101, height: 1, pixels: scale });
}

// --- what changes with the reader's choices --------------------------------------------------------------------

/** The head and the token put forward, with that token's weights. */
function choose(model, data) {
  const [layer, head] = [model.get("layer"), model.get("head")], weights = headWeights(data.bytes, data.shape, layer, head);
  const side = model.get("query") >= 0 ? "query" : model.get("key") >= 0 ? "key" : undefined;
  return { layer, head, weights, found: data.found[layer * data.shape[1] + head], ...forward(data, weights, side, side && model.get(side)) };
}

function forward({ shownTokens, shownKeys }, weights, side, index) {
  if (!side) return {};
  return side === "query" ? { side, index, token: shownTokens[index], names: shownKeys, list: [...weights[index]] }
    : { side, index, token: shownKeys[index], names: shownTokens, list: weights.map((row) => row[index]) };
}

/** The pressed picture and the selected token; the Tab key leads to them, unless the reader is moving there now. */
function drawChosen(root, { layer, head, side, index }) {
  const [atHead, atToken] = [".all button:focus", ".lines li:focus"].map((place) => root.querySelector(place));
  for (const button of root.querySelectorAll(".all button")) {
    const chosen = Number(button.dataset.i) === layer && Number(button.dataset.j) === head;
    button.setAttribute("aria-pressed", chosen);
    if (!atHead) button.tabIndex = chosen ? 0 : -1;
  }
  for (const item of root.querySelectorAll(".lines li")) {
    const selected = item.dataset.side === side && Number(item.dataset.k) === index;
    item.setAttribute("aria-selected", selected);
    if (!atToken) item.tabIndex = selected || (item.dataset.side !== side && item.dataset.k === "0") ? 0 : -1;
  }
}

/** Lines as thick and as strong as the weights; with one token put forward, its lines alone and its weights in numbers. */
function drawLines(root, { fmt, shownTokens, shownKeys }, { weights, side, index, list }) {
  const tall = Math.max(shownTokens.length, shownKeys.length), row = parseFloat(root.querySelector(".one").style.getPropertyValue("--row"));
  const y = (k, names) => (tall - names.length) / 2 + k + 0.5;
  root.querySelector(".lines svg").innerHTML = lines(weights, { side, index }).map(([i, j, w]) => {
    const from = y(i, shownTokens), to = y(j, shownKeys);
    return `<path d="M0 ${from}C45 ${from} 55 ${to} 100 ${to}" stroke-width="${(0.4 + 0.42 * row * w).toFixed(2)}" stroke-opacity="${(0.1 + 0.75 * Math.sqrt(w)).toFixed(2)}"/>`;
  }).join("");
  root.querySelector(".lines").classList.toggle("alone", Boolean(side));
  for (const item of root.querySelectorAll(".lines li")) {
    const mine = item.dataset.side === side, k = Number(item.dataset.k), weight = side && !mine ? list[k] : 0;
    item.classList.toggle("forward", mine && k === index);
    item.classList.toggle("faint", Boolean(side) && (mine ? k !== index : weight < LEAST));
    item.lastChild.textContent = weight >= LEAST ? fmt(weight) : "";
  }
}

function drawGrid(root, { say, fmt, shownTokens, shownKeys }, { weights, side, index }) {
  const table = root.querySelector(".numbers");
  [...table.tBodies[0].rows].forEach((row, i) => {
    row.classList.toggle("chosen", side === "query" && i === index);
    [...row.cells].slice(1).forEach((cell, j) => {
      const w = weights[i][j], masked = w === 0, weight = fmt(w);
      cell.textContent = masked ? "–" : weight;
      cell.classList.toggle("blocked", masked);
      cell.classList.toggle("mine", (side === "query" && i === index) || (side === "key" && j === index));
      cell.setAttribute("aria-label", say(masked ? "cell_masked" : "cell", { query: shownTokens[i], key: shownKeys[j], weight }));
      if (masked) cell.removeAttribute("style"); else paint(cell, shade(w));
    });
  });
  [...table.tHead.rows[0].cells].slice(1).forEach((cell, j) => cell.classList.toggle("chosen-column", side === "key" && j === index));
}

function drawRow(root, { say, fmt, shownKeys }, { weights, side, token, names = shownKeys, list }) {
  const table = root.querySelector(".ranked"), shown = list ?? names.map((_, j) => tally(weights.map((row) => row[j])) / weights.length);
  const most = Math.max(...shown) || 1;
  table.caption.textContent = say(side ? (side === "query" ? "row_looks" : "row_seen") : "row_mean", { token });
  table.tBodies[0].innerHTML = html`${names.map((name, k) => html`<tr><th scope="row">${name}</th>
    <td><span class="bar"><i style="width: ${(100 * shown[k] / most).toFixed(1)}%"></i></span>${shown[k] ? fmt(shown[k]) : "–"}</td></tr>`)}`;
}

function draw(root, model, data) {
  const now = choose(model, data), place = { layer: now.layer + 1, head: now.head + 1 };
  root.querySelector("[name=token]").value = now.side ? `${now.side} ${now.index}` : "";
  root.querySelector(".title").textContent = data.say("title", place);
  drawChosen(root, now);
  drawLines(root, data, now);
  if (data.whole) drawGrid(root, data, now); else drawRow(root, data, now);
  const summary = root.querySelector(".summary"), text = sentence(data, place, now.found, now.list ?? [], now);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

// --- what the reader does -----------------------------------------------------------------------------------------

const put = (model, side, k) => save(model, { query: side === "query" ? Number(k) : -1, key: side === "key" ? Number(k) : -1 });

/** A list of tokens: arrows, Home and End move and choose; hovering shows a token's lines as long as it lasts. */
function connectLists(root, model, data) {
  const view = root.querySelector(".lines"), item = ({ target }) => target.closest?.("li[data-k]");
  const of = (li) => [li.dataset.side, Number(li.dataset.k)];
  let again = false; // a second press on the chosen token puts it back
  view.addEventListener("pointerdown", (event) => { again = item(event)?.getAttribute("aria-selected") === "true"; });
  view.addEventListener("click", (event) => {
    if (item(event)) { item(event).focus(); put(model, ...(again ? [] : of(item(event)))); }
    again = false;
  });
  view.addEventListener("focusin", (event) => {
    const li = item(event);
    if (!li) return;
    for (const other of li.parentElement.children) other.tabIndex = other === li ? 0 : -1;
    if (!again) put(model, ...of(li));
  });
  view.addEventListener("keydown", (event) => {
    const li = item(event), list = li && [...li.parentElement.children], k = list?.indexOf(li);
    const next = { ArrowUp: k - 1, ArrowDown: k + 1, Home: 0, End: list?.length - 1 }[event.key];
    if (!li || next === undefined) return;
    event.preventDefault(); // else the page scrolls
    list[Math.min(Math.max(next, 0), list.length - 1)].focus();
  });
  view.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const now = choose(model, data);
    drawLines(root, data, item(event) ? { ...now, ...forward(data, now.weights, ...of(item(event))) } : now);
  });
  view.addEventListener("pointerleave", () => drawLines(root, data, choose(model, data)));
}

function connect(root, model, data) {
  rovingGrid(root.querySelector(".all"), { onFocus: (layer, head) => save(model, { layer, head }) });
  if (data.whole) rovingGrid(root.querySelector(".numbers"), { onFocus: (i) => put(model, "query", i) });
  connectLists(root, model, data);
  root.querySelector("[name=token]").addEventListener("input", ({ target }) => put(model, ...target.value.split(" ")));
  root.addEventListener("keydown", ({ key }) => { if (key === "Escape") put(model); });
}

const render = (view) => live(view, CHOICES, DATA, () => {
  const data = read(view.model), root = build(view.el, data);
  connect(root, view.model, data);
  return () => draw(root, view.model, data);
});

export default { render };
