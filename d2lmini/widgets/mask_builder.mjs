// Mask builder: who sees whom, place by place, and the line of Python that says the same.

import { html, live, mount, rovingGrid, save, texts, uniqueId } from "./shared.mjs";
import { architecture, relations } from "./architecture.mjs";

export const WORDS = {
  fr: {
    kind: "Architecture", full: "BERT : tout le monde voit tout le monde", causal: "GPT : chacun voit le passé",
    prefix: "Préfixe : le début est lu en entier", "encoder-decoder": "Encodeur–décodeur : trois masques",
    window: "Fenêtre glissante : chacun voit les derniers jetons", padding: "Remplissage : personne ne voit la fin",
    size_prefix: "Longueur du préfixe", size_window: "Largeur de la fenêtre", size_padding: "Vrais jetons",
    tokens: "{n} jetons", token: "{n} jeton", reset: "Réinitialiser",
    self: "Le masque", source: "Encodeur : source → source", target: "Décodeur : cible → cible", cross: "Croisée : cible → source",
    never: "La source ne voit jamais la cible : l’encodeur finit de lire avant que le décodeur n’écrive.",
    axes: "ligne : qui regarde ; colonne : qui est regardé", sees: "« {token} » voit", seen: "« {token} » est vu par",
    cell_open: "« {query} » voit « {key} »", cell_closed: "« {query} » ne voit pas « {key} »",
    chip_yes: " : oui", chip_no: " : non",
    summary: "« {token} » voit {sees} et est vu par {seen}. En tout, {open} cases ouvertes sur {all}.",
    blind: "« {token} » ne voit personne : tous ses poids valent 0.",
    changed: "{n} cases changées à la main.", changed_one: "1 case changée à la main.",
    legend_open: "voit", legend_closed: "ne voit pas",
    help: "Flèches, Origine, Fin : se déplacer. Espace, Entrée ou clic : ouvrir ou fermer une case.",
    code: "La même chose en Python", table: "En tableau : chaque jeton, qui il voit, qui le voit", name: "jeton", sees_column: "voit", seen_column: "est vu par",
    nobody: "personne",
  },
  en: {
    kind: "Architecture", full: "BERT: everyone sees everyone", causal: "GPT: each sees the past",
    prefix: "Prefix: the beginning is read as a whole", "encoder-decoder": "Encoder–decoder: three masks",
    window: "Sliding window: each sees the last tokens", padding: "Padding: nobody sees the end",
    size_prefix: "Length of the prefix", size_window: "Width of the window", size_padding: "Real tokens",
    tokens: "{n} tokens", token: "{n} token", reset: "Reset",
    self: "The mask", source: "Encoder: source → source", target: "Decoder: target → target", cross: "Cross: target → source",
    never: "The source never sees the target: the encoder has read everything before the decoder writes.",
    axes: "row: who looks; column: who is looked at", sees: "“{token}” sees", seen: "“{token}” is seen by",
    cell_open: "“{query}” sees “{key}”", cell_closed: "“{query}” does not see “{key}”",
    chip_yes: ": yes", chip_no: ": no",
    summary: "“{token}” sees {sees} and is seen by {seen}. In all, {open} places are open out of {all}.",
    blind: "“{token}” sees nobody: all its weights are 0.",
    changed: "{n} places changed by hand.", changed_one: "1 place changed by hand.",
    legend_open: "sees", legend_closed: "does not see",
    help: "Arrows, Home, End: move. Space, Enter or click: open or close a place.",
    code: "The same in Python", table: "As a table: each token, whom it sees, who sees it", name: "token", sees_column: "sees", seen_column: "is seen by",
    nobody: "nobody",
  },
};

export const KINDS = ["full", "causal", "prefix", "encoder-decoder", "window", "padding"];
const SIZES = ["prefix", "window", "padding"]; // the kinds with a slider; each trait is named like its kind
const CHOICES = [...SIZES, "focus", "flips"];
const STRUCTURE = ["tokens", "source", "kind", "lang"];

// --- what is shown: pure functions --------------------------------------------------------------------

