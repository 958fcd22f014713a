// Attention step by step: a query's dot products, ÷ √d, mask, exp, ÷ sum, and the weighted mean of the values.

import {
  attention, floats, html, labels, live, mask, mount, numbers, paint, rovingGrid, rows, save, texts, uniqueId, weightedMean,
} from "./shared.mjs";

export const WORDS = {
  fr: {
    query: "Requête", mask: "Masque", none: "aucun", causal: "causal", prefix: "préfixe", window: "fenêtre",
    size_prefix: "Préfixe", size_window: "Fenêtre", tokens: "{n} jetons", token: "{n} jeton", scaled: "diviser par √d", temperature: "Température τ",
    steps: "Ce que fait la requête « {query} »", key: "clé", dot: "q · k", dot_note: "produit scalaire",
    over_d: "÷ √d", over_d_t: "÷ √d ÷ τ", over_t: "÷ τ", over_1: "tel quel", divided: "÷ {divisor}", masked: "masque", masked_note: "−∞ si caché",
    exp: "exp", exp_note: "exp(x − max)", weight: "poids", weight_note: "÷ somme", softmax: "4 et 5 ensemble : le softmax", total: "somme",
    grid: "Tous les poids", grid_note: "une ligne par requête, une colonne par clé ; chaque ligne a pour somme 1",
    cell: "« {query} » regarde « {key} » : {weight}", cell_masked: "« {query} » ne voit pas « {key} »",
    values: "Sortie : la moyenne des valeurs, pondérée par les poids", value: "valeur", output: "sortie", times: "poids",
    cut: "Les {shown} premières coordonnées sur {all}.",
    mostly: "« {query} » regarde surtout « {first} » ({w1}), puis « {second} » ({w2}).",
    evenly: "« {query} » partage son regard presque également entre {n} jetons (au plus {w1}).",
    only: "« {query} » ne regarde que « {first} » ({w1}).",
    table: "En phrases, ligne par ligne",
    help: "Dans la grille : les flèches changent de case, et la ligne choisie devient la requête.",
  },
  en: {
    query: "Query", mask: "Mask", none: "none", causal: "causal", prefix: "prefix", window: "window",
    size_prefix: "Prefix", size_window: "Window", tokens: "{n} tokens", token: "{n} token", scaled: "divide by √d", temperature: "Temperature τ",
    steps: "What the query “{query}” does", key: "key", dot: "q · k", dot_note: "dot product",
    over_d: "÷ √d", over_d_t: "÷ √d ÷ τ", over_t: "÷ τ", over_1: "as it is", divided: "÷ {divisor}", masked: "mask", masked_note: "−∞ if hidden",
    exp: "exp", exp_note: "exp(x − max)", weight: "weight", weight_note: "÷ sum", softmax: "4 and 5 together: the softmax", total: "sum",
    grid: "All the weights", grid_note: "one row a query, one column a key; each row sums to 1",
    cell: "“{query}” looks at “{key}”: {weight}", cell_masked: "“{query}” does not see “{key}”",
    values: "Output: the mean of the values, weighted by the weights", value: "value", output: "output", times: "weight",
    cut: "The first {shown} coordinates of {all}.",
    mostly: "“{query}” looks mostly at “{first}” ({w1}), then at “{second}” ({w2}).",
    evenly: "“{query}” shares its gaze almost evenly among {n} tokens (at most {w1}).",
    only: "“{query}” looks only at “{first}” ({w1}).",
    table: "In sentences, row by row",
    help: "In the grid: arrows move from cell to cell, and the row you are in becomes the query.",
  },
};

const MAX_COORDINATES = 8; // of a value vector: more would not fit beside its token
const CHOICES = ["query", "mask", "prefix", "window", "scaled", "temperature"];
const DATA = ["tokens", "key_tokens", "q", "k", "v", "lang"];

/** The masks that suit the sizes, as in attention_steps.py. */
export function suitableMasks(nQuery, nKey) {
  if (nQuery === nKey) return ["none", "causal", "prefix", "window"];
  return nKey > nQuery ? ["none", "causal"] : ["none"];
}

