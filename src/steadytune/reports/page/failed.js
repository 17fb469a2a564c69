// Small loss curves in the cards of runs that failed, drawn when their cell is opened.

function drawSpark(card) {
  const run = study.runs.find((one) => one.id === card.dataset.run);
  const parent = card.querySelector(".spark");
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
}

function drawSparks(details) {
  if (details.open) for (const card of details.querySelectorAll(".card")) drawSpark(card);
}

function startFailed() {
  const all = document.querySelectorAll("#failed details");
  for (const details of all) {
    details.addEventListener("toggle", () => drawSparks(details));
    drawSparks(details);
  }
  window.addEventListener("beforeprint", () => {
    for (const details of all) { details.open = true; drawSparks(details); }
  });
}
