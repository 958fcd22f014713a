// MLM playground: words of a text are masked, replaced or kept, and a small BERT, run here, says what it expects in their place.

import { html, labels, live, mount, numbers, paint, rovingGrid, save, texts, uniqueId } from "./shared.mjs";
import { chance, range } from "./next_tokens.mjs";
import { encode, softmax, unpackWeights, wordScores } from "./bert.mjs";

export const WORDS = {
  fr: {
    text: "Phrase", group_fr: "Français", group_en: "Anglais", sees: "Le modèle voit", both: "les deux côtés", left: "la gauche seule", both_head: "deux côtés", left_head: "gauche seule",
    draw: "Masquer {n} % des mots au hasard", rate: "Part choisie", percent: "{n} %", clear: "Tout remettre", read: "Ce que le modèle lit", read_note: "un clic, ou Entrée, masque un mot",
    masked: "masqué", replaced: "remplacé", kept: "gardé tel quel", guess: "le modèle : {word}, {share} %",
    change: "À la place de « {word} », le modèle lit", leave: "« {word} », et ne doit rien prédire", to_mask: "« {word} », le masque", keep: "« {word} », qu’il doit prédire quand même", other: "Un autre mot",
    answers: "Ce que le modèle met à la place", word: "Mot", place_of: "« {word} »",
    looks: "Où regarde « {word} »", looks_note: "dans chaque tête, la somme des poids est 1", layer: "Couche", head: "Tête {n}", unseen_place: "caché",
    nothing: "Rien n’est masqué : choisissez un mot de la phrase.", found: "Retrouvés : {found} sur {n}.",
    right: "« {word} » est le premier choix du modèle : {both} % avec les deux côtés, {left} % avec la gauche seule.",
    wrong: "Au lieu de « {word} », le modèle préfère « {best} » ({share} %) ; à « {word} » il donne {both} % avec les deux côtés, {left} % avec la gauche seule.",
    legend: "Au pré-entraînement de BERT, 15 % des jetons sont choisis. Le modèle doit les prédire tous :", eighty: "80 % masqués", ten_replaced: "10 % remplacés par un mot au hasard", ten_kept: "10 % gardés tels quels",
    help: "Barre pleine : ce que le modèle voit maintenant ; barre creuse : l’autre réglage. ✓ : le mot d’origine. « La gauche seule » est une ablation : le même modèle, entraîné avec les deux côtés, à qui l’on cache ce qui est à droite de chaque place. Tout est calculé dans votre navigateur, avec des poids arrondis à 8 bits.",
    table: "En tableau : toutes les places", place: "Place", original: "Origine", input: "Lu", fate: "Sort", best: "Premier choix", share: "Part",
    right_both: "Origine, deux côtés", right_left: "Origine, gauche seule",
  },
  en: {
    text: "Sentence", group_fr: "French", group_en: "English", sees: "The model sees", both: "both sides", left: "only the left", both_head: "both sides", left_head: "only left",
    draw: "Mask {n}% of the words at random", rate: "Share chosen", percent: "{n}%", clear: "Put all back", read: "What the model reads", read_note: "a click, or Enter, masks a word",
    masked: "masked", replaced: "replaced", kept: "kept as is", guess: "the model: {word}, {share}%",
    change: "In place of “{word}”, the model reads", leave: "“{word}”, and has nothing to predict", to_mask: "“{word}”, the mask", keep: "“{word}”, which it must predict all the same", other: "Another word",
    answers: "What the model puts in their place", word: "Word", place_of: "“{word}”",
    looks: "Where “{word}” looks", looks_note: "in each head, the weights sum to 1", layer: "Layer", head: "Head {n}", unseen_place: "hidden",
    nothing: "Nothing is masked: choose a word of the sentence.", found: "Found: {found} of {n}.",
    right: "“{word}” is the model’s first choice: {both}% with both sides, {left}% with only the left.",
    wrong: "Instead of “{word}”, the model prefers “{best}” ({share}%); to “{word}” it gives {both}% with both sides, {left}% with only the left.",
    legend: "In BERT’s pretraining, 15% of the tokens are chosen. The model must predict them all:", eighty: "80% masked", ten_replaced: "10% replaced by a random word", ten_kept: "10% kept as they are",
    help: "Solid bar: what the model sees now; hollow bar: the other setting. ✓: the original word. “Only the left” is an ablation: the same model, trained with both sides, from which what is on the right of each place is hidden. All is computed in your browser, with weights rounded to 8 bits.",
    table: "As a table: all places", place: "Place", original: "Original", input: "Read", fate: "Fate", best: "First choice", share: "Share",
    right_both: "Original, both sides", right_left: "Original, only left",
  },
};

