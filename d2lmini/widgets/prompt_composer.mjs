// Prompt composer: an instruction, examples, a question, as text or as a chat; the prompt token by token, and what each part costs.

import { html, live, mount, numbers, save, texts, uniqueId } from "./shared.mjs";
import { BYTES, byteCodes, encoder, visible } from "./byte_bpe.mjs";

export const WORDS = {
  fr: {
    task: "Tâche", instructed: "écrire l’instruction", shots: "Exemples", order: "Ordre", given: "tel quel", reversed: "à l’envers", shortest: "les plus courts d’abord",
    layout: "Présentation", arrow: "question => réponse", colon: "question : réponse", labels: "Question, puis Réponse", as_chat: "gabarit de dialogue",
    context: "Fenêtre de contexte", of_tokens: "{n} jetons", question: "La question, que vous pouvez récrire", other: "Une autre question", own: "la vôtre",
    zero: "sans exemple (zero-shot)", one: "à un exemple (one-shot)", few: "à {n} exemples (few-shot)",
    one_token: "{n} jeton", many_tokens: "{n} jetons",
    summary: "Amorce {kind} : {tokens}, {share} % d’une fenêtre de {context}.",
    each: "Un exemple coûte {cost} jetons en moyenne ; il en tiendrait encore {room} environ.", full: "Un exemple coûte {cost} jetons en moyenne : il n’y a plus de place pour un autre.",
    over: "Elle déborde de {tokens} : le modèle n’en lirait qu’une partie, ou la refuserait.",
    silent: "Sans instruction ni exemple, rien ne dit ce qui est demandé.",
    system: "Sans instruction, le gabarit de SmolLM2 écrit un message de système à lui.",
    prompt: "L’amorce, exactement", prompt_note: "un cadre par jeton, l’espace est dans le jeton qu’elle commence ; ↵ : fin de ligne",
    instruction: "instruction", examples: "exemples", asked: "question", template: "gabarit", goes_on: "le modèle continue ici",
    bill: "Ce que coûte chaque partie", part: "partie", tokens: "jetons", share: "part",
    free: "place libre", percent: "{n} %", ladder: "Ce que coûte chaque exemple de plus", number_of: "exemples", too_long: "déborde",
    help: "Un vocabulaire de {n} jetons, appris pour cette page. Avec un plus grand, une amorce en compte moins. Bloc plein : un jeton spécial, qu’aucun texte n’écrit. ⟨C3⟩ : un octet, quand un caractère est coupé en plusieurs jetons.",
    table: "En tableau : chaque jeton et son numéro", rank: "rang", token: "jeton", id: "numéro", special: "spécial",
  },
  en: {
    task: "Task", instructed: "write the instruction", shots: "Examples", order: "Order", given: "as given", reversed: "backwards", shortest: "the shortest first",
    layout: "Layout", arrow: "question => answer", colon: "question: answer", labels: "Question, then Answer", as_chat: "chat template",
    context: "Context window", of_tokens: "{n} tokens", question: "The question, which you may rewrite", other: "Another question", own: "yours",
    zero: "without examples (zero-shot)", one: "with one example (one-shot)", few: "with {n} examples (few-shot)",
    one_token: "{n} token", many_tokens: "{n} tokens",
    summary: "Prompt {kind}: {tokens}, {share}% of a window of {context}.",
    each: "An example costs {cost} tokens on average; about {room} more would fit.", full: "An example costs {cost} tokens on average: there is no room for another.",
    over: "It overflows by {tokens}: the model would read only a part of it, or refuse it.",
    silent: "Without instruction or example, nothing says what is asked.",
    system: "Without an instruction, SmolLM2’s template writes a system message of its own.",
    prompt: "The prompt, exactly", prompt_note: "one frame a token, a space is in the token that it begins; ↵: end of line",
    instruction: "instruction", examples: "examples", asked: "question", template: "template", goes_on: "the model goes on here",
    bill: "What each part costs", part: "part", tokens: "tokens", share: "share",
    free: "free room", percent: "{n}%", ladder: "What each further example costs", number_of: "examples", too_long: "overflows",
    help: "A vocabulary of {n} tokens, learned for this page. With a larger one a prompt has fewer. Filled block: a special token, which no text writes. ⟨C3⟩: a byte, when a character is cut into several tokens.",
    table: "As a table: each token and its number", rank: "rank", token: "token", id: "number", special: "special",
  },
};

