// Three modes of pretraining: the same sentence in BERT, T5 and GPT; whom each place may depend on, and what it must predict.

import { html, labels, live, mount, numbers, save, texts, uniqueId } from "./shared.mjs";
import { architecture, relations } from "./architecture.mjs";

export const WORDS = {
  fr: {
    words: "Un mot, dans les trois modes", masked: "BERT masque", layers: "Couches", decoder: "Décodeur seul",
    causal: "causal : GPT", prefix: "à préfixe : l’entre-deux", window: "à fenêtre : les derniers jetons",
    size_prefix: "Préfixe", size_window: "Fenêtre",
    layer_one: "{n} couche", layer_other: "{n} couches", token_one: "{n} jeton", token_other: "{n} jetons",
    title_encoder: "Encodeur seul : BERT", title_both: "Encodeur–décodeur : T5", title_causal: "Décodeur seul : GPT",
    title_prefix: "Décodeur seul, à préfixe", title_window: "Décodeur seul, à fenêtre",
    note_encoder: "chacun voit tout le monde", note_both: "la source se voit toute ; la cible voit la source et son passé",
    note_causal: "chacun voit son passé", note_prefix: "le préfixe se voit tout ; la suite voit son passé", note_window: "chacun voit les derniers jetons",
    encoder: "encodeur", decoder_part: "décodeur", predicts: "prédit", nothing: "rien",
    depends: "Peut dépendre de", must: "Doit prédire", of: "{seen} sur {n}.", part: "Source : {source}", parts: "Source : {source} ; cible : {target}",
    is_masked: "« {target} », le mot caché : il lit à gauche et à droite.", is_next: "« {target} », le jeton suivant.",
    is_written: "« {target} », le jeton suivant de la cible.",
    not_masked: "Rien : seuls les mots masqués sont prédits.", only_read: "Rien : l’encodeur lit, le décodeur prédit.",
    given: "Rien : le préfixe est donné.", is_last: "Rien : la phrase est finie.",
    summary: "« {token} », après {layers} : il peut dépendre de {encoder} jetons sur {n} dans BERT, de {both} sur {nBoth} dans T5, de {decoder} sur {n} dans {name}.",
    name_causal: "GPT", name_prefix: "le décodeur à préfixe", name_window: "le décodeur à fenêtre",
    closed: "Empiler des couches n’ouvre rien de plus : aucun détour ne mène à une case fermée.",
    opened: "À travers la fenêtre, {layers} mènent à {more} de plus qu’une seule.",
    cell_open: "oui", cell_far: "oui, par {n} couches", cell_closed: "non",
    legend_open: "dépend directement", legend_far: "à travers 2, 3 ou 4 couches", legend_closed: "ne dépend pas",
    axes: "ligne : qui lit ; colonne : qui est lu", start: "⟨s⟩ : début de la cible ; ⟨X⟩, ⟨Y⟩… : ce que T5 a retiré",
    costs: "Ce qu’un texte fait apprendre", mode: "mode", connections: "connexions par couche", predictions: "prédictions",
    here: "cette phrase", long: "un texte de {n} jetons", rule_encoder: "15 % des jetons, en moyenne",
    rule_both: "la longueur de la cible", rule_decoder: "tous les jetons sauf le premier", rule_prefix: "tout ce qui suit le préfixe",
    lesson: "Une connexion : une place en lit une autre. Dans le texte long, T5 retire 15 % des jetons, par morceaux de 3 en moyenne ; dans la phrase, ce qui est dessiné. Un décodeur apprend de presque chaque jeton, BERT d’un sur sept environ.",
    table: "En tableau : chaque place, de quoi elle dépend, ce qu’elle prédit", place: "place",
  },
  en: {
    words: "One word, in the three modes", masked: "BERT masks", layers: "Layers", decoder: "Decoder-only",
    causal: "causal: GPT", prefix: "with a prefix: the in-between", window: "with a window: the last tokens",
    size_prefix: "Prefix", size_window: "Window",
    layer_one: "{n} layer", layer_other: "{n} layers", token_one: "{n} token", token_other: "{n} tokens",
    title_encoder: "Encoder-only: BERT", title_both: "Encoder–decoder: T5", title_causal: "Decoder-only: GPT",
    title_prefix: "Decoder-only, with a prefix", title_window: "Decoder-only, with a window",
    note_encoder: "everyone sees everyone", note_both: "the source sees itself whole; the target sees the source and its past",
    note_causal: "each sees its past", note_prefix: "the prefix sees itself whole; the rest sees its past", note_window: "each sees the last tokens",
    encoder: "encoder", decoder_part: "decoder", predicts: "predicts", nothing: "nothing",
    depends: "May depend on", must: "Must predict", of: "{seen} out of {n}.", part: "Source: {source}", parts: "Source: {source}; target: {target}",
    is_masked: "“{target}”, the hidden word: it reads left and right.", is_next: "“{target}”, the next token.",
    is_written: "“{target}”, the next token of the target.",
    not_masked: "Nothing: only masked words are predicted.", only_read: "Nothing: the encoder reads, the decoder predicts.",
    given: "Nothing: the prefix is given.", is_last: "Nothing: the sentence is over.",
    summary: "“{token}”, after {layers}: it may depend on {encoder} tokens out of {n} in BERT, on {both} out of {nBoth} in T5, on {decoder} out of {n} in {name}.",
    name_causal: "GPT", name_prefix: "the decoder with a prefix", name_window: "the decoder with a window",
    closed: "Stacking layers opens nothing more: no detour leads to a closed place.",
    opened: "Through the window, {layers} lead to {more} more than a single one.",
    cell_open: "yes", cell_far: "yes, through {n} layers", cell_closed: "no",
    legend_open: "depends directly", legend_far: "through 2, 3 or 4 layers", legend_closed: "does not depend",
    axes: "row: who reads; column: who is read", start: "⟨s⟩: start of the target; ⟨X⟩, ⟨Y⟩…: what T5 took out",
    costs: "What a text teaches", mode: "mode", connections: "connections per layer", predictions: "predictions",
    here: "this sentence", long: "a text of {n} tokens", rule_encoder: "15% of the tokens, on average",
    rule_both: "the length of the target", rule_decoder: "all tokens but the first", rule_prefix: "all that follows the prefix",
    lesson: "A connection: a place reads another. In the long text, T5 takes out 15% of the tokens, in pieces of 3 on average; in the sentence, what is drawn. A decoder learns from nearly every token, BERT from about one in seven.",
    table: "As a table: each place, what it depends on, what it predicts", place: "place",
  },
};

