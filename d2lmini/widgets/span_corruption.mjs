// Span corruption: words dropped from a sentence, one sentinel a span; the encoder's input, the decoder's target, and the way back.

import { html, live, mount, numbers, rovingGrid, save, texts, uniqueId } from "./shared.mjs";
import { chance, range, tally } from "./next_tokens.mjs";

export const WORDS = {
  fr: {
    sentence: "Phrase", own: "votre phrase", group_fr: "en français", group_en: "en anglais",
    rate: "Part à retirer", mean_length: "Longueur moyenne d’un passage", draw: "Tirer au sort", percent: "{n} %",
    one_word: "{n} mot", many_words: "{n} mots", one_gone: "{n} mot retiré", many_gone: "{n} mots retirés", one_span: "{n} passage", many_spans: "{n} passages", one_token: "{n} jeton", many_tokens: "{n} jetons",
    drawn: "Avec ces réglages, T5 tire {words} sur {n}, en {spans}.",
    drawn_end: "Son tirage commence par un mot gardé et finit par un passage : s’il n’y en a qu’un, c’est la fin de la phrase.",
    choose: "Retirez des mots : ceux qui se touchent forment un passage, et chaque passage a sa sentinelle",
    cell_kept: "{token}, mot {i} sur {n}, gardé", cell_dropped: "{token}, mot {i} sur {n}, retiré, sentinelle {letter}",
    help: "Flèches, Origine, Fin : se déplacer. Espace, Entrée ou clic : retirer un mot, ou le remettre.",
    summary: "{words} sur {n} ({share} %), en {spans} : l’encodeur lit {input}{compared}, le décodeur doit en écrire {target}.",
    instead: " au lieu de {n}", as_many: ", autant qu’il y a de mots",
    nothing: "Rien n’est retiré : l’encodeur lit la phrase entière, et le décodeur n’a que la sentinelle finale à écrire.",
    objectives: "La même phrase, trois objectifs", one_objective: "Ce que T5 en fait", compare: "Comparer avec BERT et GPT", underlined: "souligné", in_the_loss: "compte dans la perte",
    goes_in: "entre", must_come_out: "doit sortir", t5_kind: "encodeur–décodeur", bert_kind: "encodeur", gpt_kind: "décodeur",
    t5_note: "L’encodeur lit tout à la fois ; le décodeur écrit la cible de gauche à droite, et chaque jeton compte dans la perte.",
    bert_note: "Chaque place voit toutes les autres ; seules les places masquées comptent dans la perte.",
    gpt_note: "Chaque place ne voit que ce qui la précède ; toutes comptent dans la perte. Votre choix n’y change rien.",
    counted: "lit {input}, en prédit {target}", no_target: "rien à prédire",
    back_together: "Reconstituer la phrase", back: "Reculer", next: "Avancer", step: "Étape", step_value: "étape {k} sur {all} ; {done}",
    input: "entrée", target: "cible", so_far: "phrase",
    step_start: "L’entrée se lit de gauche à droite ; la phrase est encore vide.",
    step_kept: "« {token} » a été gardé : il est recopié.",
    step_span: "{sentinel} tient la place de « {span} » : la cible le dit, après la même sentinelle.",
    step_end: "La phrase est revenue : rien n’est perdu.",
    long: "Et sur {n} jetons, avec ces réglages", encoder: "T5, encodeur", decoder: "T5, décodeur", read: "{n} lus", predicted: "{n} à prédire",
    saved: "L’encodeur de T5 lit {saved} jetons de moins que BERT : un passage entier ne lui coûte qu’une sentinelle.",
    none_saved: "Des passages d’un seul mot n’épargnent rien : chaque sentinelle prend la place d’un mot.",
    read_alone: "seulement lu", read_predicted: "à prédire",
    convention: "Un mot est ici un jeton. T5 retire 15 % des jetons, en passages de 3 en moyenne (Raffel et al. 2020, § 3.7). BERT en choisit 15 %, dont un sur dix reste tel quel et un sur dix est remplacé au hasard (Devlin et al. 2019, § 3.1) ; ici, tous sont masqués.",
    table: "En tableau : ce qui entre, ce qui doit sortir", objective: "objectif", n_input: "jetons lus", n_target: "à prédire",
  },
  en: {
    sentence: "Sentence", own: "your sentence", group_fr: "in French", group_en: "in English",
    rate: "Share to drop", mean_length: "Mean length of a span", draw: "Draw at random", percent: "{n}%",
    one_word: "{n} word", many_words: "{n} words", one_gone: "{n} word dropped", many_gone: "{n} words dropped", one_span: "{n} span", many_spans: "{n} spans", one_token: "{n} token", many_tokens: "{n} tokens",
    drawn: "With these settings, T5 draws {words} out of {n}, in {spans}.",
    drawn_end: "Its draw begins with a kept word and ends with a span: if there is only one, it is the end of the sentence.",
    choose: "Drop words: neighbors make one span, and each span has its sentinel",
    cell_kept: "{token}, word {i} of {n}, kept", cell_dropped: "{token}, word {i} of {n}, dropped, sentinel {letter}",
    help: "Arrows, Home, End: move. Space, Enter or click: drop a word, or put it back.",
    summary: "{words} out of {n} ({share}%), in {spans}: the encoder reads {input}{compared}, the decoder must write {target}.",
    instead: " instead of {n}", as_many: ", as many as there are words",
    nothing: "Nothing is dropped: the encoder reads the whole sentence, and the decoder only has the last sentinel to write.",
    objectives: "The same sentence, three objectives", one_objective: "What T5 makes of it", compare: "Compare with BERT and GPT", underlined: "underlined", in_the_loss: "counts in the loss",
    goes_in: "goes in", must_come_out: "must come out", t5_kind: "encoder–decoder", bert_kind: "encoder", gpt_kind: "decoder",
    t5_note: "The encoder reads all at once; the decoder writes the target from left to right, and each token counts in the loss.",
    bert_note: "Each place sees all the others; only the masked places count in the loss.",
    gpt_note: "Each place sees only what comes before it; all count in the loss. Your choice changes nothing here.",
    counted: "reads {input}, predicts {target}", no_target: "nothing to predict",
    back_together: "Put the sentence back together", back: "Back", next: "Next", step: "Step", step_value: "step {k} of {all}; {done}",
    input: "input", target: "target", so_far: "sentence",
    step_start: "The input is read from left to right; the sentence is still empty.",
    step_kept: "“{token}” was kept: it is copied.",
    step_span: "{sentinel} stands for “{span}”: the target says so, after the same sentinel.",
    step_end: "The sentence is back: nothing is lost.",
    long: "And on {n} tokens, with these settings", encoder: "T5, encoder", decoder: "T5, decoder", read: "{n} read", predicted: "{n} to predict",
    saved: "T5’s encoder reads {saved} tokens fewer than BERT: a whole span costs it a single sentinel.",
    none_saved: "Spans of a single word save nothing: each sentinel takes the place of a word.",
    read_alone: "only read", read_predicted: "to predict",
    convention: "Here a word is a token. T5 drops 15% of the tokens, in spans of 3 on average (Raffel et al. 2020, §3.7). BERT chooses 15%, of which one in ten stays as it is and one in ten is replaced at random (Devlin et al. 2019, §3.1); here all are masked.",
    table: "As a table: what goes in, what must come out", objective: "objective", n_input: "tokens read", n_target: "to predict",
  },
};

