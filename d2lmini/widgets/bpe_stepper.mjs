// BPE stepper: the words of a corpus, the pairs counted, one merge at a time; then any text, cut with the merges so far.

import { html, live, mount, numbers, save, texts, uniqueId } from "./shared.mjs";
import { BYTES, SPELL, byteCodes, encode, gpt2Words, inBytes, join, visible } from "./byte_bpe.mjs";

export const WORDS = {
  fr: {
    example: "Corpus", own: "votre texte", group_fr: "en français", group_en: "en anglais", corpus: "Le corpus, que vous pouvez récrire",
    level: "Épeler en", characters: "caractères", bytes: "octets",
    start: "Début", back: "Reculer", next: "Fusionner", end: "Fin", merges: "Fusions", merges_value: "fusion {n} sur {all}",
    empty: "Écrivez un corpus : il n’y a encore rien à compter.",
    before: "Avant toute fusion, le corpus compte {now}.",
    after: "Fusion {k} : « {left} » suivi de « {right} » devient « {token} ». Le corpus compte {now} au lieu de {start}.",
    coming: "À fusionner ensuite : « {left} » + « {right} », vu {count} fois, la paire la plus fréquente.",
    coming_tie: "À fusionner ensuite : « {left} » + « {right} », vu {count} fois ; une autre paire l’est autant, mais ses numéros sont plus grands.",
    finished: "Aucune paire n’est vue deux fois : tout est appris.",
    one_token: "{n} jeton", many_tokens: "{n} jetons",
    words: "Les mots du corpus", words_note: "chacun avec l’espace qui le précède, {space}",
    pairs: "Les paires, comptées", pair: "paire", count: "fois", ids: "numéros", all_pairs: "paires en tout",
    no_pairs: "Plus aucune paire : chaque mot est un seul jeton.",
    vocabulary: "Le vocabulaire : {n}", learned: "fusions",
    other_bytes: "et les {n} autres octets",
    signs: "Chaque octet a son signe :", sign: "« {character} » s’écrit {signs}",
    text: "Un autre texte, découpé avec ces fusions", counted: "{name} : {n}",
    with_characters: "Fusions de caractères", with_bytes: "Fusions d’octets",
    unknown: "Barré : un caractère que le corpus n’a pas, et qu’aucun jeton ne peut écrire.",
    table: "En tableau : les fusions, dans l’ordre", rank: "rang", gives: "jeton", id: "numéro", utf8: "octets",
    help: "Cadre tireté : la prochaine fusion. Trait sous le jeton : le dernier appris. À égalité, la paire aux plus petits numéros gagne.",
  },
  en: {
    example: "Corpus", own: "your text", group_fr: "in French", group_en: "in English", corpus: "The corpus, which you may rewrite",
    level: "Spelled in", characters: "characters", bytes: "bytes",
    start: "Start", back: "Back", next: "Merge", end: "End", merges: "Merges", merges_value: "merge {n} of {all}",
    empty: "Write a corpus: there is nothing to count yet.",
    before: "Before any merge, the corpus has {now}.",
    after: "Merge {k}: “{left}” followed by “{right}” becomes “{token}”. The corpus has {now} instead of {start}.",
    coming: "To be merged next: “{left}” + “{right}”, seen {count} times, the most frequent pair.",
    coming_tie: "To be merged next: “{left}” + “{right}”, seen {count} times; another pair is as frequent, but its numbers are larger.",
    finished: "No pair is seen twice: everything is learned.",
    one_token: "{n} token", many_tokens: "{n} tokens",
    words: "The words of the corpus", words_note: "each with the space before it, {space}",
    pairs: "The pairs, counted", pair: "pair", count: "times", ids: "numbers", all_pairs: "pairs in all",
    no_pairs: "No pair is left: each word is a single token.",
    vocabulary: "The vocabulary: {n}", learned: "merges",
    other_bytes: "and the {n} other bytes",
    signs: "Each byte has its sign:", sign: "“{character}” is written {signs}",
    text: "Another text, cut with these merges", counted: "{name}: {n}",
    with_characters: "Merges of characters", with_bytes: "Merges of bytes",
    unknown: "Struck through: a character that the corpus does not hold, and that no token can write.",
    table: "As a table: the merges, in order", rank: "rank", gives: "token", id: "number", utf8: "bytes",
    help: "Dashed frame: the next merge. Line under a token: the last one learned. Of equal counts, the pair of the smallest numbers wins.",
  },
};