const CHOICES = ["masked", "focus", "layers", "decoder", "prefix", "window"];
const SENTINELS = "XYZUVW", MASK = "[MASK]", START = "⟨s⟩", LONG = 512; // tokens of the long text
const RATE = 0.15, SPAN = 3; // BERT's and T5's rate; the mean length of T5's spans

// --- what is shown: pure functions, compared with Python's ------------------------------------------------

/** T5's source and target: {text, word}, where a sentinel is of no word (−1). */
export function corrupted(tokens, spans) {
  const place = (word) => ({ text: tokens[word], word }), sentinel = (k) => ({ text: `⟨${SENTINELS[k]}⟩`, word: -1 });
  const source = tokens.flatMap((_, word) => {
    const k = spans.findIndex(([start, end]) => start <= word && word < end);
    return k < 0 ? [place(word)] : word === spans[k][0] ? [sentinel(k)] : [];
  });
  const target = spans.flatMap(([start, end], k) => [sentinel(k), ...tokens.slice(start, end).map((_, i) => place(start + i))]);
  return { source, target: [...target, sentinel(spans.length)] };
}

/**
 * A mode's places in order: their `tokens`, the `words` they hold (−1: none), who sees whom in one layer (`allowed`), the `targets`
 * (null: nothing is asked), and how many places are the `source` of an encoder.
 */