const CHOICES = ["dropped", "rate", "mean_length", "seed", "compare", "step"];
export const LETTERS = "XYZWVUTSRQPON"; // at most 12 spans in 24 words, and the last sentinel
const LONG = 512; // tokens of the text that T5 and BERT are trained on
const N_SHAPE = 5;

// --- arithmetic: pure functions, the same as d2lmini/objectives/spans.py ------------------------------------------------
// A sequence is a list of numbers: i ≥ 0 is the word at place i, −1 the first sentinel, −2 the second…

/** The runs of neighbors among the dropped places, as [start, end) pairs. */
export function spansOf(dropped, n) {
  const gone = range(n).filter((i) => dropped.includes(i));
  const starts = gone.filter((i) => !gone.includes(i - 1)), ends = gone.filter((i) => !gone.includes(i + 1));
  return starts.map((start, k) => [start, ends[k] + 1]);
}

/** What T5 reads, each span replaced by its sentinel, and what it must write: each sentinel with its span, then one more. */
export function corrupt(n, spans) {
  const places = range(n);
  const input = spans.flatMap(([start], k) => [...places.slice(spans[k - 1]?.[1] ?? 0, start), -1 - k]);
  const target = spans.flatMap(([start, end], k) => [-1 - k, ...places.slice(start, end)]);
  return { input: [...input, ...places.slice(spans.at(-1)?.[1] ?? 0)], target: [...target, -1 - spans.length] };
}

