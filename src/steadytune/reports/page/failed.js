// Small loss curves in the cards of runs that failed, drawn when they come into view.

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

function startFailed() {
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) drawSpark(entry.target);
  }, { rootMargin: "300px" });
  for (const card of document.querySelectorAll(".card")) watcher.observe(card);
  window.addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("#failed details")) one.open = true;
    for (const card of document.querySelectorAll(".card")) drawSpark(card);
  });
}