function scene(kind, tokens, words, targets, { source = [], size = 0 } = {}) {
  const found = architecture(kind, tokens, source, size), nSource = kind === "full" ? tokens.length : source.length;
  const shown = kind === "encoder-decoder" ? [...labels(source), ...labels(tokens)] : found.tokens; // a sentinel is once in each part
  return { tokens: shown, words, targets, nSource, allowed: found.tokens.map((_, place) => relations(found, place).sees) };
}

export function modes({ tokens, spans, masked, decoder, size }) {
  const all = tokens.map((_, word) => word), { source, target } = corrupted(tokens, spans);
  const read = [{ text: START, word: -1 }, ...target.slice(0, -1)], first = decoder === "prefix" ? size - 1 : 0;
  const [texts, words] = ["text", "word"].map((key) => (places) => places.map((place) => place[key]));
  return {
    encoder: scene("full", tokens.with(masked, MASK), all, tokens.map((token, word) => word === masked ? token : null)),
    both: scene("encoder-decoder", texts(read), words([...source, ...read]), [...source.map(() => null), ...texts(target)], { source: texts(source) }),
    decoder: scene(decoder, tokens, all, tokens.map((_, word) => word >= first ? tokens[word + 1] ?? null : null), { size }),
  };
}

/** Through how many layers each place may depend on each other one, at most `layers`; 0 when no path leads there. */
export function hops(allowed, layers) {
  let found = allowed.map((row) => row.map(Number));
  for (let n = 2; n <= layers; n++) {
    found = found.map((row) => row.map((least, j) => least || (row.some((by, k) => by && allowed[k][j]) ? n : 0)));
  }
  return found;
}

/** Where a word is in a mode: among T5's places, in the source or, when it was taken out, in the target. */
export const placeOf = ({ words }, word) => words.indexOf(word);

const count = (rows) => rows.flat().filter(Boolean).length;

/** Connections in one layer and predictions of a text: this sentence's, or those of a text of n tokens under the same rules. */
export function costs(name, { allowed, targets }, n, { decoder, size }) {
  const asked = targets.filter((target) => target !== null).length;
  const triangle = (side) => side * (side + 1) / 2;
  const here = { connections: count(allowed), predictions: name === "encoder" ? RATE * targets.length : asked };
  if (name === "encoder") return { here, long: { connections: n * n, predictions: RATE * n } };
  if (name === "both") {
    const gone = Math.round(RATE * n), spans = Math.max(1, Math.round(gone / SPAN)), source = n - gone + spans, target = gone + spans + 1;
    return { here, long: { connections: source * source + target * source + triangle(target), predictions: target } };
  }
  const connections = decoder === "window" ? triangle(size) + (n - size) * size : triangle(n) + (decoder === "prefix" ? triangle(size - 1) : 0);
  return { here, long: { connections, predictions: n - (decoder === "prefix" ? size : 1) } };
}

function read(model) {
  const [tokens, spans, masked, focus, layers, decoder] = ["tokens", "spans", "masked", "focus", "layers", "decoder"].map((name) => model.get(name));
  const size = decoder === "causal" ? 0 : model.get(decoder), scenes = modes({ tokens, spans, masked, decoder, size });
  const reached = Object.fromEntries(Object.entries(scenes).map(([name, { allowed }]) => [name, hops(allowed, layers)]));
  return { tokens: labels(tokens), masked, focus, layers, decoder, size, scenes, reached };
}

// --- in words ---------------------------------------------------------------------------------------------

const LAYERS = ["layer_one", "layer_other"], TOKENS = ["token_one", "token_other"];
const quantity = ([one, other], n, { say, fmt, plural }) => say(plural.select(n) === "one" ? one : other, { n: fmt(n, 0) });