/** The way back, one step an item of the input: where to read in the target, [from, to), and what the sentence gains. */
export function restoring(input, target) {
  return input.map((item) => {
    if (item >= 0) return { item, from: 0, to: 0, gained: [item] };
    const from = target.indexOf(item), length = target.slice(from + 1).findIndex((other) => other < 0), to = from + 1 + length;
    return { item, from, to, gained: target.slice(from + 1, to) };
  });
}

/** To the nearest integer, to the even one from halfway, as Python rounds. */
function round(x) {
  const low = Math.floor(x), rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2) ? low + 1 : low;
}

const within = (x, low, high) => Math.min(Math.max(x, low), high);

/** How many words T5 drops out of n, and in how many spans. */
export function noiseCounts(n, rate, meanLength) {
  const noise = within(round(n * rate), 1, n - 1);
  return { noise, spans: within(round(noise / meanLength), 1, n - noise) };
}

/** The lengths of `parts` parts, none empty, of `items` items: all ways to cut are equally likely. `draw(k)` is from 0 to 1. */
export function segmentation(items, parts, draw) {
  const places = range(items - 1); // place i cuts after item i
  const cuts = range(parts - 1).map((k) => places.splice(Math.floor(draw(k) * places.length), 1)[0]).sort((a, b) => a - b);
  return [...cuts, items - 1].map((cut, k) => cut - (k ? cuts[k - 1] : -1));
}

/** The places that T5 drops: kept words and dropped ones take turns, kept ones first. */
export function drawDropped(n, rate, meanLength, seed) {
  const { noise, spans } = noiseCounts(n, rate, meanLength);
  const kept = segmentation(n - noise, spans, (k) => chance(seed, k)), gone = segmentation(noise, spans, (k) => chance(seed, spans + k));
  let place = 0;
  return kept.flatMap((length, k) => {
    place += length + gone[k];
    return range(gone[k]).map((i) => place - gone[k] + i);
  });
}

/** What goes in and what must come out, for each objective; null is a place whose output does not count. */
export function objectives(n, dropped) {
  const spans = spansOf(dropped, n), { input, target } = corrupt(n, spans), masked = (i) => spans.some(([start, end]) => start <= i && i < end);
  return {
    t5: { input, target },
    bert: { input: range(n).map((i) => masked(i) ? "mask" : i), target: range(n).map((i) => masked(i) ? i : null) },
    gpt: { input: ["bos", ...range(n)], target: [...range(n), "eos"] },
  };
}

/** For each objective, how many tokens are read and how many predicted, when `noise` out of n are dropped in so many spans. */
export function sizes(n, { noise, spans }) {
  return { t5: [n - noise + spans, noise + spans + 1], bert: [n, noise], gpt: [n + 1, n + 1] };
}

