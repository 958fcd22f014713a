// Decoding explorer: from a model's next-token scores to a text: filters and draws, one token at a time, or a beam search.

import { html, live, mount, numbers, save, texts, uniqueId } from "./shared.mjs";
import { FILTERS, LEAVE, OFF, OTHERS, beam, chance, distribution, entropy, follow, greedyText, pick, range, ranking, share, tally, unpack } from "./next_tokens.mjs";

export const WORDS = {
  fr: {
    views: "Ce que montre la figure", view_step: "Un jeton à la fois", view_beam: "Recherche en faisceau",
    text: "Le texte", next: "jeton suivant", draw: "Tirer un jeton", greedy: "Prendre le plus probable", finish: "Tirer jusqu’à la fin", back: "Retirer un jeton", restart: "Recommencer",
    seed: "Graine du hasard", reset: "Retirer les filtres", filters: "Les filtres, dans l’ordre",
    penalty: "Pénalité de répétition", temperature: "Température", top_k: "top-k", top_p: "top-p (noyau)", min_p: "min-p", off: "sans", remain: "reste {n}", remains: "restent {n}",
    token: "Jeton", after: "Filtré", model: "Modèle", fate: "Sort", caption: "Les jetons qui peuvent suivre", caption_note: "appuyer sur l’un d’eux l’écrit", write: "écrire « {token} »", others: "{n} autres", other: "1 autre",
    kept: "gardé", kept_part: "{n} gardés", hit: "tiré", lot: "Tirage n° {n} : le hasard tombe à {u}, sur « {token} ».", wheel: "La roue : chaque jeton gardé y a sa part",
    mass: "Part du modèle gardée", entropy: "Entropie", entropy_note: "autant que {n} choix égaux (modèle : {before} bits)", bits: "{n} bits", percent: "{n} %",
    summary: "Après « {text} », {n} sur {all} : « {token} » est le plus probable, à {share} % (modèle : {before} %).", summary_one: "Après « {text} », un seul jeton sur {all} : « {token} » (modèle : {before} %).",
    tokens: "{n} jetons restent", ended: "Le texte est fini : « {text} ».", long: "« {text} » : {n} jetons, la limite de cette figure.",
    unstored: "« {text} » : la suite n’est pas dans la figure, qui garde {n} textes parmi les plus probables. Retirez un jeton.",
    drawn_other: "Le hasard a pris un jeton rare, dont la figure ne garde que la probabilité : « {text} ». Retirez-le.",
    width: "Largeur du faisceau", length_penalty: "Exposant de longueur α", step: "Pas", step_of: "{n} sur {all}", previous: "Pas précédent", following: "Pas suivant", last: "Jusqu’au bout",
    tree: "L’arbre : un pas par colonne, le plus probable en haut", start: "début", going: "continue", dropped: "abandonné", finished: "fini", full: "fini, à la limite", legend_best: "trait épais : le meilleur texte",
    ranking: "Les textes, du meilleur au moins bon", is_greedy: "celui du choix glouton",
    rank: "Rang", hypothesis: "Texte", log: "log p du jeton", total: "log p du texte", score: "Score", length: "Longueur", table: "En tableau : tous les candidats, pas à pas",
    found_same: "Largeur {width} : le faisceau écrit la même chose que le choix glouton, « {text} » (log p = {total}).",
    found_more: "Largeur {width} : le faisceau trouve « {text} », {ratio} fois plus probable que « {greedy} », le texte du choix glouton.",
    found_less: "Largeur {width}, α = {alpha} : le faisceau préfère « {text} », bien que le texte du choix glouton, « {greedy} », soit {ratio} fois plus probable.",
    going_on: "Pas {n}, largeur {width} : {going} textes en cours, {finished} finis ; en tête, « {text} » (log p = {total}).",
    help_step: "★ : le plus probable ; ✗ : écarté, et par quel filtre ; ▼ : là où le hasard tombe. L’ordre des filtres est celui de d2lmini.decoding. La même graine donne le même texte. Les autres jetons, non montrés, sont comptés comme également probables entre eux.",
    help_beam: "Score d’un texte de n jetons, fin comprise : log p ÷ n^α. À chaque pas, chaque texte en cours est prolongé ; les plus probables continuent. La recherche cesse quand aucun ne peut plus entrer parmi les finis.",
  },
  en: {
    views: "What the figure shows", view_step: "One token at a time", view_beam: "Beam search",
    text: "The text", next: "next token", draw: "Draw a token", greedy: "Take the likeliest", finish: "Draw to the end", back: "Take one back", restart: "Start over",
    seed: "Random seed", reset: "Remove the filters", filters: "The filters, in order",
    penalty: "Repetition penalty", temperature: "Temperature", top_k: "top-k", top_p: "top-p (nucleus)", min_p: "min-p", off: "off", remain: "leaves {n}", remains: "leaves {n}",
    token: "Token", after: "Filtered", model: "Model", fate: "Fate", caption: "The tokens that may follow", caption_note: "press one to write it", write: "write “{token}”", others: "{n} others", other: "1 other",
    kept: "kept", kept_part: "{n} kept", hit: "drawn", lot: "Draw no. {n}: chance falls at {u}, on “{token}”.", wheel: "The wheel: each kept token has its share",
    mass: "Share of the model kept", entropy: "Entropy", entropy_note: "as much as {n} equal choices (model: {before} bits)", bits: "{n} bits", percent: "{n}%",
    summary: "After “{text}”, {n} of {all}: “{token}” is the likeliest, at {share}% (model: {before}%).", summary_one: "After “{text}”, a single token of {all}: “{token}” (model: {before}%).",
    tokens: "{n} tokens remain", ended: "The text is over: “{text}”.", long: "“{text}”: {n} tokens, the limit of this figure.",
    unstored: "“{text}”: what follows is not in the figure, which keeps {n} of the likeliest texts. Take one token back.",
    drawn_other: "Chance took a rare token, of which the figure keeps the probability alone: “{text}”. Take it back.",
    width: "Beam width", length_penalty: "Length exponent α", step: "Step", step_of: "{n} of {all}", previous: "Previous step", following: "Next step", last: "To the end",
    tree: "The tree: one step a column, the likeliest on top", start: "start", going: "goes on", dropped: "dropped", finished: "finished", full: "finished, at the limit", legend_best: "thick line: the best text",
    ranking: "The texts, best first", is_greedy: "the greedy choice",
    rank: "Rank", hypothesis: "Text", log: "log p of the token", total: "log p of the text", score: "Score", length: "Length", table: "As a table: all candidates, step by step",
    found_same: "Width {width}: the beam writes what the greedy choice writes, “{text}” (log p = {total}).", found_more: "Width {width}: the beam finds “{text}”, {ratio} times as likely as “{greedy}”, the greedy text.",
    found_less: "Width {width}, α = {alpha}: the beam prefers “{text}”, although the greedy text, “{greedy}”, is {ratio} times as likely.",
    going_on: "Step {n}, width {width}: {going} texts go on, {finished} are finished; in front, “{text}” (log p = {total}).",
    help_step: "★: the likeliest; ✗: cut, and by which filter; ▼: where chance falls. The filters come in the order of d2lmini.decoding. The same seed gives the same text. The other tokens, not shown, count as equally likely among themselves.",
    help_beam: "Score of a text of n tokens, the end included: log p ÷ n^α. At each step each text that goes on is made longer; the likeliest go on. The search stops when none can enter the finished ones any more.",
  },
};

