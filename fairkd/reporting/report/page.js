"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Figures stand on the page's own ground, so that text and lines follow its colours.
  const themed = (layout) => {
    const axis = { gridcolor: colour("--line"), linecolor: colour("--quiet"), zerolinecolor: colour("--quiet") };
    const changes = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", "font.color": colour("--text") };
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) {
        for (const [name, value] of Object.entries(axis)) changes[`${key}.${name}`] = value;
      }
    }
    return changes;
  };
  const plots = [...document.querySelectorAll(".plot")];
  const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
  const draw = (plot) => {
    const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    return Plotly.newPlot(plot, figure.data, figure.layout, options)
      .then(() => Plotly.relayout(plot, themed(plot._fullLayout)));
  };
  Promise.all(plots.map(draw)).then(() => document.documentElement.classList.add("drawn"));
  const repaint = () => plots.forEach((plot) => Plotly.relayout(plot, themed(plot._fullLayout)));
  dark.addEventListener("change", repaint);
  matchMedia("print").addEventListener("change", repaint);

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