/** Words as a text: no space after an apostrophe or before a comma or a period. */
export const written = (words) => words.reduce((text, word) => text + (!text || text.endsWith("’") || /^[,.]/.test(word) ? "" : " ") + word, "");

export const sentinel = (item) => `⟨${LETTERS[-1 - item]}⟩`;

// --- what changes with the reader's choices ------------------------------------------------------------------------------

function read(model) {
  const tokens = model.get("tokens").map((token) => token.trim() || "␣"), n = tokens.length, dropped = model.get("dropped").filter((i) => i < n); // traits may arrive one by one
  const spans = spansOf(dropped, n), all = objectives(n, dropped), steps = restoring(all.t5.input, all.t5.target);
  const counts = { noise: dropped.length, spans: spans.length }, [rate, meanLength] = [model.get("rate"), model.get("mean_length")];
  return {
    tokens, n, dropped, spans, all, steps, counts, rate, meanLength, sizes: sizes(n, counts), compare: model.get("compare"),
    step: Math.min(model.get("step"), steps.length), drawn: noiseCounts(n, rate, meanLength),
  };
}

const NAMES = { word: ["one_word", "many_words"], gone: ["one_gone", "many_gone"], span: ["one_span", "many_spans"], token: ["one_token", "many_tokens"] };
const plural = (name, n, { say, fmt, rules }) => say(NAMES[name][rules.select(n) === "one" ? 0 : 1], { n: fmt(n, 0) });

/** The choice in a sentence: how much is dropped, what is left to read, what is to be written. */
export function sentence({ n, counts, sizes: { t5: [input, target] } }, voice) {
  const { say, fmt } = voice;
  if (!counts.noise) return say("nothing");
  return say("summary", {
    words: plural("gone", counts.noise, voice), n: fmt(n, 0), share: fmt(100 * counts.noise / n, 0), spans: plural("span", counts.spans, voice),
    input: plural("token", input, voice), compared: input < n ? say("instead", { n: fmt(n, 0) }) : say("as_many"), target: fmt(target, 0),
  });
}

/** What the present step back does, in words. */
export function stepSentence({ tokens, steps, step }, { say }) {
  if (!step) return say("step_start");
  const { item, gained } = steps[step - 1], words = gained.map((i) => tokens[i]);
  const done = item < 0 ? say("step_span", { sentinel: sentinel(item), span: written(words) }) : say("step_kept", { token: words[0] });
  return step === steps.length ? `${done} ${say("step_end")}` : done;
}

// --- the page, built once a sentence and a language -----------------------------------------------------------------------

const flat = (sentences) => ["fr", "en"].flatMap((lang) => (sentences[lang] ?? []).map((tokens) => ({ lang, tokens })));

function controls(model, { say }) {
  const all = flat(model.get("sentences")), now = model.get("tokens").join(" "), chosen = all.findIndex(({ tokens }) => tokens.join(" ") === now);
  const option = ({ tokens }, place) => html`<option value="${place}"${place === chosen ? html` selected` : ""}>${written(tokens)}</option>`;
  const group = (lang, key) => html`<optgroup label="${say(key)}">${all.map((one, place) => one.lang === lang ? option(one, place) : "")}</optgroup>`;
  const own = chosen < 0 ? html`<option value="" selected disabled>${say("own")}</option>` : "";
  return html`<div class="controls"><label class="which">${say("sentence")} <select name="sentence">${own}${group("fr", "group_fr")}${group("en", "group_en")}</select></label></div>
    <div class="controls draw"><label>${say("rate")} <input name="rate" type="range" min="5" max="50" step="5"><output></output></label>
      <label>${say("mean_length")} <input name="mean_length" type="range" min="1" max="10" step="1"><output></output></label>
      <button type="button" name="draw">${say("draw")}</button></div><p class="help drawn"></p>`;
}

