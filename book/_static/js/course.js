// What the pages do by themselves: remember the language, change theme, explain terms on the spot, scroll with the keyboard.
(() => {
  const root = document.documentElement;
  const store = {
    // Storage may be refused (private windows, files opened from a disk): the page works without.
    set(key, value) { try { localStorage.setItem(key, value); } catch { /* not remembered */ } },
  };

  // --- language: a reader who chose once is not asked again
  store.set("language", root.lang.slice(0, 2));
  const other = document.querySelector(".language-switch");
  other?.addEventListener("click", () => store.set("language", other.lang));

  // --- theme
  const toggle = document.querySelector(".theme-toggle");
  const showTheme = () => toggle?.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
  toggle?.addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = root.dataset.mode = theme;
    store.set("mode", theme);
    store.set("theme", theme);
    showTheme();
  });
  new MutationObserver(showTheme).observe(root, { attributeFilter: ["data-theme"] });
  showTheme();

  // --- menus close when the reader looks elsewhere
  document.addEventListener("click", ({ target }) => {
    for (const menu of document.querySelectorAll(".tool-menu[open]")) if (!menu.contains(target)) menu.open = false;
  });
  document.addEventListener("keydown", ({ key }) => {
    const menu = document.querySelector(".tool-menu[open]");
    if (key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // --- notes: definitions and references, on hover, on focus, and at the first touch
  const note = Object.assign(document.createElement("div"), { id: "note", className: "note", hidden: true });
  note.setAttribute("role", "tooltip");
  document.querySelector("main")?.append(note);
  let shown = null, timer = 0;
  function hide() {
    clearTimeout(timer);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    note.hidden = true;
  }
  function show(link) {
    clearTimeout(timer);
    if (shown === link) return;
    hide();
    shown = link;
    note.textContent = link.dataset.note;
    note.hidden = false;
    link.setAttribute("aria-describedby", "note");
    const box = link.getClientRects()[0], edge = 8;
    const below = box.bottom + note.offsetHeight + edge < innerHeight;
    note.style.left = `${Math.max(edge, Math.min(box.left, root.clientWidth - note.offsetWidth - edge))}px`;
    note.style.top = `${below ? box.bottom + 4 : box.top - note.offsetHeight - 4}px`;
  }
  const later = () => { clearTimeout(timer); timer = setTimeout(hide, 200); };
  for (const link of document.querySelectorAll("a[data-note]")) {
    let touched = false;
    link.addEventListener("pointerdown", (event) => { touched = event.pointerType !== "mouse"; });
    link.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") show(link); });
    link.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") later(); });
    link.addEventListener("focus", () => { if (!touched) show(link); });
    link.addEventListener("blur", hide);
    link.addEventListener("click", (event) => {
      if (!touched || shown === link) return;
      event.preventDefault(); // the first touch explains, the second one follows
      show(link);
    });
  }
  note.addEventListener("pointerenter", () => clearTimeout(timer));
  note.addEventListener("pointerleave", later);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("pointerdown", ({ target }) => { if (!shown?.contains(target) && !note.contains(target)) hide(); });
  addEventListener("scroll", hide, { passive: true });

  // --- whatever scrolls sideways can be reached and scrolled with the keyboard
  const wide = "pre, .math, .output, .table-scroll";
  function reach() {
    for (const box of document.querySelectorAll(`main :is(${wide})`)) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible";
      if (scrolls) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
  for (const table of document.querySelectorAll("main article table")) {
    if (table.closest(".widget, .table-scroll")) continue;
    const box = Object.assign(document.createElement("div"), { className: "table-scroll" });
    table.replaceWith(box);
    box.append(table);
  }
  addEventListener("load", reach);
  addEventListener("resize", reach);
})();
