// The list of runs: sorted by any column, filtered by text and outcome.

const sorting = { column: 0, down: false };

const COLUMNS = [
  ["recipe", (run) => study.recipes[run.recipe]],
  ["task", (run) => groupTitle(study.groups[run.group])],
  ["seed", (run) => run.seed, true],
  ["outcome", whatBecame],
  ["metric", valueOf, true],
  ["training loss", (run) => run.loss, true],
  ["steps", (run) => run.step, true],
  ["best at step", (run) => (run.best ? run.best.step : null), true],
  ["seconds", (run) => run.seconds, true],
  ["id", (run) => run.id],
];

function cellText(run, name, value) {
  if (value === null) return "-";
  if (name === "metric") return shown(value, metricOf(study.groups[run.group]).scale);
  if (name === "seconds") return value >= 100 ? Math.round(value).toString() : value.toString();
  return String(value);
}

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  const x = Number(a), y = Number(b);
  if (a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return String(a).localeCompare(String(b));
}

function wanted(run) {
  const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [...COLUMNS.map(([, of]) => of(run)), run.verdict].join(" ").toLowerCase();
  const only = byId("only").value;
  return words.every((word) => text.includes(word)) && (!only || whatBecame(run) === only);
}

function drawHeadings() {
  const row = element("tr");
  COLUMNS.forEach(([name, , number], i) => {
    const arrow = sorting.column === i ? (sorting.down ? " \u25bc" : " \u25b2") : "";
    const heading = element("th", { class: number ? "number" : "", scope: "col", tabindex: 0 }, name + arrow, row);
    heading.setAttribute("aria-sort", arrow ? (sorting.down ? "descending" : "ascending") : "none");
    const sort = () => {
      sorting.down = sorting.column === i && !sorting.down;
      sorting.column = i;
      drawRuns();
    };
    heading.addEventListener("click", sort);
    heading.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
  byId("run-table").tHead.replaceChildren(row);
}

function drawRuns() {
  drawHeadings();
  const of = COLUMNS[sorting.column][1], sign = sorting.down ? -1 : 1;
  const runs = study.runs.filter(wanted);
  runs.sort((a, b) => {
    const x = of(a), y = of(b);
    return x === null || y === null ? compare(x, y) : sign * compare(x, y);
  });
  const rows = runs.map((run) => {
    const row = element("tr", { "data-run": run.id, class: state.chosen === run ? "chosen" : "" });
    for (const [name, value, number] of COLUMNS) {
      const cell = element("td", { class: number ? "number" : "" }, null, row);
      const text = cellText(run, name, value(run));
      if (name === "outcome") element("span", { class: `mark ${whatBecame(run)}` }, text, cell);
      else element("bdi", {}, text, cell);
    }
    row.addEventListener("click", () => choose(run));
    return row;
  });
  byId("run-table").tBodies[0].replaceChildren(...rows);
  byId("shown").textContent = `${runs.length} of ${study.runs.length} runs`;
}

function startRuns() {
  for (const one of new Set(study.runs.map(whatBecame))) option(byId("only"), one, one);
  byId("find").addEventListener("input", drawRuns);
  byId("only").addEventListener("change", drawRuns);
}