function read(model) {
  const tokens = model.get("tokens"), keys = model.get("key_tokens"), lang = model.get("lang"), v = floats(model.get("v"));
  return {
    lang, say: texts(WORDS, lang), fmt: numbers(lang), id: uniqueId(),
    queries: labels(tokens), keys: labels(keys), own: tokens.join("\n") === keys.join("\n"),
    q: rows(floats(model.get("q")), tokens.length), k: rows(floats(model.get("k")), keys.length),
    v: v.length ? rows(v, keys.length) : null,
  };
}

function compute(model, { q, k, queries, keys }) {
  const kind = model.get("mask");
  const allowed = mask(kind, queries.length, keys.length, kind === "none" || kind === "causal" ? 0 : model.get(kind));
  const scale = model.get("scaled") ? 1 / Math.sqrt(q[0].length) : 1;
  return attention(q, k, { scale, mask: allowed, temperature: model.get("temperature") });
}

// --- the page, built once for given data ------------------------------------------------------------

function controls({ say, id, queries, keys }) {
  const option = (value, text) => html`<option value="${value}">${text}</option>`;
  const size = (kind, least) => html`<label data-for="${kind}">${say(`size_${kind}`)}
    <input name="${kind}" type="range" min="${least}" max="${keys.length}" step="1"><output></output></label>`;
  return html`<div class="controls">
    <label>${say("query")} <select name="query">${queries.map((query, i) => option(i, query))}</select></label>
    <label>${say("mask")} <select name="mask">${suitableMasks(queries.length, keys.length).map((kind) => option(kind, say(kind)))}</select></label>
    ${size("prefix", 0)} ${size("window", 1)}
    <label><input name="scaled" type="checkbox"> ${say("scaled")}</label>
    <label>${say("temperature")} <input name="temperature" type="range" min="0.1" max="4" step="0.1"><output></output></label>
  </div><p class="summary" id="${id}-summary" role="status" aria-live="polite"></p>`;
}

function stepsTable({ say, keys, id }) {
  const head = (number, name, key, note) => html`<th scope="col" data-step="${name}"><b>${number}</b> <span>${say(key)}</span><small>${say(note)}</small></th>`;
  const fan = html`<td class="fan" rowspan="${keys.length}" aria-hidden="true"><span></span><svg viewBox="0 0 100 ${keys.length}" preserveAspectRatio="none"></svg></td>`;
  const row = (key, j) => html`<tr>${j ? "" : fan}<th scope="row">${key}</th>
    <td></td><td></td><td></td><td></td><td><span class="bar"><i></i></span><span class="number"></span></td></tr>`;
  return html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-steps"><table class="steps">
    <caption id="${id}-steps"><span></span> <small>${say("softmax")}</small></caption>
    <thead><tr><td class="fan"></td><th scope="col">${say("key")}</th>${head("1", "dot", "dot", "dot_note")}${head("2", "scale", "over_d", "dot_note")}
      ${head("3", "mask", "masked", "masked_note")}${head("4", "exp", "exp", "exp_note")}${head("5", "weight", "weight", "weight_note")}</tr></thead>
    <tbody>${keys.map(row)}</tbody>
    <tfoot><tr><td class="fan"></td><th scope="row">${say("total")}</th><td></td><td></td><td></td><td></td><td></td></tr></tfoot>
  </table></div>`;
}

function weightsGrid({ say, id, queries, keys }) {
  const cell = (i, j) => html`<td data-i="${i}" data-j="${j}" tabindex="${i || j ? -1 : 0}"></td>`;
  return html`<div class="scroll"><table role="grid" class="weights" aria-labelledby="${id}-grid" aria-describedby="${id}-help">
    <caption id="${id}-grid">${say("grid")} <small>${say("grid_note")}</small></caption>
    <thead><tr><td></td>${keys.map((key) => html`<th scope="col"><span>${key}</span></th>`)}</tr></thead>
    <tbody>${queries.map((query, i) => html`<tr><th scope="row">${query}</th>${keys.map((_, j) => cell(i, j))}</tr>`)}</tbody>
  </table></div><p class="help" id="${id}-help">${say("help")}</p>`;
}

function valuesTable({ say, id, keys, v, fmt }) {
  if (!v) return "";
  const all = v[0].length, shown = Math.min(all, MAX_COORDINATES);
  const row = (key, j) => html`<tr><th scope="row">${key}</th><td></td>${[...v[j].subarray(0, shown)].map((x) => html`<td>${fmt(x)}</td>`)}</tr>`;
  return html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-values"><table class="values">
    <caption id="${id}-values"><b>6</b> ${say("values")} <small>${all > shown ? say("cut", { shown, all }) : ""}</small></caption>
    <thead><tr><th scope="col">${say("key")}</th><th scope="col">${say("times")}</th><th scope="colgroup" colspan="${shown}">× ${say("value")}</th></tr></thead>
    <tbody>${keys.map(row)}</tbody>
    <tfoot><tr><th scope="row">${say("output")}</th><td>=</td>${Array.from({ length: shown }, () => html`<td></td>`)}</tr></tfoot>
  </table></div>`;
}