const TITLES = { encoder: "title_encoder", both: "title_both", causal: "title_causal", prefix: "title_prefix", window: "title_window" };
const NOTES = { encoder: "note_encoder", both: "note_both", causal: "note_causal", prefix: "note_prefix", window: "note_window" };
const NAMES = { causal: "name_causal", prefix: "name_prefix", window: "name_window" };
const SIZES = { prefix: "size_prefix", window: "size_window" };

/** How a mode is called: the decoder by its mask. */
const called = (name, decoder) => name === "decoder" ? decoder : name;

/** The chosen word in one sentence: how much it may depend on in each mode, and what depth changes. */
export function sentence({ tokens, focus, layers, decoder, scenes, reached }, voice) {
  const { say, fmt } = voice, seen = (name, least = layers) => reached[name][placeOf(scenes[name], focus)].filter((n) => n && n <= least).length;
  const found = Object.fromEntries(Object.keys(scenes).map((name) => [name, fmt(seen(name), 0)]));
  const deep = quantity(LAYERS, layers, voice), more = seen("decoder") - seen("decoder", 1);
  const values = { token: tokens[focus], layers: deep, n: fmt(tokens.length, 0), nBoth: fmt(scenes.both.tokens.length, 0), name: say(NAMES[decoder]) };
  const depth = layers === 1 ? "" : more ? say("opened", { layers: deep, more: quantity(TOKENS, more, voice) }) : say("closed");
  return `${say("summary", { ...values, ...found })} ${depth}`.trim();
}

/** What a place must predict, and why nothing is asked of the others. */
export function task(name, { targets, nSource, tokens }, place, { decoder, size }, say) {
  const target = targets[place];
  if (target !== null) return say({ encoder: "is_masked", both: "is_written", decoder: "is_next" }[name], { target });
  if (name === "encoder") return say("not_masked");
  if (place < nSource) return say("only_read");
  return say(decoder === "prefix" && place < size - 1 && place < tokens.length - 1 ? "given" : "is_last");
}

// --- the page ---------------------------------------------------------------------------------------------

function controls(view, say, id) {
  const { tokens, masked } = view, n = tokens.length;
  const word = (token, i) => html`<label><input type="radio" name="${id}-focus" value="${i}"><span>${token}</span></label>`;
  const size = (kind) => html`<label data-for="${kind}">${say(SIZES[kind])} <input name="${kind}" type="range" min="1" max="${n}" step="1"><output></output></label>`;
  return html`<div class="controls"><span class="words" role="radiogroup" aria-labelledby="${id}-words"><span id="${id}-words">${say("words")}</span>${tokens.map(word)}</span></div>
    <div class="controls">
    <label>${say("layers")} <input name="layers" type="range" min="1" max="4" step="1"><output></output></label>
    <label>${say("masked")} <select name="masked">${tokens.map((token, i) => html`<option value="${i}">${token}</option>`)}</select></label>
    <label>${say("decoder")} <select name="decoder">${["causal", "prefix", "window"].map((kind) => html`<option value="${kind}">${say(kind)}</option>`)}</select></label>
    ${size("prefix")}${size("window")}</div>`;
}

/** One mode: the grid, a row a place, with what the row must predict at its end; under it, the chosen word in words. */
function panel(name, { tokens, words, nSource }, say) {
  const part = (key, from, to) => html`<tbody>${tokens.slice(from, to).map((token, i) => html`<tr data-word="${words[from + i]}">
    ${i ? "" : html`<th scope="rowgroup" class="part" rowspan="${to - from}"><span>${say(key)}</span></th>`}<th scope="row">${token}</th>
    ${tokens.map((_, j) => html`<td class="${j === nSource && nSource ? "first-read" : ""}"><span class="unseen"></span></td>`)}<td class="target"></td></tr>`)}</tbody>`;
  return html`<section data-mode="${name}"><div class="scroll" role="group" tabindex="0"><table>
    <caption><b></b> <small></small></caption>
    <thead><tr><td colspan="2"></td>${tokens.map((token) => html`<th scope="col"><span>${token}</span></th>`)}<th scope="col" class="target">${say("predicts")}</th></tr></thead>
    ${nSource ? part("encoder", 0, nSource) : ""}${nSource < tokens.length ? part("decoder_part", nSource, tokens.length) : ""}</table></div>
    <dl><dt>${say("depends")}</dt><dd></dd><dt>${say("must")}</dt><dd></dd></dl></section>`;
}