const SHOWN = 3; // dropped candidates in a column
const SLIDERS = { penalty: [1, 3, 0.1], temperature: [0.1, 3, 0.1], top_k: [1, 41, 1], top_p: [0.05, 1, 0.05], min_p: [0, 0.5, 0.01] };
const CHOICES = ["view", ...FILTERS, "seed", "path", "width", "length_penalty", "step"];
const DATA = ["stored", "prompt", "end", "separator", "max_new", "n_top", "contexts", "lang"];

// --- texts ----------------------------------------------------------------------------------------------------

/** A token as the reader sees it: spaces at its ends and line breaks made visible. */
export const shown = (token) => token.replace(/^ +| +$/g, (blanks) => "␣".repeat(blanks.length)).replace(/\n/g, "⏎").replace(/\t/g, "⇥") || "∅";

function read(model) {
  const lang = model.get("lang"), data = Object.fromEntries(DATA.map((name) => [name, model.get(name)]));
  const name = (token) => token === OTHERS ? "…" : shown(data.stored[token]);
  const write = (tokens) => tokens.filter((token) => token !== data.end).map((token) => token === OTHERS ? "…" : data.stored[token]).join(data.separator).trim();
  const contexts = unpack(data.contexts, data.n_top);
  return { ...data, contexts, name, write, say: texts(WORDS, lang), fmt: numbers(lang), greedy: greedyText(contexts, data.max_new) };
}