const CHOICES = ["corpus", "text", "level", "n_merge"];
const MIN_COUNT = 2; // a pair seen once is no pattern
const SHOWN_PAIRS = 8;
const SHOWN_SIGNS = 6;

// --- arithmetic: pure functions, the same as in d2lmini/tokenizers ---

/** Each pair of neighbors with its count, the most frequent first, then the smallest numbers. */
export function countPairs(words) {
  const found = new Map();
  for (const { ids, seen } of words) {
    for (let i = 0; i + 1 < ids.length; i++) {
      const key = ids[i] * 65536 + ids[i + 1], pair = found.get(key);
      if (pair) pair.count += seen;
      else found.set(key, { left: ids[i], right: ids[i + 1], count: seen });
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count || a.left - b.left || a.right - b.right);
}

/** All that a corpus teaches: `tokens`, their `ids`, how many come `first` (before any merge), `merges` and the `words` as first spelled. */
export function learn(corpus, level) {
  const seen = new Map();
  for (const word of gpt2Words(corpus)) seen.set(word, (seen.get(word) ?? 0) + 1);
  const spelled = [...seen].map(([word, n]) => [SPELL[level](word), n]);
  const signs = new Set([...(level === "bytes" ? BYTES : []), ...spelled.flatMap(([word]) => word)]);
  const tokens = [...signs].sort((a, b) => a.codePointAt(0) - b.codePointAt(0)), first = tokens.length;
  const ids = new Map(tokens.map((token, id) => [token, id])), merges = [];
  const start = spelled.map(([word, n]) => ({ ids: word.map((sign) => ids.get(sign)), seen: n }));
  for (let words = start; ;) {
    const [best] = countPairs(words), id = tokens.length;
    if (!best || best.count < MIN_COUNT) return { level, tokens, ids, first, merges, words: start };
    merges.push({ ...best, id });
    tokens.push(tokens[best.left] + tokens[best.right]);
    ids.set(tokens[id], id);
    words = words.map((word) => ({ ...word, ids: join(word.ids, best, id) }));
  }
}

/** The words of the corpus after n merges. */
export function respell({ words, merges }, n) {
  return words.map(({ ids, seen }) => ({ seen, ids: merges.slice(0, n).reduce((word, merge) => join(word, merge, merge.id), ids) }));
}

// --- what the reader sees of a token ---

/** The characters of a text that are not written as themselves in bytes, each with its signs. */
export function byteSigns(text) {
  const found = [...new Set(text)].map((character) => [character, inBytes(character)]);
  return found.filter(([character, signs]) => signs.join("") !== character);
}

// --- what changes with the reader's choices ---

const clean = (text) => text.replace(/\p{Cs}/gu, "\ufffd"); // half a surrogate pair is no character

function read(model, remember) {
  const [corpus, text, level] = ["corpus", "text", "level"].map((name) => model.get(name));
  const learned = Object.fromEntries(Object.keys(SPELL).map((name) => [name, remember(corpus, name)])), now = learned[level];
  const n = Math.min(model.get("n_merge"), now.merges.length), words = respell(now, n), pairs = countPairs(words);
  return { corpus, text, level, learned, now, n, words, pairs, next: n < now.merges.length ? pairs[0] : undefined };
}

/** The last two corpora and levels, learned once: each step only reads them. */
function memory() {
  const kept = new Map();
  return (corpus, level) => {
    const key = `${level} ${corpus}`, found = kept.get(key) ?? learn(corpus, level);
    kept.delete(key);
    kept.set(key, found);
    if (kept.size > 4) kept.delete(kept.keys().next().value);
    return found;
  };
}

const total = (words) => words.reduce((sum, { ids, seen }) => sum + seen * ids.length, 0);
const nTokens = (n, { say, fmt, plural }) => say(plural.select(n) === "one" ? "one_token" : "many_tokens", { n: fmt(n, 0) });

const counts = (sizes, { say, fmt }) => sizes.map(([name, n]) => say("counted", { name: say(name), n: fmt(n, 0) })).join(" · ");

/** The step in words: what the last merge did, and what comes next. */
export function sentence({ now, n, words, pairs, next }, voice) {
  const { say, fmt } = voice;
  if (!words.length) return say("empty");
  const named = ({ left, right, count }) => {
    const [l, r] = [now.tokens[left], now.tokens[right]];
    return { left: visible(l), right: visible(r), token: visible(l + r), count: fmt(count, 0) };
  };
  const values = { k: fmt(n, 0), now: nTokens(total(words), voice), start: fmt(total(now.words), 0) };
  const done = n ? say("after", { ...values, ...named(now.merges[n - 1]) }) : say("before", values);
  const tie = next && pairs[1]?.count === next.count;
  return `${done} ${next ? say(tie ? "coming_tie" : "coming", named(next)) : say("finished")}`;
}

// --- the page, built once a language ---

function controls(model, say, id) {
  const examples = model.get("examples");
  const group = (lang, key) => html`<optgroup label="${say(key)}">${(examples[lang] ?? []).map((text) => html`<option value="${text}">${text.slice(0, 36)}…</option>`)}</optgroup>`;
  const radio = (level) => html`<label><input type="radio" name="${id}-level" value="${level}">${say(level)}</label>`;
  return html`<div class="controls"><label>${say("example")} <select name="example"><option value="">${say("own")}</option>${group("fr", "group_fr")}${group("en", "group_en")}</select></label>
      <span class="controls levels" role="radiogroup" aria-labelledby="${id}-level"><span id="${id}-level">${say("level")}</span>${radio("characters")}${radio("bytes")}</span></div>
    <label class="corpus">${say("corpus")}<textarea name="corpus" rows="2" maxlength="1000" spellcheck="false" data-lm-suppress-shortcuts></textarea></label>
    <div class="controls steps">${["start", "back", "next", "end"].map((name) => html`<button type="button" name="${name}">${say(name)}</button>`)}
      <label>${say("merges")} <input name="n_merge" type="range" min="0" step="1"><output></output></label></div>`;
}

function build(el, model, say) {
  const id = uniqueId();
  const region = (name) => html`<div class="scroll ${name}" role="group" tabindex="0" aria-labelledby="${id}-${name}">`;
  const cut = (level, key) => html`<div class="cut" data-level="${level}"><p class="title"><span>${say(key)}</span> <b></b></p><p class="chips"></p><p class="help"></p></div>`;
  return mount(el, "bpe", model.get("lang"), html`${controls(model, say, id)}
    <p class="summary" role="status" aria-live="polite"></p>
    <div class="views">
      <div><p class="title" id="${id}-words">${say("words")} <small></small></p>${region("words")}<ul></ul></div>
        <p class="title" id="${id}-vocabulary"><span></span> <small></small></p>${region("vocabulary")}<ol></ol></div><p class="help signs"></p></div>
      <div><p class="title" id="${id}-pairs">${say("pairs")}</p>${region("pairs")}<table>
        <thead><tr><th scope="col">${say("pair")}</th><th scope="col" colspan="2">${say("count")}</th><th scope="col">${say("ids")}</th></tr></thead>
        <tbody></tbody></table></div><p class="help none"></p></div>
    </div>
    <div class="own"><label class="corpus">${say("text")}<input name="text" type="text" maxlength="200" spellcheck="false" autocomplete="off" aria-describedby="${id}-sizes"></label>
      <p class="help" id="${id}-sizes"></p><div class="cuts">${cut("characters", "with_characters")}${cut("bytes", "with_bytes")}</div></div>
    <p class="help">${say("help")}</p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="merges">
      <thead><tr>${["rank", "pair", "count", "gives", "id", "utf8"].map((key) => html`<th scope="col">${say(key)}</th>`)}</tr></thead><tbody></tbody></table></div></details>`);
}

/** A token as a chip: a color a merge, none for what was there before any; in bytes it tells which ones. */
function chip({ tokens, first, level }, id, { newest, number } = {}) {
  const unknown = typeof id === "string", token = unknown ? id : tokens[id];
  const kind = unknown ? "lacked" : id < first ? "k0" : `k${1 + (id - first) % 4}`;
  const title = level === "bytes" ? html` title="${byteCodes(token)}"` : "";
  return html`<span class="chip ${kind}${id === newest ? " newest" : ""}"${title}>${unknown ? html`<s>${visible(token)}</s>` : visible(token)}${number ? html` <small>${unknown ? "?" : id}</small>` : ""}</span> `;
}

/** The chips of a word, those that the next merge will join in one frame. */
function spelled(learned, ids, { newest, next }) {
  const marked = next ? join(ids, next, -1) : ids;
  return marked.map((id) => id === -1
    ? html`<span class="joining">${chip(learned, next.left, { newest })}${chip(learned, next.right, { newest })}</span> `
    : chip(learned, id, { newest }));
}

function drawControls(root, model, { corpus, text, level, now, n }, { say, fmt }) {
  const all = now.merges.length, field = (name) => root.querySelector(`[name="${name}"]`);
  for (const [name, value] of [["corpus", corpus], ["text", text]]) if (field(name).value !== value) field(name).value = value;
  const known = Object.values(model.get("examples")).flat().includes(corpus);
  field("example").options[0].disabled = known;
  field("example").value = known ? corpus : "";
  root.querySelector(`[value="${level}"]`).checked = true;
  for (const name of ["start", "back"]) field(name).setAttribute("aria-disabled", n === 0); // disabled, it would drop the focus
  for (const name of ["next", "end"]) field(name).setAttribute("aria-disabled", n === all);
  field("n_merge").max = all;
  field("n_merge").value = n;
  field("n_merge").setAttribute("aria-valuetext", say("merges_value", { n: fmt(n, 0), all: fmt(all, 0) }));
  field("n_merge").nextElementSibling.textContent = `${fmt(n, 0)} / ${fmt(all, 0)}`;
}

function drawWords(root, { now, n, words, pairs, next, level }, voice) {
  const { say, fmt } = voice, newest = n ? now.merges[n - 1].id : -1, most = pairs[0]?.count;
  root.querySelector(".words").previousElementSibling.lastChild.textContent = say("words_note", { space: level === "bytes" ? "Ġ" : "␣" });
  root.querySelector(".words ul").innerHTML = html`${words.map(({ ids, seen }) =>
    html`<li>${spelled(now, ids, { newest, next })}${seen > 1 ? html`<small>× ${fmt(seen, 0)}</small>` : ""}</li>`)}`;
  root.querySelector(".pairs tbody").innerHTML = html`${pairs.slice(0, SHOWN_PAIRS).map((pair) => html`<tr class="${pair === next ? "chosen" : ""}">
    <th scope="row">${chip(now, pair.left)}+ ${chip(now, pair.right)}</th><td>${fmt(pair.count, 0)}</td>
    <td class="gauge"><i style="width: ${(100 * pair.count / most).toFixed(1)}%"></i></td><td class="ids">${pair.left}, ${pair.right}</td></tr>`)}`;
  root.querySelector(".pairs").hidden = !pairs.length;
  root.querySelector(".none").textContent = pairs.length ? counts([["all_pairs", pairs.length]], voice) : words.length ? say("no_pairs") : "";
}

function drawVocabulary(root, { now, n, level, corpus }, voice) {
  const { say, fmt } = voice, { first, merges } = now, newest = n ? merges[n - 1].id : -1;
  const used = level === "bytes" ? [...new Set(now.words.flatMap(({ ids }) => ids))].sort((a, b) => a - b) : Array.from({ length: first }, (_, id) => id);
  const item = (id) => html`<li>${chip(now, id, { newest, number: true })}</li>`, others = first - used.length;
  const [title, note] = root.querySelector(".vocabulary").previousElementSibling.children;
  title.textContent = say("vocabulary", { n: nTokens(first + n, voice) });
  note.textContent = counts([[level, first], ["learned", n]], voice);
  root.querySelector(".vocabulary ol").innerHTML = html`${used.map(item)}${others ? html`<li class="rest">${say("other_bytes", { n: fmt(others, 0) })}</li>` : ""}${merges.slice(0, n).map(({ id }) => item(id))}`;
  root.querySelector(".signs").textContent = level === "bytes" ? signs(corpus, say) : "";
  root.querySelector(".merges tbody").innerHTML = html`${merges.slice(0, n).map(({ left, right, count, id }, k) => html`<tr><td>${fmt(k + 1, 0)}</td>
    <th scope="row">${visible(now.tokens[left])} + ${visible(now.tokens[right])}</th><td>${fmt(count, 0)}</td><td>${visible(now.tokens[id])}</td><td>${id}</td>
    <td class="codes">${level === "bytes" ? byteCodes(now.tokens[id]) : ""}</td></tr>`)}`;
  root.querySelector(".merges").classList.toggle("plain", level !== "bytes");
}

/** How the characters of a text are written in bytes, when they are not written as themselves. */
function signs(text, say) {
  const found = byteSigns(text), written = found.slice(0, SHOWN_SIGNS).map(([character, bytes]) => say("sign", { character: visible(character), signs: bytes.join(" ") }));
  return found.length ? `${say("signs")} ${written.join(", ")}${found.length > SHOWN_SIGNS ? "…" : "."}` : "";
}

/** The reader's text, cut twice: with as many merges of characters and of bytes. */
function drawText(root, { text, learned, n, level }, voice) {
  const { say } = voice, sizes = [["characters", [...text].length], ["bytes", inBytes(text).length]];
  root.querySelector(".own .help").textContent = counts(sizes, voice);
  for (const [name, other] of Object.entries(learned)) {
    const box = root.querySelector(`[data-level="${name}"]`), ids = encode(other, n, text);
    box.classList.toggle("current", name === level);
    box.querySelector("b").textContent = nTokens(ids.length, voice);
    box.querySelector(".chips").innerHTML = html`${ids.map((id) => chip(other, id, { number: true }))}`;
    box.querySelector(".help").textContent = name === "bytes" ? signs(text, say) : ids.some((id) => typeof id === "string") ? say("unknown") : "";
  }
}

function draw(root, model, voice, remember) {
  const view = read(model, remember), text = sentence(view, voice), summary = root.querySelector(".summary");
  drawControls(root, model, view, voice);
  drawWords(root, view, voice);
  drawVocabulary(root, view, voice);
  drawText(root, view, voice);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

function connect(root, model, remember) {
  root.addEventListener("input", ({ target }) => {
    const { name, type } = target, value = clean(target.value);
    if (name === "text") save(model, { text: value });
    else if (name === "n_merge") save(model, { n_merge: Number(value) });
    else if (type === "radio") save(model, { n_merge: Math.min(model.get("n_merge"), remember(model.get("corpus"), value).merges.length), level: value });
    else save(model, { n_merge: 0, corpus: value }); // written by hand, or chosen among the examples
  });
  root.querySelector("textarea").addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab would keep Enter for itself
  root.addEventListener("click", ({ target }) => {
    if (!target.matches("button")) return;
    const { n, now } = read(model, remember), all = now.merges.length;
    const next = { start: 0, back: Math.max(n - 1, 0), next: Math.min(n + 1, all), end: all }[target.name];
    save(model, { n_merge: next });
  });
}

function render(view) {
  const remember = memory();
  return live(view, CHOICES, ["examples", "lang"], () => {
    const lang = view.model.get("lang"), voice = { say: texts(WORDS, lang), fmt: numbers(lang), plural: new Intl.PluralRules(lang) };
    const root = build(view.el, view.model, voice.say);
    connect(root, view.model, remember);
    return () => draw(root, view.model, voice, remember);
  });
}

export default { render };