function build(el, model, voice) {
  const { say, fmt } = voice, id = uniqueId(), tokens = model.get("tokens");
  const heads = ["objective", "goes_in", "must_come_out", "n_input", "n_target"];
  return mount(el, "spans", model.get("lang"), html`${controls(model, voice)}
    <table role="grid" aria-multiselectable="true" class="choice" aria-labelledby="${id}-choose" aria-describedby="${id}-help"><caption id="${id}-choose">${say("choose")}</caption>
      <tbody role="rowgroup"><tr role="row">${tokens.map((_, j) => html`<td role="gridcell" data-i="0" data-j="${j}" tabindex="${j ? -1 : 0}"></td>`)}</tr></tbody></table>
    <p class="help" id="${id}-help">${say("help")}</p>
    <p class="summary" role="status" aria-live="polite" aria-atomic="false"><span></span> <span class="unseen"></span></p>
    <div class="title heading"><b></b> <label><input name="compare" type="checkbox">${say("compare")}</label><small><u>${say("underlined")}</u> ${say("in_the_loss")}</small></div>
    <div class="objectives"></div>
    <div class="views">
      <div class="restore"><p class="title">${say("back_together")}</p>
        <div class="controls steps"><button type="button" name="back">${say("back")}</button><button type="button" name="next">${say("next")}</button>
          <label>${say("step")} <input name="step" type="range" min="0" step="1"><output></output></label></div>
        <div class="ways"></div><p class="done"></p></div>
      <div class="long"><p class="title">${say("long", { n: fmt(LONG, 0) })}</p><table class="bars"><tbody></tbody></table>
        <p class="key"><span><i class="read"></i> ${say("read_alone")}</span> <span><i class="predicted"></i> ${say("read_predicted")}</span></p><p class="saved"></p></div>
    </div>
    <p class="help">${say("convention")}</p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="all">
      <thead><tr>${heads.map((key) => html`<th scope="col">${say(key)}</th>`)}</tr></thead><tbody></tbody></table></div></details>`);
}

const mark = (item) => html`<b class="sentinel s${(-1 - item) % N_SHAPE}">${sentinel(item)}</b>`;
const SPECIAL = { mask: "[MASK]", bos: "⟨bos⟩", eos: "⟨eos⟩" };
const text = (item, tokens) => typeof item === "string" ? SPECIAL[item] : item === null ? "–" : item < 0 ? sentinel(item) : tokens[item];

/** A word, a sentinel, a special token, or a place that does not count; a word takes the color of its span. */
function chip(item, { tokens, spans }, { predicted = false, plain = false } = {}) {
  const k = plain || item === null ? -1 : spans.findIndex(([start, end]) => start <= item && item < end);
  if (item < 0) return html`<span class="chip bare${predicted ? " predicted" : ""}">${mark(item)}</span>`;
  const kind = item === null ? "none" : typeof item === "string" ? "special" : k >= 0 ? `word s${k % N_SHAPE}` : "word";
  return html`<span class="chip ${kind}${predicted && item !== null ? " predicted" : ""}">${text(item, tokens)}</span>`;
}

function drawControls(root, view, voice) {
  const { say, fmt } = voice, field = (name) => root.querySelector(`[name="${name}"]`);
  const show = (name, value, shown, said = shown) => {
    field(name).value = value;
    field(name).nextElementSibling.textContent = shown;
    field(name).setAttribute("aria-valuetext", said);
  };
  const percent = Math.round(100 * view.rate), { noise, spans } = view.drawn, all = view.steps.length;
  show("rate", percent, say("percent", { n: fmt(percent, 0) }));
  show("mean_length", view.meanLength, fmt(view.meanLength, Number.isInteger(view.meanLength) ? 0 : 1), plural("word", view.meanLength, voice));
  field("step").max = all;
  show("step", view.step, `${fmt(view.step, 0)} / ${fmt(all, 0)}`, say("step_value", { k: fmt(view.step, 0), all: fmt(all, 0), done: stepSentence(view, voice) }));
  field("back").setAttribute("aria-disabled", view.step === 0); // disabled, it would drop the focus
  field("next").setAttribute("aria-disabled", view.step === all);
  field("compare").checked = view.compare;
  const drawn = say("drawn", { words: plural("word", noise, voice), n: fmt(view.n, 0), spans: plural("span", spans, voice) });
  root.querySelector(".drawn").textContent = spans === 1 ? `${drawn} ${say("drawn_end")}` : drawn;
}

