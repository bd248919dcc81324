// Keys, the theme and forms that answer when a choice changes. Every page works without it.
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  const button = document.querySelector("[data-theme-switch]");
  const label = () => { if (button) button.textContent = isDark() ? "Light" : "Dark"; };
  const redraw = () => { label(); document.dispatchEvent(new CustomEvent("fiscus:theme")); };
  if (button) {
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      document.cookie = `fiscus_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
      redraw();
    });
  }
  system.addEventListener("change", redraw);

  // "/" finds; "g" and a letter jumps, within a second and never while somebody types.
  let waiting = 0;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("q").focus();
    } else if (event.key === "g") {
      waiting = event.timeStamp;
    } else if (waiting && event.timeStamp - waiting < 1000) {
      waiting = 0;
      const link = document.querySelector(`[data-jump="${CSS.escape(event.key)}"]`);
      if (link) link.click();
    }
  });

  // On a phone a table is laid out as cards, which makes some browsers forget that it is one: roles say it again.
  const roles = { table: "table", thead: "rowgroup", tbody: "rowgroup", tfoot: "rowgroup", tr: "row", td: "cell" };
  const name = () => {
    for (const table of document.querySelectorAll("table.cards")) {
      for (const part of [table, ...table.querySelectorAll("thead, tbody, tfoot, tr, td, th")]) {
        const role = roles[part.localName] || (part.scope === "row" ? "rowheader" : "columnheader");
        part.setAttribute("role", role);
      }
    }
  };
  name();
  document.addEventListener("htmx:after:swap", name);

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-send-on-change]");
    if (form && form.checkValidity()) form.requestSubmit();
  });
  const person = document.querySelector(".who select");
  if (person) {
    person.addEventListener("change", () => person.form.requestSubmit());
    person.form.querySelector("button").hidden = true;
  }
})();
