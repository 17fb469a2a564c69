// Instability: the table of measures, the heat map of disagreement, the examples that flip.

function cellTitle(cell) {
  const several = new Set(study.groups.map((one) => one.encoder)).size > 1;
  return `${cell.recipe}, ${cell.task}${several ? `, ${cell.encoder}` : ""}`;
}

function short(value) {
  if (value === 0) return "0";
  return Math.abs(value) < 0.001 ? "<0.001" : value.toPrecision(2);
}

function drawMeasure(measure, n, row) {
  const cell = element("td", { class: "number" }, null, row);
  if (!measure || measure.value === null) { cell.textContent = "-"; return; }
  const [value, low, high] = [measure.value, ...(measure.interval || [])].map(short);
  cell.textContent = value;
  if (measure.interval) element("small", {}, `${low} to ${high}`, cell);
  if (measure.runs !== n) element("small", {}, `n = ${measure.runs}`, cell);
}

function drawMeasures() {
  const among = byId("among").value, parent = byId("measures"), notes = byId("measure-notes");
  parent.replaceChildren();
  notes.replaceChildren();
  const known = new Map();
  for (const cell of study.instability) for (const one of cell[among]) known.set(one.name, one);
  if (!known.size) {
    element("p", { class: "note" }, "There are no such runs.", parent);
    return;
  }
  const table = element("table", { class: "pinned" }, null, parent);
  const head = element("tr", {}, null, table.createTHead());
  for (const name of ["recipe", "n"]) element("th", {}, name, head);
  for (const one of known.values()) element("th", { class: "number" }, one.title, head);
  const body = table.createTBody();
  let title = null;
  for (const cell of study.instability) {
    if (title !== groupTitle(cell)) {
      title = groupTitle(cell);
      const heading = element("th", { colspan: known.size + 2 }, null, element("tr", { class: "group" }, null, body));
      element("bdi", {}, title, element("span", {}, null, heading));
    }
    const row = element("tr", {}, null, body), measures = new Map(cell[among].map((one) => [one.name, one]));
    element("bdi", {}, cell.recipe, element("td", {}, null, row));
    const n = cell[among].length ? cell[among][0].runs : 0;
    const size = element("td", {}, n, row);
    if (among === "all" && cell.left_out) element("small", {}, `without ${cell.left_out} diverged`, size);
    for (const name of known.keys()) drawMeasure(measures.get(name), n, row);
  }
  for (const one of known.values()) {
    const line = element("div", {}, null, notes);
    element("b", {}, one.title, line);
    line.append(`: ${one.what}.`);
  }
}

function heat(share) {
  const mix = (a, b) => Math.round(a + (b - a) * Math.min(1, share));
  return `rgb(${mix(0, 253)},${mix(34, 234)},${mix(78, 69)})`;
}

function drawMatrix() {
  const cell = study.instability[Number(byId("matrix-cell").value)], parent = byId("matrix");
  parent.replaceChildren();
  byId("matrix-caption").textContent = "";
  if (!cell || !cell.matrix) {
    element("p", { class: "note" }, cell ? "The labels are scores: see the table above." : "No run has finished.", parent);
    return;
  }
  const runs = cell.runs.map((id) => study.runs.find((run) => run.id === id));
  const order = runs.map((_, i) => i).sort((a, b) => isBad(runs[a]) - isBad(runs[b]) || (runs[b].last.accuracy || 0) - (runs[a].last.accuracy || 0));
  if (runs.length > 1 && cell.matrix.every((row) => row.every((share) => share === 0))) {
    element("p", { class: "note" }, `All ${runs.length} finished runs predict the same ${cell.noun} for each of the ${cell.size} dev examples.`, parent);
    return;
  }
  drawHeat(parent, cell, order, runs);
  byId("matrix-caption").textContent = `Share of the ${cell.size} dev examples on which two runs predict another ${cell.noun}, in percent; rows and columns are runs, named by their seed, successful ones first by accuracy, failed ones (vermilion) last. n = ${order.length} finished runs, last checkpoint.`;
}