function costTable(say, fmt) {
  const row = (name) => html`<tr data-cost="${name}"><th scope="row"><span></span> <small></small></th><td></td><td></td><td></td><td></td><td class="gauge" aria-hidden="true"><i></i></td></tr>`;
  return html`<div class="scroll" role="group" tabindex="0" aria-label="${say("costs")}"><table class="costs"><caption>${say("costs")}</caption>
    <thead><tr><td></td><th scope="colgroup" colspan="2">${say("here")}</th><th scope="colgroup" colspan="3">${say("long", { n: fmt(LONG, 0) })}</th></tr>
      <tr><th scope="col">${say("mode")}</th>${["connections", "predictions", "connections"].map((key) => html`<th scope="col">${say(key)}</th>`)}<th scope="col" colspan="2">${say("predictions")}</th></tr></thead>
    <tbody>${["encoder", "both", "decoder"].map(row)}</tbody></table></div><p class="help">${say("lesson")}</p>`;
}

function build(el, model, { say, fmt }) {
  const id = uniqueId(), view = read(model);
  return mount(el, "modes", model.get("lang"), html`${controls(view, say, id)}
    <p class="summary" role="status" aria-live="polite"></p>
    <div class="panels">${Object.entries(view.scenes).map(([name, found]) => panel(name, found, say))}</div>
    <p class="legend"><span><i class="open"></i> ${say("legend_open")}</span> <span><i class="deep">2</i> ${say("legend_far")}</span>
      <span><i class="blocked"></i> ${say("legend_closed")}</span> <span>${say("axes")}</span> <span>${say("start")}</span></p>
    ${costTable(say, fmt)}
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="places">
      <thead><tr>${["mode", "place", "depends", "must"].map((key) => html`<th scope="col">${say(key)}</th>`)}</tr></thead><tbody></tbody></table></div></details>`);
}

function drawControls(root, model, view, voice) {
  root.querySelector(`.words input[value="${view.focus}"]`).checked = true;
  for (const name of ["layers", "masked", "decoder", "prefix", "window"]) {
    const field = root.querySelector(`[name="${name}"]`), value = model.get(name);
    field.value = value;
    if (field.type !== "range") continue;
    field.nextElementSibling.textContent = voice.fmt(value, 0);
    field.setAttribute("aria-valuetext", quantity(name === "layers" ? LAYERS : TOKENS, value, voice));
    field.parentElement.hidden = name !== "layers" && name !== view.decoder;
  }
}

/** The names that a row reaches, in order; T5's source and target apart. */
function names(name, { tokens, nSource }, row, say) {
  const [source, target] = [0, 1].map((part) => tokens.filter((_, j) => row[j] && Number(j >= nSource) === part).join(", "));
  return name !== "both" ? source || target : target ? say("parts", { source, target }) : say("part", { source });
}