const CHOICES = ["task", "instructed", "shots", "order", "layout", "chat", "question", "context"];
export const ORDERS = ["given", "reversed", "shortest"], LAYOUTS = ["arrow", "colon", "labels"], CONTEXTS = [128, 256, 512, 1024, 2048, 4096, 8192], MAX_SHOTS = 8;
const START = "<|im_start|>", END = "<|im_end|>";
const SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"; // what SmolLM2's template says where nobody does
const PARTS = { instruction: "instruction", examples: "examples", question: "asked", template: "template" }; // part: its text

// --- pure functions, compared with Python's -----------------------------------------------------------------

/** The vocabulary that Python packed, as byte_bpe.mjs wants it, with what it takes to cut a text. */
export function unpackBpe(vocabulary, merges) {
  const tokens = vocabulary.split("\n"), ids = new Map(tokens.map((token, id) => [token, id]));
  const number = (k) => merges.getUint16(2 * k, true);
  const pairs = Array.from({ length: merges.byteLength / 4 }, (_, k) => {
    const left = number(2 * k), right = number(2 * k + 1);
    return { left, right, id: ids.get(tokens[left] + tokens[right]) };
  });
  return { tokens, ids, cut: encoder({ level: "bytes", ids, merges: pairs }, pairs.length) };
}

/** The examples in the order that was chosen. */
export function arrange(examples, order) {
  const length = (pair) => [...pair.join("")].length;
  if (order === "shortest") return [...examples].sort((a, b) => length(a) - length(b));
  return order === "reversed" ? [...examples].reverse() : examples;
}

/** The prompt as pieces {part, text}: a conversation in SmolLM2's template, or plain text. */
export function compose({ instruction, examples, order, shots, question, instructed, chat, layout: [before, after, end] }) {
  const solved = arrange(examples, order).slice(0, shots), piece = (part, text) => ({ part, text });
  if (!chat) {
    return [...(instructed ? [piece("instruction", `${instruction}\n`)] : []),
      ...solved.map(([asked, answer]) => piece("examples", `${before}${asked}${after} ${answer}${end}`)), piece("question", `${before}${question}${after}`)];
  }
  const message = (role, part, content) => [piece("special", START), piece("template", `${role}\n`), piece(part, content), piece("special", END), piece("template", "\n")];
  return [...(instructed ? message("system", "instruction", instruction) : message("system", "template", SYSTEM)),
    ...solved.flatMap(([asked, answer]) => [...message("user", "examples", asked), ...message("assistant", "examples", answer)]),
    ...message("user", "question", question), piece("special", START), piece("template", "assistant\n")];
}

const nBytes = (text) => new TextEncoder().encode(text).length;

/** The tokens of the pieces: {id, part, special}. What stands between two special tokens is cut as one text; a token is of the part where it begins. */
export function tokenize(pieces, { tokens, ids, cut }) {
  const found = [];
  let run = [];
  const flush = () => {
    let at = 0, k = 0, end = run.length ? nBytes(run[0].text) : 0;
    for (const id of cut(run.map(({ text }) => text).join(""))) {
      while (at >= end) end += nBytes(run[++k].text);
      found.push({ id, part: run[k].part, special: false });
      at += tokens[id].length; // one sign a byte
    }
    run = [];
  };
  for (const piece of pieces) {
    if (piece.part !== "special") { run.push(piece); continue; }
    flush();
    found.push({ id: ids.get(piece.text), part: "template", special: true });
  }
  flush();
  return found;
}

/** A token as text; bytes that are no whole character, in base sixteen. */
export function readable(token) {
  const bytes = Uint8Array.from([...token], (sign) => BYTES.indexOf(sign));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return `⟨${byteCodes(token)}⟩`;
  }
}

/** How many tokens each part has. */
export const bill = (found) => Object.fromEntries(Object.keys(PARTS).map((part) => [part, found.filter((token) => token.part === part).length]));

const clean = (text) => text.replace(/\p{Cs}/gu, "\ufffd"); // half a surrogate pair is no character

function read(model, bpe) {
  const choices = Object.fromEntries(CHOICES.map((name) => [name, model.get(name)])), task = model.get("tasks")[choices.task];
  const given = { ...choices, ...task, layout: model.get("layouts")[choices.layout] }, most = Math.min(MAX_SHOTS, task.examples.length);
  const shots = Math.min(choices.shots, most), found = tokenize(compose({ ...given, shots }), bpe);
  const ladder = Array.from({ length: most + 1 }, (_, k) => tokenize(compose({ ...given, shots: k }), bpe).length);
  return { ...choices, shots, most, found, ladder, bpe, questions: task.questions };
}

// --- in words -----------------------------------------------------------------------------------------------