const VIEWS = ["both", "left"], HEADS = { both: "both_head", left: "left_head" }, SIGNS = { masked: "▮", replaced: "⇄", kept: "=" }, SHOWN = 5;
const CHOICES = ["changes", "place", "sees", "layer", "rate", "seed"];
const DATA = ["tokens", "special", "mask_id", "texts", "starts", "languages", "sizes", "layout", "weights", "text", "lang"];

// --- what is hidden -------------------------------------------------------------------------------------------

/** The places of a text that hold words. */
export const wordPlaces = (ids, special) => range(ids.length).filter((place) => !special.includes(ids[place]));

/** A text begins with one word masked, the one that Python chose. */
export const beginning = ({ starts, mask_id }, text) => ({ changes: [[starts[text], mask_id]], place: starts[text] });

/** What becomes of a chosen place, by the id that the model reads there. */
export const fateOf = (id, original, maskId) => id === maskId ? "masked" : id === original ? "kept" : "replaced";

/**
 * BERT's draw (Devlin et al. 2019, §3.1): a share `rate` of the words, one at least; of these 80 % are masked, 10 % replaced by
 * any word of the vocabulary, 10 % kept. The same for a seed.
 */
export function drawChanges(ids, { special, mask_id, tokens }, rate, seed) {
  const words = wordPlaces(ids, special), ordinary = range(tokens.length).filter((id) => !special.includes(id));
  const lots = range(3).map((k) => words.map((place) => chance(seed, 3 * place + k))); // for the choice, the fate, the word
  const order = range(words.length).sort((a, b) => lots[0][a] - lots[0][b]).slice(0, Math.max(1, Math.round(rate * words.length)));
  const read = (k) => lots[1][k] < 0.8 ? mask_id : lots[1][k] < 0.9 ? ordinary[Math.floor(lots[2][k] * ordinary.length)] : ids[words[k]];
  return order.map((k) => [words[k], read(k)]).sort((a, b) => a[0] - b[0]);
}

/** The words at a place from the likeliest down: {id, rank, shares: {both, left}}, ordered by what the model `sees`. */
export function ranking5(shares, sees, original) {
  const order = range(shares[sees].length).sort((a, b) => shares[sees][b] - shares[sees][a]);
  const item = (rank) => ({ id: order[rank], rank, shares: Object.fromEntries(VIEWS.map((view) => [view, shares[view][order[rank]]])) });
  const at = order.indexOf(original), list = range(Math.min(SHOWN, order.length)).map(item);
  return at < SHOWN ? list : [...list, item(at)];
}

// --- what the model says --------------------------------------------------------------------------------------

const visible = (token) => token.replace(/^ +| +$/g, (blanks) => "␣".repeat(blanks.length)) || "∅";

function read(model) {
  const lang = model.get("lang"), data = Object.fromEntries(DATA.map((name) => [name, model.get(name)]));
  const ids = data.texts[data.text], weights = unpackWeights(data.weights, data.layout);
  return { ...data, ids, weights, words: wordPlaces(ids, data.special), names: labels(ids.map((id) => visible(data.tokens[id]))), say: texts(WORDS, lang), fmt: numbers(lang) };
}

/** Everything that is shown, from the reader's choices. */
function now(model, data) {
  const { ids, words, weights, sizes, special, mask_id } = data, sees = model.get("sees");
  const changes = new Map(model.get("changes").filter(([place]) => words.includes(place))), inputs = ids.map((id, place) => changes.get(place) ?? id);
  const passes = Object.fromEntries(VIEWS.map((view) => [view, encode(weights, inputs, sizes, view)]));
  const answers = [...changes].map(([place, id]) => {
    const shares = Object.fromEntries(VIEWS.map((view) => [view, softmax(wordScores(weights, passes[view].xs[place], sizes))]));
    const list = ranking5(shares, sees, ids[place]);
    return { place, fate: fateOf(id, ids[place], mask_id), list, best: list[0], right: list.find((item) => item.id === ids[place]) };
  });
  const place = Math.min(model.get("place"), ids.length - 1), layer = Math.min(model.get("layer"), sizes.n_layer - 1);
  return { sees, changes, inputs, answers, place, layer, looks: passes[sees].looks[layer], readNames: labels(inputs.map((id) => visible(data.tokens[id]))) };
}

