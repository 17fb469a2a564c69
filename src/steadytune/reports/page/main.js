// Set everything up once, draw it, and draw again what depends on switches, marks and width.

function switchTables() {
  for (const table of document.querySelectorAll(".summary")) {
    table.hidden = table.dataset.metric !== state.metric || table.dataset.which !== state.which;
  }
}

function startSwitches() {
  const names = new Map(study.groups.flatMap((group) => group.metrics.map((one) => [one.name, one.title])));
  for (const [name, title] of names) option(byId("metric"), name, title);
  for (const key of ["metric", "which"]) {
    byId(key).addEventListener("change", () => { state[key] = byId(key).value; changed(); });
  }
}

function drawWide() {
  drawBoxes();
  drawCurves();
  drawMatrix();
}

startFailed(); // first: what it reads off the cards is known to everything that is drawn
startSwitches();
startRuns();
startCurves();
startInstability();
drawShapes();
listeners.push(switchTables, drawBoxes, drawCurves, drawRuns);
drawMeasures();
drawFlips();
drawWide();
drawRuns();

let width = document.body.clientWidth;
window.addEventListener("resize", () => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  drawWide();
});