function build(el, data) {
  return mount(el, "attention", data.lang, html`${controls(data)}
    <div class="views">${stepsTable(data)}${valuesTable(data)}<div>${weightsGrid(data)}</div></div>
    <details><summary>${data.say("table")}</summary><ul>${data.queries.map(() => html`<li></li>`)}</ul></details>`);
}

// --- what changes with the reader's choices -----------------------------------------------------------

/** One query's weights in a sentence; also what a screen reader says after each change. */
export function sentence(say, fmt, query, keys, weights) {
  const order = weights.map((_, j) => j).sort((a, b) => weights[b] - weights[a]);
  const [a, b] = order, n = weights.filter((w) => w > 0).length;
  const values = { query, n, first: keys[a], w1: fmt(weights[a]), second: keys[b], w2: fmt(weights[b] ?? 0) };
  if (n < 2 || weights[a] > 0.995) return say("only", values);
  return say(n > 2 && weights[a] < 1.25 / n ? "evenly" : "mostly", values);
}

function drawControls(root, model, { say, fmt }) {
  const field = (name) => root.querySelector(`[name="${name}"]`);
  for (const name of ["query", "mask", "prefix", "window", "temperature"]) field(name).value = model.get(name);
  field("scaled").checked = model.get("scaled");
  for (const kind of ["prefix", "window"]) {
    const n = model.get(kind);
    root.querySelector(`[data-for="${kind}"]`).hidden = model.get("mask") !== kind;
    field(kind).nextElementSibling.textContent = n;
    field(kind).setAttribute("aria-valuetext", say(n < 2 ? "token" : "tokens", { n }));
  }
  field("temperature").nextElementSibling.textContent = fmt(model.get("temperature"), 1);
  field("temperature").setAttribute("aria-valuetext", fmt(model.get("temperature"), 1));
}

function drawSteps(root, model, data, step) {
  const { say, fmt, keys, queries, q } = data, table = root.querySelector(".steps"), i = model.get("query");
  const scaled = model.get("scaled"), temperature = model.get("temperature");
  const divisor = (scaled ? Math.sqrt(q[0].length) : 1) * temperature;
  table.caption.querySelector("span").textContent = say("steps", { query: queries[i] });
  const head = table.querySelector('[data-step="scale"]');
  head.querySelector("span").textContent = say(scaled ? (temperature === 1 ? "over_d" : "over_d_t") : temperature === 1 ? "over_1" : "over_t");
  head.querySelector("small").textContent = say("divided", { divisor: fmt(divisor) });
  [...table.tBodies[0].rows].forEach((row, j) => {
    const cells = [...row.querySelectorAll("td:not(.fan)")], hidden = step.masked[j] === -Infinity;
    row.classList.toggle("hidden", hidden);
    [step.scores, step.scaled, step.masked, step.exps].forEach((column, c) => { cells[c].textContent = fmt(column[j]); });
    cells[4].querySelector(".number").textContent = fmt(step.weights[j]);
    cells[4].querySelector("i").style.width = `${100 * step.weights[j]}%`;
  });
  const totals = [...table.tFoot.querySelectorAll("td:not(.fan)")];
  totals[3].textContent = fmt(step.total);
  totals[4].textContent = fmt(step.weights.reduce((a, b) => a + b, 0));
  drawFan(table, queries[i], data.own ? i + 0.5 : keys.length / 2, step.weights);
}