const percentOf = ({ fmt }, digits = 1) => (share) => fmt(100 * share, digits);

export function sentence({ answers, place, sees }, data) {
  const { say, fmt, names, tokens } = data, percent = percentOf(data);
  if (!answers.length) return say("nothing");
  const { best, right, place: at } = answers.find((answer) => answer.place === place) ?? answers[0];
  const found = answers.filter((answer) => answer.best === answer.right).length;
  const values = { word: names[at], best: visible(tokens[best.id]), share: percent(best.shares[sees]), both: percent(right.shares.both), left: percent(right.shares.left) };
  return `${say("found", { found: fmt(found, 0), n: fmt(answers.length, 0) })} ${say(best === right ? "right" : "wrong", values)}`;
}

// --- the page -------------------------------------------------------------------------------------------------

function build(el, data) {
  const { say, lang, ids, names, tokens, special, mask_id, sizes, fmt, languages, text } = data, id = uniqueId();
  const replacements = range(tokens.length).filter((token) => !special.includes(token)).sort((a, b) => new Intl.Collator(lang).compare(tokens[a], tokens[b]));
  const written = (text) => text.filter((token) => !special.includes(token)).map((token) => visible(tokens[token])).join(" ");
  const group = (key, language) => html`<optgroup label="${say(key)}">${data.texts.map((text, k) => languages[k] === language ? html`<option value="${k}">${written(text)}</option>` : "")}</optgroup>`;
  const tab = (view) => html`<label><input type="radio" name="${id}-sees" value="${view}"><span>${say(view)}</span></label>`;
  const word = (place) => html`<td role="gridcell" data-i="0" data-j="${place}" tabindex="-1"></td>`;
  const sample = (fate, key) => html`<li><b class="chip ${fate}">${SIGNS[fate]}</b> ${say(key)}</li>`;
  const heads = range(sizes.n_head).map((h) => html`<th scope="col">${say("head", { n: h + 1 })}</th>`);
  return mount(el, "mlm", lang, html`
    <div class="controls"><label class="which">${say("text")} <select name="text">${group("group_fr", "fr")}${group("group_en", "en")}</select></label>
      <fieldset class="tabs"><legend>${say("sees")}</legend>${VIEWS.map(tab)}</fieldset></div>
    <div class="controls"><button type="button" name="draw"></button>
      <label>${say("rate")} <input name="rate" type="range" min="0.15" max="0.9" step="0.15"><output></output></label>
      <button type="button" name="clear">${say("clear")}</button></div>
    <p class="summary" role="status" aria-live="polite"></p>
    <p class="title" id="${id}-read">${say("read")} <small>${say("read_note")}</small></p>
    <table role="grid" class="read" aria-labelledby="${id}-read" lang="${languages[text]}"><tbody role="rowgroup"><tr role="row">${ids.map((_, place) => word(place))}</tr></tbody></table>
    <label class="change"><span></span> <select name="change"><option value="leave"></option><option value="${mask_id}">${say("to_mask", { word: visible(tokens[mask_id]) })}</option>
      <option value="keep"></option><optgroup label="${say("other")}">${replacements.map((token) => html`<option value="${token}">${visible(tokens[token])}</option>`)}</optgroup></select></label>
    <div class="sides"><div><p class="title" id="${id}-answers">${say("answers")}</p><div class="cards" role="group" aria-labelledby="${id}-answers"></div></div>
      <div><div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-looks"><table class="looks"><caption id="${id}-looks"><span></span> <small>${say("looks_note")}</small></caption>
        <thead><tr><td></td>${heads}</tr></thead><tbody>${ids.map(() => html`<tr><th scope="row"></th>${heads.map(() => html`<td></td>`)}</tr>`)}</tbody></table></div>
        <label class="layers">${say("layer")} <select name="layer">${range(sizes.n_layer).map((k) => html`<option value="${k}">${fmt(k + 1, 0)}</option>`)}</select></label></div></div>
    <p class="help">${say("legend")}</p><ul class="fates">${sample("masked", "eighty")}${sample("replaced", "ten_replaced")}${sample("kept", "ten_kept")}</ul>
    <p class="help">${say("help")}</p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="all">
      <thead><tr>${["place", "original", "input", "fate", "best", "share", "right_both", "right_left"].map((key) => html`<th scope="col">${say(key)}</th>`)}</tr></thead><tbody></tbody></table></div></details>`);
}