/** The state of the view of one step. */
function now(model, data, path = model.get("path")) {
  const settings = Object.fromEntries(FILTERS.map((name) => [name, model.get(name)]));
  const { context, why } = follow(data.contexts, path, data.end, data.max_new), text = [...data.prompt, ...path];
  const u = chance(model.get("seed"), path.length);
  if (!context) return { path, settings, why, text, u };
  const found = distribution(context, settings, new Set(text));
  return { path, settings, text, u, ...found, drawn: pick(found.list, u) };
}

const itemName = ({ token, count }, { say, fmt, name }) => token !== OTHERS ? name(token) : count === 1 ? say("other") : say("others", { n: fmt(count, 0) });

export function stepSentence({ why, text, list, left, all }, data) {
  const { say, fmt, write, contexts, max_new } = data, values = { text: write(text) };
  if (why) return say(why, { ...values, n: fmt(why === "long" ? max_new : contexts.length, 0) });
  const [first] = list, percent = (p) => fmt(100 * p, 1);
  return say(left.min_p === 1 ? "summary_one" : "summary", {
    ...values, n: say("tokens", { n: fmt(left.min_p, 0) }), all: fmt(all, 0), token: itemName(first, data), share: percent(first.p), before: percent(first.model),
  });
}

export function beamSentence(steps, step, { width, alpha }, { say, fmt, write, greedy }) {
  const at = steps[step - 1], [best] = ranking(at), values = { width, alpha: fmt(alpha, 1), text: write(best.tokens) || "∅", total: fmt(best.total) };
  if (step < steps.length) return say("going_on", { ...values, n: step, going: at.going.length, finished: at.finished.length });
  const gap = best.total - greedy.total, same = String(best.tokens) === String(greedy.tokens);
  return say(same ? "found_same" : gap >= 0 ? "found_more" : "found_less", { ...values, greedy: write(greedy.tokens) || "∅", ratio: fmt(Math.exp(Math.abs(gap)), 1) });
}

// --- the page -------------------------------------------------------------------------------------------------

const button = (name, say) => html`<button type="button" name="${name}">${say(name)}</button>`;

function slider(name, say, [min, max, step], mark = "") {
  return html`<label>${mark}<span>${say(name)}</span><input name="${name}" type="range" min="${min}" max="${max}" step="${step}"><output></output></label>`;
}