/** Lines from the query to its keys, as thick as the weights. */
function drawFan(table, query, y, weights) {
  const label = table.querySelector(".fan span");
  label.textContent = query;
  label.style.top = `${100 * y / weights.length}%`;
  table.querySelector(".fan svg").innerHTML = weights.map((w, j) => w < 0.005 ? "" :
    `<path d="M0 ${y} C 50 ${y} 50 ${j + 0.5} 100 ${j + 0.5}" stroke-width="${(0.75 + 13 * w).toFixed(2)}"/>`).join("");
}

function drawGrid(root, model, { say, fmt, queries, keys }, steps) {
  const visiting = root.querySelector(".weights td:focus"); // else the Tab key leads to the chosen row
  root.querySelectorAll(".weights tbody tr").forEach((row, i) => {
    row.classList.toggle("chosen", i === model.get("query"));
    row.querySelectorAll("td").forEach((cell, j) => {
      const hidden = steps[i].masked[j] === -Infinity, weight = fmt(steps[i].weights[j]);
      cell.textContent = hidden ? "–" : weight;
      cell.classList.toggle("blocked", hidden);
      cell.setAttribute("aria-label", say(hidden ? "cell_masked" : "cell", { query: queries[i], key: keys[j], weight }));
      if (!visiting) cell.tabIndex = i === model.get("query") && j === 0 ? 0 : -1;
      if (hidden) cell.removeAttribute("style"); else paint(cell, steps[i].weights[j]);
    });
  });
}

function drawValues(root, { fmt, v }, { weights, masked }) {
  const table = root.querySelector(".values");
  if (!table) return;
  [...table.tBodies[0].rows].forEach((row, j) => {
    row.cells[1].textContent = fmt(weights[j]);
    row.classList.toggle("hidden", masked[j] === -Infinity);
  });
  const mean = weightedMean(weights, v);
  [...table.tFoot.rows[0].cells].slice(2).forEach((cell, c) => { cell.textContent = fmt(mean[c]); });
}

function draw(root, model, data) {
  const { say, fmt, queries, keys } = data, steps = compute(model, data), i = model.get("query");
  const phrase = (row) => sentence(say, fmt, queries[row], keys, steps[row].weights);
  drawControls(root, model, data);
  drawSteps(root, model, data, steps[i]);
  drawGrid(root, model, data, steps);
  drawValues(root, data, steps[i]);
  root.querySelectorAll("details li").forEach((item, row) => { item.textContent = phrase(row); });
  const summary = root.querySelector(".summary");
  if (summary.textContent !== phrase(i)) summary.textContent = phrase(i); // an unchanged sentence is not said again
}

function onInput(model) {
  return ({ target }) => {
    if (!CHOICES.includes(target.name)) return;
    const value = target.type === "checkbox" ? target.checked : target.name === "mask" ? target.value : Number(target.value);
    save(model, { [target.name]: value });
  };
}

const render = (view) => live(view, CHOICES, DATA, () => {
  const data = read(view.model), root = build(view.el, data);
  root.addEventListener("input", onInput(view.model));
  rovingGrid(root.querySelector(".weights"), { onFocus: (i) => save(view.model, { query: i }) });
  return () => draw(root, view.model, data);
});

export default { render };