const nTokens = (n, { say, fmt, plural }) => say(plural.select(n) === "one" ? "one_token" : "many_tokens", { n: fmt(n, 0) });
const percent = (x, fmt) => fmt(100 * x, x && x < 0.1 ? 1 : 0);
const kindOf = (shots, { say, fmt }) => say(["zero", "one"][shots] ?? "few", { n: fmt(shots, 0) });

/** What the prompt costs, what an example costs, and what is amiss. */
export function sentence({ shots, found, ladder, context, instructed, chat }, voice) {
  const { say, fmt } = voice, n = found.length, most = ladder.length - 1;
  const phrases = [say("summary", { kind: kindOf(shots, voice), tokens: nTokens(n, voice), share: percent(n / context, fmt), context: fmt(context, 0) })];
  const cost = (ladder[most] - ladder[0]) / most, room = Math.floor((context - n) / cost); // of all the task's examples
  if (n > context) phrases.push(say("over", { tokens: nTokens(n - context, voice) }));
  else phrases.push(say(room ? "each" : "full", { cost: fmt(cost, Number.isInteger(cost) ? 0 : 1), room: fmt(room, 0) }));
  if (!instructed && !shots) phrases.push(say("silent"));
  if (!instructed && chat) phrases.push(say("system"));
  return phrases.join(" ");
}

// --- the page -----------------------------------------------------------------------------------------------

function controls(model, { say, fmt }) {
  const option = (value, text) => html`<option value="${value}">${text}</option>`, tasks = Object.entries(model.get("tasks"));
  const select = (name, options) => html`<label data-for="${name}">${say(name)} <select name="${name}">${options}</select></label>`;
  const check = (name, key) => html`<label><input name="${name}" type="checkbox">${say(key)}</label>`;
  return html`<div class="controls">${select("task", tasks.map(([name, { title }]) => option(name, title)))}
      <label>${say("shots")} <input name="shots" type="range" min="0" step="1"><output></output></label>
      ${check("instructed", "instructed")} ${check("chat", "as_chat")}</div>
    <div class="controls">${select("layout", LAYOUTS.map((name) => option(name, say(name))))}
      ${select("order", ORDERS.map((name) => option(name, say(name))))}
      ${select("context", CONTEXTS.map((n) => option(n, say("of_tokens", { n: fmt(n, 0) }))))}</div>
    <div class="controls ask"><label class="own">${say("question")}<input name="question" type="text" maxlength="300" spellcheck="false" autocomplete="off"></label>
      <label>${say("other")} <select name="other"></select></label></div>`;
}

function build(el, model, voice) {
  const id = uniqueId(), { say } = voice, parts = Object.keys(PARTS);
  const region = (name, content) => html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-${name}">${content}</div>`;
  return mount(el, "prompt", model.get("lang"), html`${controls(model, voice)}
    <p class="summary" role="status" aria-live="polite"></p>
    <p class="window-bar" aria-hidden="true">${parts.map((part) => html`<i class="of-${part}"></i>`)}</p>
    <div class="views"><div>
      <p class="heading" id="${id}-prompt">${say("prompt")} <small>${say("prompt_note")}</small></p>
      <div class="prompt-text" role="group" tabindex="0" aria-labelledby="${id}-prompt"></div></div>
    <div class="side"><p class="heading" id="${id}-bill">${say("bill")}</p>${region("bill", html`<table class="bill">
        <thead><tr><th scope="col">${say("part")}</th><th scope="col">${say("tokens")}</th><th scope="col">${say("share")}</th></tr></thead>
        <tbody>${[...parts, "free"].map((part) => html`<tr data-part-of="${part}"><th scope="row"><i class="of-${part}"></i> ${say(PARTS[part] ?? "free")}</th><td></td><td></td></tr>`)}</tbody></table>`)}
      <p class="heading" id="${id}-ladder">${say("ladder")}</p>${region("ladder", html`<table class="ladder">
        <thead><tr><th scope="col">${say("number_of")}</th><th scope="col" colspan="2">${say("tokens")}</th></tr></thead><tbody></tbody></table>`)}</div></div>
    <p class="help vocabulary-size"></p>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="tokens">
      <thead><tr>${["rank", "token", "id", "part"].map((key) => html`<th scope="col">${say(key)}</th>`)}</tr></thead><tbody></tbody></table></div></details>`);
}