/** The lines of Python that build the same masks with d2lmini.masks. */
export function python(kind, { parts }, size, flips) {
  return parts.flatMap(({ name, allowed }, p) => {
    const variable = name === "self" ? "mask" : `${name}_mask`, n = allowed.length, nKey = allowed[0].length;
    const line = {
      causal: `masks.causal(${n})`, target: `masks.causal(${n})`,
      prefix: `masks.prefix(${n}, ${size})`, window: `masks.sliding_window(${n}, ${size})`,
      padding: `masks.padding(torch.tensor(${size}), ${n}).repeat(${n}, 1)`,
    }[name === "self" ? kind : name] ?? `torch.ones(${n}, ${nKey}, dtype=torch.bool)`;
    const places = flips.filter(([part, i, j]) => part === p && i < n && j < nKey).map(([, i, j]) => `${variable}[${i}, ${j}] = ${allowed[i][j] ? "True" : "False"}`);
    return [`${variable} = ${line}`, ...places];
  }).join("\n");
}

/** The flips with one place turned over, or back. */
export function turnOver(flips, place) {
  const others = flips.filter((flip) => flip.join() !== place.join());
  return others.length === flips.length ? [...flips, place] : others;
}

function read(model) {
  const kind = model.get("kind"), size = SIZES.includes(kind) ? model.get(kind) : 0, flips = model.get("flips");
  const scene = architecture(kind, model.get("tokens"), model.get("source"), size, flips);
  return { kind, size, flips, scene, focus: Math.min(model.get("focus"), scene.tokens.length - 1) };
}

// --- the page ------------------------------------------------------------------------------------------

function controls(say, id, n) {
  const size = (kind) => html`<label data-for="${kind}">${say(`size_${kind}`)}
    <input name="${kind}" type="range" min="${kind === "prefix" ? 0 : 1}" max="${n}" step="1"><output></output></label>`;
  return html`<div class="controls">
    <label>${say("kind")} <select name="kind">${KINDS.map((kind) => html`<option value="${kind}">${say(kind)}</option>`)}</select></label>
    ${SIZES.map(size)} <button type="button" name="reset">${say("reset")}</button>
  </div><p class="summary" role="status" aria-live="polite"></p>`;
}

function grid({ name, allowed, row0, column0 }, p, tokens, say, id) {
  const cell = (i, j) => html`<td data-i="${i}" data-j="${j}" tabindex="${i || j ? -1 : 0}"></td>`;
  return html`<div class="scroll block-${name}"><table role="grid" data-part="${p}" aria-labelledby="${id}-${name}" aria-describedby="${id}-help">
    <caption id="${id}-${name}">${say(name)}</caption>
    <thead><tr><td></td>${allowed[0].map((_, j) => html`<th scope="col"><span>${tokens[column0 + j]}</span></th>`)}</tr></thead>
    <tbody>${allowed.map((row, i) => html`<tr><th scope="row">${tokens[row0 + i]}</th>${row.map((_, j) => cell(i, j))}</tr>`)}</tbody>
  </table></div>`;
}

function chips(tokens, direction) {
  return html`<div class="line" data-direction="${direction}"><span class="who"></span> <ul>${tokens.map((token) => html`<li>${token}<span class="unseen"></span></li>`)}</ul></div>`;
}

function build(el, model, say) {
  const id = uniqueId(), { scene } = read(model), { tokens, parts } = scene;
  const cells = (token) => html`<tr><th scope="row">${token}</th><td></td><td></td></tr>`;
  const root = mount(el, "masks", model.get("lang"), html`${controls(say, id, model.get("tokens").length)}
    <div class="views">
      <div><div class="grids">${parts.map((part, p) => grid(part, p, tokens, say, id))}${parts.length > 1 ? html`<p class="never">${say("never")}</p>` : ""}</div>
        <p class="legend"><span><i class="open"></i> ${say("legend_open")}</span> <span><i class="blocked"></i> ${say("legend_closed")}</span> <span>${say("axes")}</span></p>
        <p class="help" id="${id}-help">${say("help")}</p></div>
      <div class="side">${chips(tokens, "sees")}${chips(tokens, "seen")}
        <p class="code-title">${say("code")}</p><pre><code></code></pre></div>
    </div>
    <details><summary>${say("table")}</summary><div class="scroll" role="group" tabindex="0" aria-label="${say("table")}"><table class="relations">
      <thead><tr><th scope="col">${say("name")}</th><th scope="col">${say("sees_column")}</th><th scope="col">${say("seen_column")}</th></tr></thead>
      <tbody>${tokens.map(cells)}</tbody></table></div></details>`);
  return root;
}