function buildStep({ say, n_top }, id) {
  const filter = (name, i) => html`<li>${slider(name, say, name === "top_k" ? [1, n_top + 1, 1] : SLIDERS[name], html`<b aria-hidden="true">${i + 1}</b>`)}<small></small></li>`;
  const fact = (name) => html`<div data-fact="${name}"><dt>${say(name)}</dt><dd><b></b> <small></small></dd></div>`;
  return html`<div class="one">
    <p class="chips" role="group" aria-label="${say("text")}"></p>
    <div class="controls">${["draw", "greedy", "finish", "back", "restart"].map((name) => button(name, say))}
      <label>${say("seed")} <input name="seed" type="number" min="0" max="9999" step="1"></label></div>
    <div class="asked"><p class="title">${say("wheel")}</p><div class="wheel" aria-hidden="true"><div class="slices"></div><i class="needle">▼</i></div><p class="lot"></p>
    <div class="sides"><div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-bars"><table class="bars"><caption id="${id}-bars">${say("caption")} <small>${say("caption_note")}</small></caption>
      <thead><tr><th scope="col">${say("token")}</th><td></td><th scope="col">${say("after")}</th><th scope="col">${say("model")}</th><th scope="col">${say("fate")}</th></tr></thead>
      <tbody>${range(n_top + 1).map((k) => html`<tr><th scope="row"><button type="button" data-k="${k}"></button></th><td class="pair"><i></i><i></i></td><td></td><td></td><td></td></tr>`)}</tbody></table></div>
    <div class="tune"><p class="title">${say("filters")}</p><ol>${FILTERS.map(filter)}</ol>${button("reset", say)}
      <dl>${fact("mass")}${fact("entropy")}</dl></div></div></div>
    <p class="help">${say("help_step")}</p></div>`;
}

function buildBeam({ say }, id) {
  const sample = (state) => html`<li><span class="bud ${state}"><b>${SIGNS[state]}</b></span> ${say(state)}</li>`;
  return html`<div class="search">
    <div class="controls">${slider("width", say, [1, 4, 1])}${slider("length_penalty", say, [0, 2, 0.1])}${slider("step", say, [1, 1, 1])}
      ${["previous", "following", "last"].map((name) => button(name, say))}</div>
    <p class="title" id="${id}-tree">${say("tree")}</p>
    <div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-tree"><div class="tree"></div></div>
    <ul class="signs">${Object.keys(SIGNS).map(sample)}<li><b>★</b> ${say("is_greedy")}</li><li>${say("legend_best")}</li></ul>
    <p class="title" id="${id}-ranking">${say("ranking")}</p><ul class="ranking" aria-labelledby="${id}-ranking"></ul>
    <p class="help">${say("help_beam")}</p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="all">
      <thead><tr>${["step", "rank", "hypothesis", "log", "total", "score", "fate"].map((name) => html`<th scope="col">${say(name)}</th>`)}</tr></thead><tbody></tbody></table></div></details></div>`;
}

const SIGNS = { going: "→", finished: "■", full: "⊣", dropped: "✗" };

function build(el, data) {
  const { say, lang } = data, id = uniqueId();
  const tab = (view, name) => html`<label><input type="radio" name="${id}-view" value="${view}"><span>${say(name)}</span></label>`;
  return mount(el, "decoding", lang, html`
    <fieldset class="tabs"><legend class="unseen">${say("views")}</legend>${tab("step", "view_step")}${tab("beam", "view_beam")}</fieldset>
    <p class="summary" role="status" aria-live="polite"></p>${buildStep(data, id)}${buildBeam(data, id)}`);
}

// --- one token at a time --------------------------------------------------------------------------------------

function drawText(root, { path, why, drawn }, data) {
  const { say, name, prompt } = data, chips = [...prompt.map((token) => html`<span class="chip given">${name(token)}</span>`), ...path.map((token) => html`<span class="chip">${name(token)}</span>`)];
  root.querySelector(".chips").innerHTML = html`${chips}${why ? "" : html`<span class="chip blank">?<span class="unseen">${say("next")}</span></span>`}`;
  const idle = { draw: !drawn, greedy: !drawn, finish: !drawn, back: !path.length, restart: !path.length };
  for (const [button, off] of Object.entries(idle)) root.querySelector(`[name=${button}]`).setAttribute("aria-disabled", off);
}

