// Brings the widgets of a static page to life: no kernel, no network, also from file://.
// The page holds each widget's state as JSON and a mark where it is shown; this script runs the code found in the state.
(() => {
  if (globalThis.__d2lHydrated) return; // a page may include the script twice
  globalThis.__d2lHydrated = true;

  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const SORRY = { fr: "Cette figure interactive n’a pas pu démarrer", en: "This interactive figure could not start" };

  function decode(text) {
    return new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  }

  // The part of a Jupyter model that a widget uses.
  function makeModel({ state, buffers = [] }) {
    const values = structuredClone(state), listeners = new Map();
    for (const { path, data } of buffers) {
      const parent = path.slice(0, -1).reduce((node, key) => node[key], values);
      parent[path.at(-1)] = decode(data);
    }
    const model = {
      get: (name) => values[name],
      set(name, value) {
        if (values[name] === value) return;
        values[name] = value;
        for (const call of [...(listeners.get(`change:${name}`) ?? [])]) call(model, value);
        for (const call of [...(listeners.get("change") ?? [])]) call(model);
      },
      on(event, call) { listeners.set(event, (listeners.get(event) ?? new Set()).add(call)); },
      off(event, call) { call ? listeners.get(event)?.delete(call) : listeners.delete(event); },
      save_changes() {}, // nobody else keeps the state
      send() {},
    };
    return model;
  }

  // jslink(a, b) between two widgets of the page.
  function link(states, models) {
    for (const { model_name, state } of Object.values(states)) {
      if (!/^(Directional)?LinkModel$/.test(model_name)) continue;
      const [[source, from], [target, to]] = [state.source, state.target]
        .map(([ref, name]) => [models(ref.replace("IPY_MODEL_", "")), name]);
      source.on(`change:${from}`, (_, value) => target.set(to, value));
      if (model_name === "LinkModel") target.on(`change:${to}`, (_, value) => source.set(from, value));
    }
  }

  function complain(el, error) {
    const lang = document.documentElement.lang.startsWith("fr") ? "fr" : "en";
    el.setAttribute("role", "alert");
    el.textContent = `${SORRY[lang]}${lang === "fr" ? "\u202f" : ""}: ${error}`;
  }

  async function run() {
    const states = Object.assign({}, ...[...document.querySelectorAll(STATE)].map((tag) => JSON.parse(tag.textContent).state));
    const made = new Map(), modules = new Map();
    const models = (id) => made.get(id) ?? made.set(id, makeModel(states[id])).get(id);
    const load = (code) => modules.get(code) // one module for all the widgets of a kind
      ?? modules.set(code, import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })))).get(code);

    link(states, models);
    for (const tag of document.querySelectorAll(VIEW)) {
      const id = JSON.parse(tag.textContent).model_id, code = states[id]?.state._esm;
      if (!code) continue; // not an anywidget
      const el = document.createElement("div");
      tag.after(el);
      try {
        const { default: found } = await load(code);
        const widget = typeof found === "function" ? await found() : found;
        await widget.initialize?.({ model: models(id) });
        await widget.render?.({ model: models(id), el });
        el.dataset.hydrated = "true";
      } catch (error) {
        complain(el, error);
      }
    }
  }

  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", run) : run();
})();