function drawChoice(root, { tokens, n, spans }, { say, fmt }) {
  root.querySelectorAll(".choice td").forEach((cell, j) => {
    const k = spans.findIndex(([start, end]) => start <= j && j < end), letter = LETTERS[k], first = k >= 0 && spans[k][0] === j;
    cell.className = k < 0 ? "kept" : `gone s${k % N_SHAPE}${first ? " first" : ""}`;
    cell.innerHTML = html`${first ? mark(-1 - k) : ""}${k < 0 ? tokens[j] : html`<s>${tokens[j]}</s>`}`;
    cell.setAttribute("aria-selected", k >= 0);
    cell.setAttribute("aria-label", say(k < 0 ? "cell_kept" : "cell_dropped", { token: tokens[j], i: fmt(j + 1, 0), n: fmt(n, 0), letter }));
  });
}

/** T5's two sequences, one above the other: their lengths differ. */
function sequences(view, { say }) {
  const line = (name, items, predicted) => html`<div class="line"><b>${say(name)}</b><ul aria-label="${say(name)}">${items.map((item) => html`<li>${chip(item, view, { predicted })}</li>`)}</ul></div>`;
  return html`${line("goes_in", view.all.t5.input, false)}${line("must_come_out", view.all.t5.target, true)}`;
}

/** What goes in above what must come out, place by place. */
function pairs({ input, target }, view, plain, { say }) {
  const pair = (item, place) => html`<li>${chip(item, view, { plain })}<i aria-hidden="true">↓</i><span class="unseen"> → </span>${chip(target[place], view, { plain, predicted: true })}</li>`;
  return html`<div class="line"><b class="both"><span>${say("goes_in")}</span><span>${say("must_come_out")}</span></b><ul class="pairs">${input.map(pair)}</ul></div>`;
}

function drawObjectives(root, view, voice) {
  const { say, fmt } = voice, count = ([input, target]) => say("counted", { input: plural("token", input, voice), target: target ? fmt(target, 0) : "0" });
  const part = (name, key, kind, note, content) => html`<div class="objective ${key}"><p class="name"><b>${name}</b> ${say(kind)} <span class="count">${count(view.sizes[key])}</span></p>
    ${content}<p class="help">${say(note)}</p></div>`;
  root.querySelector(".heading b").textContent = say(view.compare ? "objectives" : "one_objective");
  root.querySelector(".objectives").innerHTML = html`${part("T5", "t5", "t5_kind", "t5_note", sequences(view, voice))}${view.compare ? [
    part("BERT", "bert", "bert_kind", "bert_note", pairs(view.all.bert, view, false, voice)),
    part("GPT", "gpt", "gpt_kind", "gpt_note", pairs(view.all.gpt, view, true, voice))] : ""}`;
}

function drawRestore(root, view, voice) {
  const { all: { t5 }, steps, step } = view, now = steps[step - 1], so = steps.slice(0, step).flatMap(({ gained }) => gained);
  const state = (here, past) => here ? "here" : past ? "past" : "";
  const way = (name, items, of) => html`<div class="line"><b>${voice.say(name)}</b><ul aria-label="${voice.say(name)}">${items.map((item, i) => html`<li class="${of(item, i)}">${chip(item, view)}</li>`)}</ul></div>`;
  root.querySelector(".ways").innerHTML = html`${way("input", t5.input, (_, i) => state(i === step - 1, i < step - 1))}
    ${way("target", t5.target, (_, i) => state(now && i >= now.from && i < now.to, steps.slice(0, step).some(({ from, to }) => i >= from && i < to)))}
    ${way("so_far", so, (_, i) => state(now && i >= so.length - now.gained.length, false))}`;
  root.querySelector(".done").textContent = stepSentence(view, voice);
}