function drawPanel(section, view, { say, fmt }) {
  const name = section.dataset.mode, found = view.scenes[name], reached = view.reached[name], place = placeOf(found, view.focus);
  const [title, note] = section.querySelector("caption").children, mode = called(name, view.decoder);
  title.textContent = say(TITLES[mode]);
  note.textContent = say(NOTES[mode]);
  section.querySelector(".scroll").setAttribute("aria-label", title.textContent);
  section.querySelectorAll("thead th[scope=col]:not(.target) span").forEach((head, j) => { head.textContent = found.tokens[j]; });
  section.querySelectorAll("tbody tr").forEach((row, i) => {
    row.classList.toggle("chosen", i === place);
    row.querySelector("th[scope=row]").textContent = found.tokens[i];
    row.querySelectorAll("td:not(.target)").forEach((cell, j) => {
      const n = reached[i][j], first = cell.classList.contains("first-read");
      cell.className = `${n > 1 ? "deep" : n ? "open" : "blocked"}${first ? " first-read" : ""}`;
      cell.firstChild.textContent = say(n > 1 ? "cell_far" : n ? "cell_open" : "cell_closed", { n });
      cell.dataset.n = n;
    });
    const target = row.querySelector(".target");
    target.innerHTML = found.targets[i] === null ? html`<span class="unseen">${say("nothing")}</span>` : html`${found.targets[i]}`;
    target.classList.toggle("asked", found.targets[i] !== null);
  });
  const [depends, must] = section.querySelectorAll("dd"), seen = reached[place].filter(Boolean).length;
  depends.innerHTML = html`<b>${say("of", { seen: fmt(seen, 0), n: fmt(found.tokens.length, 0) })}</b> ${names(name, found, reached[place], say)}`;
  must.textContent = task(name, found, place, view, say);
  must.classList.toggle("asked", found.targets[place] !== null);
}

function drawCosts(root, view, { say, fmt }) {
  const rules = { encoder: "rule_encoder", both: "rule_both", decoder: view.decoder === "prefix" ? "rule_prefix" : "rule_decoder" };
  for (const row of root.querySelectorAll("[data-cost]")) {
    const name = row.dataset.cost, { here, long } = costs(name, view.scenes[name], LONG, view);
    row.cells[0].firstChild.textContent = say(TITLES[called(name, view.decoder)]);
    row.cells[1].textContent = fmt(here.connections, 0);
    row.cells[2].textContent = fmt(here.predictions, Number.isInteger(here.predictions) ? 0 : 2);
    row.cells[3].textContent = fmt(long.connections, 0);
    row.cells[4].textContent = fmt(long.predictions, 0);
    row.querySelector("i").style.width = `${100 * long.predictions / LONG}%`;
    row.querySelector("small").textContent = say(rules[name]);
  }
}

function drawTable(root, view, { say }) {
  root.querySelector(".places tbody").innerHTML = html`${Object.entries(view.scenes).flatMap(([name, found]) => found.tokens.map((token, i) =>
    html`<tr><td>${say(TITLES[called(name, view.decoder)])}</td><th scope="row">${token}</th><td>${names(name, found, view.reached[name][i], say)}</td><td>${task(name, found, i, view, say)}</td></tr>`))}`;
}

function draw(root, model, voice) {
  const view = read(model), summary = root.querySelector(".summary"), text = sentence(view, voice);
  drawControls(root, model, view, voice);
  root.querySelectorAll("[data-mode]").forEach((section) => drawPanel(section, view, voice));
  drawCosts(root, view, voice);
  drawTable(root, view, voice);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

function connect(root, model) {
  root.addEventListener("input", ({ target }) => {
    if (target.type === "radio") save(model, { focus: Number(target.value) });
    else save(model, { [target.name]: target.name === "decoder" ? target.value : Number(target.value) });
  });
  root.addEventListener("click", ({ target }) => { // a row that holds a word chooses it; the keyboard has the words above
    const word = Number(target.closest("[data-word]")?.dataset.word ?? -1);
    if (word >= 0) save(model, { focus: word });
  });
}

const render = (view) => live(view, CHOICES, ["tokens", "spans", "lang"], () => {
  const lang = view.model.get("lang"), voice = { say: texts(WORDS, lang), fmt: numbers(lang), plural: new Intl.PluralRules(lang) };
  const root = build(view.el, view.model, voice);
  connect(root, view.model);
  return () => draw(root, view.model, voice);
});

export default { render };