function drawControls(root, model, say) {
  root.querySelector('[name="kind"]').value = model.get("kind");
  for (const kind of SIZES) {
    const field = root.querySelector(`[name="${kind}"]`), n = model.get(kind);
    field.value = n;
    field.nextElementSibling.textContent = n;
    field.setAttribute("aria-valuetext", say(n < 2 ? "token" : "tokens", { n }));
    field.parentElement.hidden = model.get("kind") !== kind;
  }
  root.querySelector('[name="reset"]').disabled = !model.get("flips").length;
}

function drawGrid(table, { allowed, row0, column0 }, part, { scene, flips, focus }, say) {
  [...table.tBodies[0].rows].forEach((row, i) => {
    row.classList.toggle("chosen", row0 + i === focus);
    [...row.cells].slice(1).forEach((cell, j) => {
      const open = allowed[i][j], values = { query: scene.tokens[row0 + i], key: scene.tokens[column0 + j] };
      cell.className = open ? "open" : "blocked";
      cell.classList.toggle("of-focus", row0 + i === focus || column0 + j === focus);
      cell.classList.toggle("flipped", flips.some((flip) => flip.join() === [part, i, j].join()));
      cell.setAttribute("aria-label", say(open ? "cell_open" : "cell_closed", values));
    });
  });
  [...table.tHead.rows[0].cells].slice(1).forEach((head, j) => head.classList.toggle("chosen-column", column0 + j === focus));
}

function drawSide(root, { kind, size, flips, scene, focus }, say) {
  const now = relations(scene, focus), token = scene.tokens[focus];
  for (const line of root.querySelectorAll(".line")) {
    const { direction } = line.dataset;
    line.querySelector(".who").textContent = say(direction, { token });
    line.querySelectorAll("li").forEach((chip, other) => {
      const yes = now[direction][other];
      chip.className = yes ? "yes" : "no";
      chip.lastChild.textContent = say(yes ? "chip_yes" : "chip_no");
    });
  }
  root.querySelector("code").textContent = python(kind, scene, size, flips);
  const names = (marks) => scene.tokens.filter((_, other) => marks[other]).join(", ") || say("nobody");
  root.querySelectorAll(".relations tbody tr").forEach((row, i) => {
    const { sees, seen } = relations(scene, i);
    row.cells[1].textContent = names(sees);
    row.cells[2].textContent = names(seen);
  });
}

/** The token in question, in a sentence: whom it sees, who sees it, how full the mask is. */
export function sentence({ scene, flips, focus }, say) {
  const { sees, seen } = relations(scene, focus), token = scene.tokens[focus];
  const count = (marks) => { const n = marks.filter(Boolean).length; return say(n < 2 ? "token" : "tokens", { n }); };
  const cells = scene.parts.flatMap(({ allowed }) => allowed.flat());
  const phrases = [say("summary", { token, sees: count(sees), seen: count(seen), open: cells.filter(Boolean).length, all: cells.length })];
  if (!sees.some(Boolean)) phrases.push(say("blind", { token }));
  if (flips.length) phrases.push(say(flips.length === 1 ? "changed_one" : "changed", { n: flips.length }));
  return phrases.join(" ");
}

function draw(root, model, say) {
  const view = read(model);
  drawControls(root, model, say);
  root.querySelectorAll("[data-part]").forEach((table, p) => drawGrid(table, view.scene.parts[p], p, view, say));
  drawSide(root, view, say);
  const summary = root.querySelector(".summary"), text = sentence(view, say);
  if (summary.textContent !== text) summary.textContent = text; // an unchanged sentence is not said again
}

// A change of the whole mask forgets the single places: what was opened by hand may be open by rule now.
function connect(root, model) {
  root.addEventListener("input", ({ target }) => {
    const value = target.name === "kind" ? target.value : Number(target.value);
    save(model, { flips: [], [target.name]: value });
  });
  root.querySelector('[name="reset"]').addEventListener("click", () => save(model, { flips: [] }));
  root.querySelectorAll("[data-part]").forEach((table, p) => {
    const { row0 } = read(model).scene.parts[p];
    rovingGrid(table, {
      onFocus: (i) => save(model, { focus: row0 + i }),
      onPress: (i, j) => save(model, { flips: turnOver(model.get("flips"), [p, i, j]) }),
    });
  });
}

const render = (view) => live(view, CHOICES, STRUCTURE, () => {
  const say = texts(WORDS, view.model.get("lang")), root = build(view.el, view.model, say);
  connect(root, view.model);
  return () => draw(root, view.model, say);
});

export default { render };