function drawLong(root, { rate, meanLength }, { say, fmt }) {
  const long = sizes(LONG, noiseCounts(LONG, rate, meanLength)), most = long.gpt[0], [input, target] = long.t5, saved = LONG - input;
  const bar = (name, n, predicted) => html`<tr><th scope="row">${name}</th><td><div style="width: ${(100 * n / most).toFixed(1)}%"><i class="predicted" style="flex: ${predicted}"></i><i class="read" style="flex: ${n - predicted}"></i></div></td>
    <td>${[n > predicted || name === "GPT" ? say("read", { n: fmt(n, 0) }) : "", predicted ? say("predicted", { n: fmt(predicted, 0) }) : ""].filter(Boolean).join(", ")}</td></tr>`;
  root.querySelector(".bars tbody").innerHTML = html`${bar(say("encoder"), input, 0)}${bar(say("decoder"), target, target)}${bar("BERT", ...long.bert)}${bar("GPT", ...long.gpt)}`;
  root.querySelector(".saved").textContent = saved ? say("saved", { saved: fmt(saved, 0) }) : say("none_saved");
}

function drawTable(root, { all, tokens, sizes: counts }, { say, fmt }) {
  const line = (name, key) => html`<tr><th scope="row">${name}</th>${["input", "target"].map((side) => html`<td>${all[key][side].map((item) => text(item, tokens)).join(" ")}</td>`)}
    <td>${fmt(counts[key][0], 0)}</td><td>${counts[key][1] ? fmt(counts[key][1], 0) : say("no_target")}</td></tr>`;
  root.querySelector(".all tbody").innerHTML = html`${line("T5", "t5")}${line("BERT", "bert")}${line("GPT", "gpt")}`;
}

function draw(root, model, voice) {
  const view = read(model), said = root.querySelector(".summary").children;
  for (const part of [drawControls, drawChoice, drawObjectives, drawRestore, drawLong, drawTable]) part(root, view, voice);
  [sentence(view, voice), stepSentence(view, voice)].forEach((text, k) => {
    if (said[k].textContent !== text) said[k].textContent = text; // an unchanged sentence is not said again
  });
}

function connect(root, model) {
  const redraw = (changes) => {
    const now = (name) => changes[name] ?? model.get(name);
    save(model, { ...changes, step: 0, dropped: drawDropped(now("tokens").length, now("rate"), now("mean_length"), now("seed")) });
  };
  root.addEventListener("input", ({ target: { name, value, checked } }) => {
    if (name === "sentence") redraw({ tokens: flat(model.get("sentences"))[value].tokens });
    else if (name === "rate") redraw({ rate: value / 100 });
    else if (name === "mean_length") redraw({ mean_length: Number(value) });
    else save(model, name === "compare" ? { compare: checked } : { step: Number(value) });
  });
  root.addEventListener("click", ({ target: { name } }) => {
    const { step, steps } = read(model);
    if (name === "draw") redraw({ seed: (model.get("seed") + 1) % 10000 });
    if (name === "back") save(model, { step: Math.max(step - 1, 0) });
    if (name === "next") save(model, { step: Math.min(step + 1, steps.length) });
  });
  rovingGrid(root.querySelector(".choice"), {
    onPress: (_, j) => {
      const { dropped, n } = read(model);
      save(model, { dropped: range(n).filter((i) => dropped.includes(i) !== (i === j)) });
    },
  });
}

const render = (view) => live(view, CHOICES, ["tokens", "sentences", "lang"], () => {
  const lang = view.model.get("lang"), voice = { say: texts(WORDS, lang), fmt: numbers(lang), rules: new Intl.PluralRules(lang) };
  const root = build(view.el, view.model, voice);
  connect(root, view.model);
  return () => draw(root, view.model, voice);
});

export default { render };