function drawHeat(parent, cell, order, runs) {
  const width = Math.min(parent.clientWidth || 340, 460), size = (width - 40) / order.length, side = width - 40;
  const svg = canvas(parent, width, side + 52, `disagreement of ${order.length} runs`);
  const named = (run, attributes) => {
    const label = shape("text", { class: "note", ...attributes }, svg, run.seed);
    if (size < 16) label.style.fontSize = "7px";
    if (isBad(run)) label.style.fill = "var(--bad)";
  };
  order.forEach((i, row) => {
    named(runs[i], { x: 36, y: row * size + size / 2 + 4, "text-anchor": "end" });
    if (runs[i].seed.length <= 2) named(runs[i], { x: 40 + row * size + size / 2, y: side + 13, "text-anchor": "middle" });
    order.forEach((j, column) => drawPair(svg, [runs[i], runs[j]], cell.matrix[i][j], 40 + column * size, row * size, size));
  });
  for (let k = 0; k <= 20; k++) shape("rect", { x: 40 + k * 6, y: side + 26, width: 6.3, height: 9, fill: heat(k / 20) }, svg);
  shape("text", { x: 40, y: side + 48, class: "note" }, svg, "0 %");
  shape("text", { x: 166, y: side + 48, class: "note", "text-anchor": "end" }, svg, "50 % and more");
}

// A square; its number in it where there is room.
function drawPair(svg, [one, other], share, x, y, size) {
  const same = one === other;
  const square = shape("rect", { x, y, width: size + 0.3, height: size + 0.3, fill: same ? "var(--raised)" : heat(2 * share) }, svg);
  if (same) return;
  const text = () => `seeds ${one.seed} and ${other.seed}\ndiffer on ${(100 * share).toFixed(1)} % of the examples`;
  explains(square, text);
  if (size < 34) return;
  const label = shape("text", { class: "share", x: x + size / 2, y: y + size / 2 + 4, "text-anchor": "middle" }, svg, (100 * share).toFixed(0));
  label.style.fill = share > 0.3 ? "#000" : "#fff";
  explains(label, text);
}

// The first cell whose runs do not all predict the same; the first of all where every cell does.
function firstUnstable() {
  return Math.max(0, study.instability.findIndex((cell) => cell.flipping));
}

function labelName(cell, k) {
  return cell.classes[k] === undefined ? String(k) : cell.classes[k];
}

function drawFlip(cell, flip, parent) {
  const item = element("li", {}, null, parent);
  if (flip.text !== null) element("p", { class: "example", dir: "auto" }, flip.text, item);
  if (flip.pair !== null) element("p", { class: "example", dir: "auto" }, flip.pair, item);
  const squares = element("div", { class: "squares" }, null, item);
  cell.runs.forEach((id, i) => {
    const run = study.runs.find((one) => one.id === id);
    const made = element("i", { class: `${flip.right[i] ? "right" : ""} ${isBad(run) ? "of-bad" : ""}` }, null, squares);
    explains(made, () => `${described(run)}\n${flip.right[i] ? "right" : "wrong"} here`);
  });
  const line = element("p", { class: "small" }, `example ${flip.example}; label `, item);
  element("bdi", {}, labelName(cell, flip.label), line);
  line.append("; predicted ");
  flip.shares.map((share, k) => [share, k]).filter(([share]) => share > 0).sort(([a], [b]) => b - a).slice(0, 5).forEach(([share, k], i) => {
    line.append(i ? ", " : "");
    element("bdi", {}, labelName(cell, k), line);
    line.append(` by ${Math.round(100 * share)} % of the runs`);
  });
  line.append(`; two runs differ with chance ${flip.unstable}`);
}

function drawFlips(most = 6) {
  const cell = study.instability[Number(byId("flip-cell").value)], list = byId("flip-list");
  list.replaceChildren();
  byId("flip-caption").textContent = !cell ? "No run has finished." : cell.flipping === null
    ? "The labels are scores, which do not flip."
    : `${cell.flipping} of ${cell.size} examples are predicted differently by some two of ${cell.among} runs${cell.flipping ? "; the least stable come first. Squares: all finished runs, failed ones in vermilion" : ""}.`;
  const flips = cell ? cell.flips : [];
  if (flips.length && flips[0].text === null) byId("flip-caption").textContent += " The study's folder does not hold the texts of the examples.";
  for (const flip of flips.slice(0, most)) drawFlip(cell, flip, list);
  byId("flip-more").hidden = flips.length <= most;
  byId("flip-more").textContent = `show all ${flips.length}`;
}

function startInstability() {
  study.instability.forEach((cell, i) => {
    option(byId("matrix-cell"), i, cellTitle(cell));
    option(byId("flip-cell"), i, cellTitle(cell));
  });
  if (study.instability.length) for (const id of ["matrix-cell", "flip-cell"]) byId(id).value = firstUnstable();
  byId("among").addEventListener("change", drawMeasures);
  byId("matrix-cell").addEventListener("change", drawMatrix);
  byId("flip-cell").addEventListener("change", () => drawFlips());
  byId("flip-more").addEventListener("click", () => drawFlips(Infinity));
}