function drawControls(root, model, { sees, changes, place, layer }, { say, fmt, ids, names, text, words }) {
  const field = (name) => root.querySelector(`[name="${name}"]`), rate = fmt(100 * model.get("rate"), 0), change = field("change");
  field("text").value = text;
  root.querySelector(`.tabs [value="${sees}"]`).checked = true;
  field("draw").textContent = say("draw", { n: rate });
  field("rate").value = model.get("rate");
  field("rate").nextElementSibling.textContent = say("percent", { n: rate });
  field("rate").setAttribute("aria-valuetext", say("percent", { n: rate }));
  field("clear").setAttribute("aria-disabled", !changes.size); // disabled, it would drop the focus
  field("layer").value = layer;
  root.querySelector(".layers").hidden = field("layer").options.length === 1;
  change.closest("label").hidden = !words.includes(place);
  change.previousElementSibling.textContent = say("change", { word: names[place] });
  change.options[0].textContent = say("leave", { word: names[place] });
  change.options[2].textContent = say("keep", { word: names[place] });
  const id = changes.get(place);
  change.value = id === undefined ? "leave" : id === ids[place] ? "keep" : id;
}

function drawText(root, { inputs, answers, place: chosen, sees }, data) {
  const { say, ids, words, tokens } = data, percent = percentOf(data, 0);
  [...root.querySelectorAll(".read td")].forEach((cell, place) => {
    const answer = answers.find((other) => other.place === place), token = visible(tokens[inputs[place]]);
    cell.className = answer ? answer.fate : words.includes(place) ? "plain" : "special";
    cell.classList.toggle("here", place === chosen);
    cell.tabIndex = place === chosen ? 0 : -1;
    cell.setAttribute("aria-selected", Boolean(answer));
    const values = answer && { word: visible(tokens[answer.best.id]), share: percent(answer.best.shares[sees]) };
    cell.innerHTML = answer ? html`<small class="origin"><s>${answer.fate === "kept" ? "" : visible(tokens[ids[place]])}</s><span class="unseen" lang="${data.lang}">${say(answer.fate)}</span></small>
      <b class="chip ${answer.fate}"><i aria-hidden="true">${SIGNS[answer.fate]}</i> ${token}</b>
      <small class="guess" lang="${data.lang}"><span class="unseen">${say("guess", values)}</span><span aria-hidden="true">${answer.best === answer.right ? "✓" : "✗"} ${values.word} ${say("percent", { n: values.share })}</span></small>`
      : html`<small class="origin"></small><b class="chip">${token}</b><small class="guess"></small>`;
  });
}

function card({ place, fate, list, right }, { sees, place: chosen, answers }, data) {
  const { say, tokens, names } = data, percent = percentOf(data), other = VIEWS.find((view) => view !== sees);
  const most = Math.max(...answers.flatMap((answer) => answer.list.flatMap(({ shares }) => Object.values(shares)))); // one scale for all the cards
  const bar = (share) => html`<i style="width: ${(100 * share / most).toFixed(1)}%"></i>`;
  const line = (item) => html`<tr class="${item === right ? "right" : ""}"><th scope="row"><small>${item.rank + 1}.</small> ${visible(tokens[item.id])}${item === right ? " ✓" : ""}</th>
    <td class="pair">${bar(item.shares[sees])}${bar(item.shares[other])}</td>${VIEWS.map((view) => html`<td class="${view === sees ? "now" : ""}">${say("percent", { n: percent(item.shares[view]) })}</td>`)}</tr>`;
  return html`<div class="answer ${place === chosen ? "here" : ""}"><table class="bars"><caption><b class="chip ${fate}" aria-hidden="true">${SIGNS[fate]}</b> ${say("place_of", { word: names[place] })} <small>${say(fate)}</small></caption>
    <thead><tr><th scope="col">${say("word")}</th><td></td>${VIEWS.map((view) => html`<th scope="col" class="${view === sees ? "now" : ""}">${say(HEADS[view])}</th>`)}</tr></thead>
    <tbody>${list.map(line)}</tbody></table></div>`;
}

