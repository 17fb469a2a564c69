// Learning curves with a brush: drag over a range of steps to see only it.

const curves = { range: null };

function seriesOf(run, kind) {
  if (kind === "training loss") return { x: run.curve.x, y: run.curve.y, scale: 1 };
  if (kind === "dev loss") return { x: run.dev.x, y: run.dev.loss, scale: 1 };
  const metric = metricOf(study.groups[run.group]);
  return { x: run.dev.x, y: metric ? run.dev[metric.name] || [] : [], scale: metric ? metric.scale : 1 };
}

function curveRuns() {
  const group = Number(byId("curve-group").value), recipe = byId("curve-recipe").value;
  return study.runs.filter((run) => run.group === group && (recipe === "" || run.recipe === Number(recipe)));
}

// The line of a series within a range; a value that is not finite breaks it.
function path(series, x, y, [from, to]) {
  let text = "", pen = "M";
  series.x.forEach((step, i) => {
    const value = series.y[i];
    if (value === null || step < from || step > to) { pen = "M"; return; }
    text += `${pen}${x(step).toFixed(1)} ${y(series.scale * value).toFixed(1)}`;
    pen = "L";
  });
  return text;
}

function curveRange(all) {
  if (curves.range) return curves.range;
  return [0, Math.max(1, ...all.map(([, one]) => (one.x.length ? one.x[one.x.length - 1] : 1)))];
}

function drawCurves() {
  const parent = byId("curve-panel"), kind = byId("curve-kind").value;
  parent.replaceChildren();
  const all = curveRuns().map((run) => [run, seriesOf(run, kind)]);
  byId("curve-reset").disabled = curves.range === null;
  drawCurveLegend(all.map(([run]) => run));
  byId("curve-caption").textContent = captionOf(all, kind);
  if (!all.length) {
    element("p", { class: "note" }, "No run was begun here.", parent);
    return;
  }
  const width = parent.clientWidth || 600, height = Math.max(220, Math.min(360, width * 0.5));
  const range = curveRange(all);
  const seen = all.flatMap(([, one]) => one.y.filter((v, i) => v !== null && one.x[i] >= range[0] && one.x[i] <= range[1]).map((v) => one.scale * v));
  const heights = extent(seen);
  const x = linear(range[0], range[1], 44, width - 8), y = linear(heights[0], heights[1], height - AXIS, 8);
  const svg = canvas(parent, width, height, `${kind} of ${all.length} runs`);
  leftAxis(svg, y, heights, 44, width - 8, 5);
  bottomAxis(svg, x, range, height - AXIS, width > 500 ? 8 : 4, "step");
  all.sort(([a], [b]) => (a === state.chosen) - (b === state.chosen) || isBad(a) - isBad(b));
  for (const [run, series] of all) drawCurve(svg, run, series, path(series, x, y, range), all.length);
  shape("text", { x: 48, y: 18, class: "note" }, svg, kind);
  drawChosenOnset(svg, all.map(([run]) => run), x, range, height);
  brush(svg, x, range, height);
}

function drawCurve(svg, run, series, d, many) {
  const chosen = run === state.chosen, dim = state.chosen && !chosen && curveRuns().includes(state.chosen);
  const look = {
    fill: "none", stroke: isBad(run) ? BAD : colorOf(run), "stroke-width": chosen ? 3 : 1.2,
    "stroke-dasharray": isBad(run) ? "5 2" : "none", opacity: dim ? 0.2 : Math.max(0.35, Math.min(0.8, 12 / many)),
  };
  shape("path", { ...look, class: "curve", d, "data-run": run.id, "pointer-events": "none" }, svg);
  const wide = shape("path", { d, fill: "none", stroke: "transparent", "stroke-width": 9, "pointer-events": "stroke" }, svg);
  explains(wide, () => described(run));
}

// The step from which on the verdict on the marked run shows.
function drawChosenOnset(svg, runs, x, [from, to], height) {
  const run = state.chosen;
  if (!runs.includes(run) || run.onset === undefined || run.onset < from || run.onset > to) return;
  drawOnset(svg, run, x, 8, height - AXIS);
  const late = run.onset > (from + to) / 2;
  shape("text", { x: x(run.onset) + (late ? -5 : 5), y: 34, "text-anchor": late ? "end" : "start" }, svg,
    `${run.verdict}, seed ${run.seed}: since step ${run.onset}`);
}

function drawCurveLegend(runs) {
  const legend = byId("curve-legend");
  legend.replaceChildren();
  for (const recipe of new Set(runs.map((run) => run.recipe))) {
    const entry = element("span", {}, null, legend);
    const svg = canvas(entry, 16, 14, "");
    shape("line", { x1: 0, x2: 16, y1: 7, y2: 7, stroke: PALETTE[recipe % PALETTE.length], "stroke-width": 3 }, svg);
    element("bdi", {}, study.recipes[recipe], entry);
  }
  if (!runs.some(isBad)) return;
  const entry = element("span", {}, null, legend);
  shape("line", { x1: 0, x2: 16, y1: 7, y2: 7, stroke: BAD, "stroke-width": 2, "stroke-dasharray": "5 2" }, canvas(entry, 16, 14, ""));
  entry.append("failed, diverged or crashed");
}

function captionOf(all, kind) {
  const bad = all.filter(([run]) => isBad(run)).length;
  const range = curves.range ? ` Steps ${curves.range.map(Math.round).join(" to ")} only.` : "";
  const means = kind === "training loss" ? " Each point is the mean of consecutive steps, dropout on." : "";
  return `${kind}, all ${all.length} runs that were begun; ${bad} failed, diverged or crashed (dashed).${means}${range}`;
}

function brush(svg, x, [from, to], height) {
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const step = from + (share - x(from)) / (x(to) - x(from)) * (to - from);
    return Math.max(from, Math.min(to, step));
  };
  let start = null, pane = null;
  svg.addEventListener("pointerdown", (event) => {
    start = place(event);
    pane = shape("rect", { class: "brush", y: 8, height: height - AXIS - 8, x: x(start), width: 0 }, svg);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const now = place(event);
    pane.setAttribute("x", x(Math.min(start, now)));
    pane.setAttribute("width", Math.abs(x(now) - x(start)));
  });
  svg.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const ends = [start, place(event)].sort((a, b) => a - b);
    start = null;
    pane.remove();
    if (ends[1] - ends[0] < (to - from) / 50) return;
    curves.range = ends;
    drawCurves();
  });
  svg.addEventListener("pointercancel", () => { start = null; if (pane) pane.remove(); });
}

function startCurves() {
  study.groups.forEach((group, i) => option(byId("curve-group"), i, groupTitle(group)));
  option(byId("curve-recipe"), "", "all recipes");
  study.recipes.forEach((name, i) => option(byId("curve-recipe"), i, name));
  for (const kind of ["training loss", "dev loss", "dev metric"]) option(byId("curve-kind"), kind, kind);
  for (const id of ["curve-group", "curve-recipe", "curve-kind"]) {
    byId(id).addEventListener("change", () => { curves.range = null; drawCurves(); });
  }
  byId("curve-reset").addEventListener("click", () => { curves.range = null; drawCurves(); });
}