function drawWheel(root, { list, u, drawn, path }, data) {
  const { say, fmt } = data, label = (item) => item.p > 0.06 ? itemName(item, data) : "";
  root.querySelector(".slices").innerHTML = html`${list.filter(({ p }) => p).map((item) => html`<span class="${item === drawn ? "hit" : ""}" style="flex-grow: ${item.p.toFixed(5)}">${label(item)}</span>`)}`;
  root.querySelector(".needle").style.left = `${(100 * u).toFixed(2)}%`;
  root.querySelector(".lot").textContent = say("lot", { n: path.length + 1, u: fmt(u), token: itemName(drawn, data) });
}

function fate(item, first, drawn, { say, fmt }) {
  if (item.cut) return `✗ ${say(item.cut).split(" ")[0]}`;
  const kept = item.kept < item.count ? say("kept_part", { n: fmt(item.kept, 0) }) : say("kept");
  return `${item === first ? "★ " : ""}${item === drawn ? `▼ ${say("hit")}` : kept}`;
}

function drawBars(root, { list, drawn }, data) {
  const { say, fmt } = data, most = Math.max(...list.map(({ p, model }) => Math.max(p, model)));
  const percent = (p) => say("percent", { n: fmt(100 * p, 1) });
  [...root.querySelector(".bars").tBodies[0].rows].forEach((row, k) => {
    const item = list[k], [th, bars, after, model, last] = row.cells, [press] = th.children;
    row.hidden = !item;
    if (!item) return;
    row.className = item.cut ? "gone" : item === drawn ? "hit" : "";
    press.textContent = itemName(item, data);
    press.setAttribute("aria-label", say("write", { token: itemName(item, data) }));
    [item.p, item.model].forEach((p, i) => { bars.children[i].style.width = `${(100 * p / most).toFixed(1)}%`; });
    after.textContent = item.p ? percent(item.p) : "–";
    model.textContent = percent(item.model);
    last.textContent = fate(item, list[0], drawn, data);
  });
}

function setField(root, name, value, text, max) {
  const field = root.querySelector(`[name=${name}]`);
  if (max) field.max = max;
  field.value = value;
  field.nextElementSibling.textContent = text;
  field.setAttribute("aria-valuetext", text);
  return field;
}

function drawFilters(root, { settings, list, left, all }, { say, fmt, n_top }) {
  FILTERS.forEach((name) => {
    const off = settings[name] === OFF[name], digits = { top_k: 0, top_p: 2, min_p: 2 }[name] ?? 1, text = off && name in LEAVE ? say("off") : fmt(settings[name], digits);
    const item = setField(root, name, name === "top_k" && off ? n_top + 1 : settings[name], text).closest("li");
    item.lastChild.textContent = name in LEAVE && list ? say(left[name] === 1 ? "remain" : "remains", { n: fmt(left[name], 0) }) : "";
    item.classList.toggle("idle", off);
  });
  if (!list) return;
  const before = entropy(list.map(({ model }) => model), list.map(({ count }) => count)), bits = entropy(list.map(({ p }) => p), list.map(({ kept }) => kept || 1));
  const [mass, note] = ["mass", "entropy"].map((name) => root.querySelector(`[data-fact=${name}] dd`));
  mass.firstChild.textContent = say("percent", { n: fmt(100 * tally(list.map(({ kept, count, model }) => model * kept / count)), 1) });
  note.firstChild.textContent = say("bits", { n: fmt(bits) });
  note.lastChild.textContent = say("entropy_note", { n: fmt(2 ** bits, 1), before: fmt(before) });
}