function drawLooks(root, { looks, place, readNames, sees }, { say, fmt }) {
  const table = root.querySelector(".looks");
  table.caption.firstChild.textContent = say("looks", { word: readNames[place] });
  [...table.tBodies[0].rows].forEach((row, j) => {
    const [name, ...cells] = row.cells, hidden = sees === "left" && j > place;
    name.textContent = readNames[j];
    row.className = j === place ? "chosen" : "";
    cells.forEach((cell, h) => {
      cell.className = hidden ? "blocked" : "";
      cell.removeAttribute("style");
      cell.innerHTML = hidden ? html`<span class="unseen">${say("unseen_place")}</span>` : fmt(looks[h][place][j]);
      if (!hidden) paint(cell, looks[h][place][j]);
    });
  });
}

function drawTable(root, { inputs, answers, sees }, data) {
  const { say, fmt, ids, tokens } = data, percent = percentOf(data), cell = (text) => html`<td>${text}</td>`;
  const line = (id, place) => {
    const answer = answers.find((other) => other.place === place), share = (item, view) => say("percent", { n: percent(item.shares[view]) });
    const said = answer ? [say(answer.fate), visible(tokens[answer.best.id]), share(answer.best, sees), ...VIEWS.map((view) => share(answer.right, view))] : ["–", "–", "–", "–", "–"];
    return html`<tr><td>${fmt(place + 1, 0)}</td><th scope="row">${visible(tokens[id])}</th>${cell(visible(tokens[inputs[place]]))}${said.map(cell)}</tr>`;
  };
  root.querySelector(".all tbody").innerHTML = html`${ids.map(line)}`;
}

function draw(root, model, data) {
  const state = now(model, data), text = sentence(state, data), summary = root.querySelector(".summary");
  drawControls(root, model, state, data);
  drawText(root, state, data);
  root.querySelector(".cards").innerHTML = html`${state.answers.map((answer) => card(answer, state, data))}`;
  root.querySelector(".cards").parentElement.hidden = !state.answers.length;
  drawLooks(root, state, data);
  drawTable(root, state, data);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

// --- what the reader does ---------------------------------------------------------------------------------------

/** The changes with another one at a place; without an id, none there. */
export function changed(changes, place, id) {
  const others = changes.filter(([other]) => other !== place);
  return id === undefined ? others : [...others, [place, id]].sort((a, b) => a[0] - b[0]);
}

function connect(root, model, data) {
  const { ids, words, mask_id } = data;
  const put = (place, id) => save(model, { changes: changed(model.get("changes"), place, id) });
  rovingGrid(root.querySelector(".read"), {
    onFocus: (_, place) => save(model, { place }),
    onPress: (_, place) => words.includes(place) && put(place, model.get("changes").some(([other]) => other === place) ? undefined : mask_id),
  });
  root.addEventListener("input", ({ target: { name, type, value } }) => {
    if (type === "radio") save(model, { sees: value });
    else if (name === "text") save(model, { ...beginning(data, value), text: Number(value) });
    else if (name === "rate") save(model, { rate: Number(value) });
    else if (name === "layer") save(model, { layer: Number(value) });
    else if (name === "change") put(model.get("place"), value === "leave" ? undefined : value === "keep" ? ids[model.get("place")] : Number(value));
  });
  root.querySelector("[name=clear]").addEventListener("click", () => save(model, { changes: [] }));
  root.querySelector("[name=draw]").addEventListener("click", () => {
    const seed = model.get("seed") + 1, changes = drawChanges(ids, data, model.get("rate"), seed);
    save(model, { seed, changes, place: changes[0][0] });
  });
}

const render = (view) => live(view, CHOICES, DATA, () => {
  const data = read(view.model), root = build(view.el, data);
  connect(root, view.model, data);
  return () => draw(root, view.model, data);
});

export default { render };