function drawControls(root, view, voice) {
  const field = (name) => root.querySelector(`[name="${name}"]`), shots = field("shots");
  for (const name of ["task", "order", "layout", "context", "question"]) if (field(name).value !== String(view[name])) field(name).value = view[name];
  for (const name of ["instructed", "chat"]) field(name).checked = view[name];
  shots.max = view.most;
  shots.value = view.shots;
  shots.nextElementSibling.textContent = voice.fmt(view.shots, 0);
  shots.setAttribute("aria-valuetext", kindOf(view.shots, voice));
  field("layout").parentElement.hidden = view.chat; // the template lays out the turns itself
  const other = view.questions.map((question) => html`<option value="${question}">${question}</option>`);
  field("other").innerHTML = html`${view.questions.includes(view.question) ? "" : html`<option value="">${voice.say("own")}</option>`}${other}`;
  field("other").value = view.questions.includes(view.question) ? view.question : "";
}

/** A text as it is, but for its ends of lines, marked and kept, and for what else can't be seen, named. */
export const legible = (text) => text.split(/([ \n])/).map((part) => part === " " ? part : part === "\n" ? "↵\n" : visible(part)).join("");

/** A token in its frame; the end of its last line stays outside, or the frame would go on below. */
function frame({ id, part, special }, k, { tokens }) {
  if (special) return html`<span class="piece reserved" title="${id}">${tokens[id]}</span>`;
  const text = legible(readable(tokens[id])), ends = text.endsWith("\n");
  return html`<span class="piece of-${part}${k % 2 ? " tinted" : ""}" title="${id}">${ends ? text.slice(0, -1) : text}</span>${ends ? "\n" : ""}`;
}

function drawBill(root, { found, context, ladder, shots }, { say, fmt }) {
  const counts = bill(found), n = found.length, whole = Math.max(n, context);
  for (const [part, count] of [...Object.entries(counts), ["free", Math.max(context - n, 0)]]) {
    const row = root.querySelector(`[data-part-of="${part}"]`), segment = root.querySelector(`.window-bar .of-${part}`);
    row.cells[1].textContent = fmt(count, 0);
    row.cells[2].textContent = say("percent", { n: percent(count / context, fmt) });
    if (segment) segment.style.width = `${100 * count / whole}%`;
  }
  const most = Math.max(...ladder);
  root.querySelector(".ladder tbody").innerHTML = html`${ladder.map((count, k) => html`<tr class="${k === shots ? "chosen" : ""}"><th scope="row">${fmt(k, 0)}</th><td>${fmt(count, 0)}</td>
    <td class="bar"><i></i>${count > context ? html` <small>${say("too_long")}</small>` : ""}</td></tr>`)}`;
  root.querySelectorAll(".ladder i").forEach((bar, k) => { bar.style.width = `${Math.round(90 * ladder[k] / most)}px`; });
}

function drawTable(root, { found, bpe }, { say, fmt }) {
  root.querySelector(".tokens tbody").innerHTML = html`${found.map(({ id, part, special }, k) => html`<tr><td>${fmt(k + 1, 0)}</td>
    <th scope="row">${special ? bpe.tokens[id] : visible(readable(bpe.tokens[id]))}</th><td>${id}</td><td>${special ? say("special") : say(PARTS[part])}</td></tr>`)}`;
}

function draw(root, model, voice, bpe) {
  const view = read(model, bpe), summary = root.querySelector(".summary"), text = sentence(view, voice);
  drawControls(root, view, voice);
  root.querySelector(".prompt-text").innerHTML = html`${view.found.map((token, k) => frame(token, k, bpe))}<span class="goes-on">▸ ${voice.say("goes_on")}</span>`;
  root.querySelector(".vocabulary-size").textContent = voice.say("help", { n: voice.fmt(bpe.tokens.length, 0) });
  drawBill(root, view, voice);
  drawTable(root, view, voice);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

function connect(root, model) {
  root.addEventListener("input", ({ target: { name, type, checked, value } }) => {
    if (name === "other") { if (value) save(model, { question: value }); return; }
    if (name === "task") save(model, { task: value, question: model.get("tasks")[value].questions[0] });
    else save(model, { [name]: type === "checkbox" ? checked : name === "shots" || name === "context" ? Number(value) : clean(value) });
  });
}

const render = (view) => live(view, CHOICES, ["vocabulary", "merges", "tasks", "layouts", "lang"], () => {
  const { model, el } = view, lang = model.get("lang"), voice = { say: texts(WORDS, lang), fmt: numbers(lang), plural: new Intl.PluralRules(lang) };
  const bpe = unpackBpe(model.get("vocabulary"), model.get("merges")), root = build(el, model, voice);
  connect(root, model);
  return () => draw(root, model, voice, bpe);
});

export default { render };
