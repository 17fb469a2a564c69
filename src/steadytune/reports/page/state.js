// The study, what is switched on, which run is marked, and who wants to know of a change.

const study = JSON.parse(byId("data").textContent);
const state = { metric: "headline", which: "last", chosen: null };
const listeners = [];

function changed() {
  for (const listener of listeners) listener();
}

function choose(run) {
  state.chosen = state.chosen === run ? null : run;
  changed();
}

// The metric that is shown for a group: its headline, or the chosen one if it has it.
function metricOf(group) {
  const name = state.metric === "headline" ? group.metric : state.metric;
  return group.metrics.find((one) => one.name === name) || null;
}

function valueOf(run) {
  const metric = metricOf(study.groups[run.group]);
  const point = run[state.which];
  return metric && point && point[metric.name] !== undefined ? point[metric.name] : null;
}

function colorOf(run) {
  return PALETTE[run.recipe % PALETTE.length];
}

function groupTitle(group) {
  const several = new Set(study.groups.map((one) => one.encoder)).size > 1;
  return several ? `${group.task}, ${group.encoder}` : group.task;
}

function whatBecame(run) {
  return run.outcome || run.state;
}

function isBad(run) {
  return run.outcome === "failed" || run.outcome === "diverged" || run.state === "crashed";
}

function described(run) {
  const group = study.groups[run.group], metric = metricOf(group);
  const lines = [
    `${study.recipes[run.recipe]}, ${group.task}`,
    `seed ${run.seed}: ${whatBecame(run)}${run.verdict ? ` (${run.verdict})` : ""}`,
    metric ? `${metric.title} ${shown(valueOf(run), metric.scale)} (${state.which} checkpoint)` : "",
    `${run.step} of ${run.total} steps, training loss ${run.loss === null ? "-" : run.loss}`,
    run.id,
  ];
  return lines.filter(Boolean).join("\n");
}

// One bubble for everything that can be pointed at.
const tip = byId("tip");

function showTip(text, event) {
  tip.textContent = text;
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 16;
  const fits = below + tip.offsetHeight < window.innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${fits ? below : event.clientY - tip.offsetHeight - 12}px`;
}

function hideTip() {
  tip.hidden = true;
}

function explains(target, text) {
  target.addEventListener("pointermove", (event) => showTip(text(), event));
  target.addEventListener("pointerleave", hideTip);
}

function standsFor(target, run) {
  target.dataset.run = run.id;
  explains(target, () => described(run));
  target.addEventListener("click", () => choose(run));
}
