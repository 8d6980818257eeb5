"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paper = matchMedia("print");
  const plots = [...document.querySelectorAll(".plot")];
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const settings = read("settings");
  const look = () => (dark.matches && !paper.matches ? settings.dark : settings.light);

  const draw = (plot) => {
    const { data, layout } = read(plot.dataset.figure);
    return Plotly.newPlot(plot, data, { ...layout, template: look() }, settings.options);
  };
  const fit = () => (paper.matches ? { width: 660 } : { width: null, autosize: true });
  const repaint = () => plots.forEach((plot) => Plotly.relayout(plot, { template: look(), ...fit() }));
  Promise.all(plots.map(draw)).then(() => document.documentElement.classList.add("drawn"));
  dark.addEventListener("change", repaint);
  paper.addEventListener("change", repaint);

  const value = (cell) => {
    const given = cell.dataset.value;
    return given === undefined ? cell.textContent.trim() : Number(given);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") {
      return Number.isNaN(a) - Number.isNaN(b) || a - b;
    }
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  };
  for (const section of document.querySelectorAll(".tabled")) {
    const body = section.querySelector("tbody");
    const headings = [...section.querySelectorAll("th")];
    headings.forEach((heading, column) => heading.firstElementChild.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => compare(value(a.cells[column]), value(b.cells[column])));
      body.append(...(down ? rows.reverse() : rows));
    }));
    const input = section.querySelector("input");
    if (!input) continue;
    const count = section.querySelector("output");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      count.value = words.length ? `${shown} of ${body.rows.length} rows` : `${shown} rows`;
    });
  }
})();
