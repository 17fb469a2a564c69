// The cards of runs that failed: a small loss curve with the step of the verdict, drawn when their
// cell is opened, and the way from a card to its line among all curves.

function runOf(card) {
  return study.runs.find((one) => one.id === card.dataset.run);
}

function drawOnset(svg, run, x, y1, y2) {
  if (run.onset === undefined) return;
  const at = x(run.onset);
  shape("line", { class: "onset", x1: at, x2: at, y1, y2, stroke: "var(--ink)", "stroke-dasharray": "1 2" }, svg);
}

function drawSpark(card) {
  const run = runOf(card), parent = card.querySelector(".spark");
  if (!run || !run.curve.x.length || parent.firstChild) return;
  const width = parent.clientWidth || 240, height = 92;
  const range = [0, run.total], heights = extent([0, ...run.curve.y]);
  const x = linear(0, run.total, 30, width - 4), y = linear(heights[0], heights[1], height - 20, 6);
  const svg = canvas(parent, width, height, "training loss by step");
  leftAxis(svg, y, heights, 30, width - 4, 2);
  const axis = shape("g", { class: "axis" }, svg);
  shape("text", { x: 30, y: height - 5 }, axis, "training loss");
  shape("text", { x: width - 4, y: height - 5, "text-anchor": "end" }, axis, `step ${run.total}`);
  shape("path", { d: path({ ...run.curve, scale: 1 }, x, y, range), fill: "none", stroke: BAD, "stroke-width": 1.5 }, svg);
  drawOnset(svg, run, x, 6, height - 20);
}

function drawSparks(cell) {
  if (cell.open) for (const card of cell.querySelectorAll(".card")) drawSpark(card);
}

// The link's own target scrolls there.
function showAmongCurves(run) {
  byId("curve-group").value = run.group;
  byId("curve-recipe").value = "";
  byId("curve-kind").value = "training loss";
  curves.range = null;
  if (state.chosen === run) changed();
  else choose(run);
}

function startFailed() {
  for (const card of document.querySelectorAll("#failed .card")) {
    const run = runOf(card);
    if (!run) continue;
    if (card.dataset.verdict) run.verdict = card.dataset.verdict;
    if (card.dataset.onset) run.onset = Number(card.dataset.onset);
    card.querySelector(".to-curve").addEventListener("click", () => showAmongCurves(run));
  }
  const cells = document.querySelectorAll("#failed > details");
  for (const cell of cells) {
    cell.addEventListener("toggle", () => drawSparks(cell));
    drawSparks(cell);
  }
  window.addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
    for (const cell of cells) drawSparks(cell);
  });
}
