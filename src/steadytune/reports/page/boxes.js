// Box plots: a panel for each task, a row for each recipe, a mark for each run.

const ROW = 52, AXIS = 40;

function quantile(sorted, share) {
  const place = (sorted.length - 1) * share, low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

// Offsets that set marks of nearly equal place side by side, so that all can be counted.
function swarm(places, size, most) {
  const rows = new Map();
  places.forEach((place, i) => {
    const key = Math.round(place / size);
    rows.set(key, [...(rows.get(key) || []), i]);
  });
  const offsets = new Array(places.length).fill(0);
  for (const members of rows.values()) {
    const gap = Math.min(6, most / Math.max(1, members.length - 1));
    members.forEach((i, k) => { offsets[i] = (k - (members.length - 1) / 2) * gap; });
  }
  return offsets;
}

function drawBox(svg, values, x, y) {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
  const reach = 1.5 * (high - low);
  const ends = [sorted.find((v) => v >= low - reach), sorted.findLast((v) => v <= high + reach)];
  const line = { stroke: "var(--soft)", "stroke-width": 1 };
  shape("line", { ...line, x1: x(ends[0]), x2: x(ends[1]), y1: y, y2: y }, svg);
  shape("rect", { ...line, x: x(low), y: y - 12, width: Math.max(1, x(high) - x(low)), height: 24, fill: "var(--raised)" }, svg);
  shape("line", { stroke: "var(--ink)", "stroke-width": 2, x1: x(middle), x2: x(middle), y1: y - 12, y2: y + 12 }, svg);
}

function drawRow(svg, recipe, runs, x, top, width, metric) {
  const y = top + 32;
  const known = runs.filter((run) => valueOf(run) !== null);
  const values = known.map((run) => metric.scale * valueOf(run));
  const bad = known.filter(isBad).length;
  shape("text", { x: 0, y: top + 12 }, svg, study.recipes[recipe]);
  shape("text", { x: width, y: top + 12, class: "note", "text-anchor": "end" }, svg, `${bad} of ${known.length} failed`);
  if (values.length > 1) drawBox(svg, values, x, y);
  const places = values.map(x), offsets = swarm(places, 7, 26);
  known.forEach((run, i) => {
    const made = mark(run.outcome, places[i], y + offsets[i], colorOf(run), svg);
    if (state.chosen === run) made.classList.add("chosen");
    standsFor(made, run);
  });
}

function drawPanel(parent, group, place) {
  const metric = metricOf(group);
  const panel = element("div", {}, null, parent);
  element("h3", { dir: "auto" }, groupTitle(group), panel);
  const runs = study.runs.filter((run) => run.group === place);
  if (!metric || runs.every((run) => valueOf(run) === null)) {
    element("p", { class: "note" }, "No ended run has this metric.", panel);
    return;
  }
  const recipes = study.recipes.map((_, i) => i);
  const width = panel.clientWidth || 340, height = recipes.length * ROW + AXIS;
  const values = runs.map(valueOf).filter((value) => value !== null).map((value) => metric.scale * value);
  const majority = metric.scale * group.majority[metric.name];
  const range = extent([...values, majority]);
  const x = linear(range[0], range[1], 8, width - 8);
  const svg = canvas(panel, width, height, `${metric.title} of every run on ${group.task}`);
  const base = recipes.length * ROW + 4;
  shape("line", { x1: x(majority), x2: x(majority), y1: 0, y2: base, stroke: "var(--soft)", "stroke-dasharray": "2 3" }, svg);
  bottomAxis(svg, x, range, base, 5, metric.title + (metric.scale === 100 ? " x 100" : ""));
  for (const recipe of recipes) {
    drawRow(svg, recipe, runs.filter((run) => run.recipe === recipe), x, recipe * ROW, width, metric);
  }
}

function drawBoxes() {
  const parent = byId("box-panels");
  parent.replaceChildren();
  study.groups.forEach((group, place) => drawPanel(parent, group, place));
}

function drawShapes() {
  const parent = byId("shapes");
  for (const outcome of ["success", "failed", "diverged"]) {
    const entry = element("span", {}, null, parent);
    mark(outcome, 8, 7, PALETTE[0], canvas(entry, 16, 14, outcome));
    entry.append(outcome);
  }
}