function drawStep(root, model, data) {
  const state = now(model, data), asked = root.querySelector(".asked"), inside = asked.contains(root.getRootNode().activeElement);
  drawText(root, state, data);
  if (root.getRootNode().activeElement !== root.querySelector("[name=seed]")) root.querySelector("[name=seed]").value = model.get("seed");
  root.querySelector(".asked").hidden = Boolean(state.why);
  if (state.why && inside) root.querySelector("[name=back]").focus(); // the pressed token has gone
  drawFilters(root, state, data);
  if (!state.why) { drawWheel(root, state, data); drawBars(root, state, data); }
  return stepSentence(state, data);
}

// --- the beam -------------------------------------------------------------------------------------------------

const tall = 44; // pixels a row, as in the style sheet

const starts = (tokens, start) => start.every((token, i) => token === tokens[i]);

/** The candidates that a column of the tree shows: all that count, the next few, and the greedy one. */
export function column({ candidates }, greedy) {
  let dropped = 0;
  return candidates.filter(({ state, tokens }) => state !== "dropped" || dropped++ < SHOWN || starts(greedy, tokens));
}

function drawTree(root, steps, data) {
  const { say, fmt, name, greedy } = data, columns = steps.map((step) => column(step, greedy.tokens)), height = tall * Math.max(...columns.map(({ length }) => length));
  const best = [];
  for (let one = ranking(steps.at(-1))[0]; one?.state; one = one.parent) best.push(one);
  const y = (k) => tall * (k + 0.5) - 3, star = (tokens) => starts(greedy.tokens, tokens) ? "★" : "";
  const edge = (candidate, k, before) => {
    const from = y(before ? before.indexOf(candidate.parent) : 0), to = y(k);
    return html`<path class="${candidate.state} ${best.includes(candidate) ? "best" : ""}" d="M0 ${from}C10 ${from} 9 ${to} 20 ${to}"/>`;
  };
  const bud = (candidate) => html`<li class="bud ${candidate.state} ${best.includes(candidate) ? "best" : ""}"><span>${name(candidate.tokens.at(-1))}</span><b aria-hidden="true">${SIGNS[candidate.state]}</b>
    <small>${fmt(candidate.total)}</small><b aria-hidden="true">${star(candidate.tokens)}</b><em class="unseen">${say(candidate.state)}${star(candidate.tokens) ? `, ${say("is_greedy")}` : ""}</em></li>`;
  root.querySelector(".tree").innerHTML = html`<p class="bud origin"><span>${data.write(data.prompt) || say("start")}</span></p>
    ${columns.map((shown, k) => html`<svg viewBox="0 0 20 ${height}" width="20" height="${height}" aria-hidden="true">${shown.map((candidate, i) => edge(candidate, i, columns[k - 1]))}</svg>
    <ol aria-label="${say("step")} ${k + 1}">${shown.map(bud)}</ol>`)}`;
}

function drawRanking(root, steps, alpha, data) {
  const { say, fmt, name, greedy } = data, found = ranking(steps.at(-1));
  const n = steps.length, other = { ...greedy, logs: [], state: "", score: greedy.total / greedy.tokens.length ** alpha };
  const missing = !steps.at(-1).going.length && !found.some(({ tokens }) => String(tokens) === String(greedy.tokens));
  const line = (one, k) => html`<li class="${k === 0 ? "first" : ""}"><b class="place">${one === other ? "★" : k + 1}</b><div class="chips">${one.tokens.map((token, i) => html`<span class="chip">${name(token)}${one.logs.length ? html` <small>${fmt(one.logs[i])}</small>` : ""}</span>`)}</div>
    <div class="sums">${fmt(one.total)} ÷ ${one.tokens.length}<sup>${fmt(alpha, 1)}</sup> = <b>${fmt(one.score)}</b>
    <small>${one === other ? say("is_greedy") : html`${SIGNS[one.state]} ${say(one.state)}${starts(greedy.tokens, one.tokens) ? ` · ★ ${say("is_greedy")}` : ""}`}</small></div></li>`;
  root.querySelector(".ranking").innerHTML = html`${[...found, ...(missing ? [other] : [])].map(line)}`;
}

function drawBeam(root, model, data) {
  const { say, fmt, name, separator, max_new } = data, choices = { width: model.get("width"), alpha: model.get("length_penalty") };
  const steps = beam(data.contexts, { ...choices, end: data.end, maxNew: max_new }), n = Math.min(model.get("step"), steps.length), past = steps.slice(0, n);
  setField(root, "width", choices.width, choices.width);
  setField(root, "length_penalty", choices.alpha, fmt(choices.alpha, 1));
  setField(root, "step", n, say("step_of", { n, all: steps.length }), steps.length);
  root.querySelector("[name=previous]").setAttribute("aria-disabled", n === 1);
  for (const name of ["following", "last"]) root.querySelector(`[name=${name}]`).setAttribute("aria-disabled", n === steps.length);
  drawTree(root, past, data);
  drawRanking(root, past, choices.alpha, data);
  const line = (one, k) => html`<tr><td>${k + 1}</td><td>${one.rank + 1}</td><th scope="row">${one.tokens.map(name).join(separator)}</th><td>${fmt(one.logs.at(-1))}</td><td>${fmt(one.total)}</td><td>${fmt(one.score)}</td><td>${say(one.state)}</td></tr>`;
  root.querySelector(".all").tBodies[0].innerHTML = html`${past.flatMap(({ candidates }, k) => candidates.filter(({ rank }) => rank !== undefined).map((one) => line(one, k)))}`;
  return beamSentence(steps, n, choices, data);
}

function draw(root, model, data) {
  const view = model.get("view");
  for (const tab of root.querySelectorAll(".tabs input")) tab.checked = tab.value === view;
  root.querySelector(".one").hidden = view !== "step";
  root.querySelector(".search").hidden = view !== "beam";
  const text = view === "step" ? drawStep(root, model, data) : drawBeam(root, model, data), summary = root.querySelector(".summary");
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

// --- what the reader does ---------------------------------------------------------------------------------------

/** The path with tokens drawn until the text is over. */
export function drawAll(model, data) {
  let path = model.get("path"), state;
  while ((state = now(model, data, path)).drawn) path = [...path, state.drawn.token];
  return path;
}

const ACTIONS = {
  draw: (model, data) => ({ path: [...model.get("path"), now(model, data).drawn.token] }),
  greedy: (model, data) => ({ path: [...model.get("path"), now(model, data).list[0].token] }),
  finish: (model, data) => ({ path: drawAll(model, data) }),
  back: (model) => ({ path: model.get("path").slice(0, -1) }),
  restart: () => ({ path: [] }),
  reset: () => OFF,
  previous: (_, __, step) => ({ step: step - 1 }),
  following: (_, __, step) => ({ step: step + 1 }),
  last: (_, { max_new }) => ({ step: max_new }),
};

function connect(root, model, data) {
  const step = root.querySelector("[name=step]");
  root.addEventListener("click", ({ target }) => {
    const press = target.closest("button");
    if (!press || press.getAttribute("aria-disabled") === "true") return;
    if (press.dataset.k) return save(model, { path: [...model.get("path"), now(model, data).list[press.dataset.k].token] });
    save(model, ACTIONS[press.name](model, data, Number(step.value)));
  });
  root.addEventListener("input", ({ target }) => {
    const value = Number(target.value);
    if (target.type === "radio") save(model, { view: target.value });
    else if (target.name === "top_k") save(model, { top_k: value > data.n_top ? 0 : value });
    else if (target.name === "step") save(model, { step: value === Number(target.max) ? data.max_new : value });
    else if (target.name === "seed") save(model, { seed: Math.min(Math.max(Math.round(value), 0), 9999) });
    else save(model, { [target.name]: value });
  });
}

const render = (view) => live(view, CHOICES, DATA, () => {
  const data = read(view.model), root = build(view.el, data);
  connect(root, view.model, data);
  return () => draw(root, view.model, data);
});

export default { render };
