// Making elements and axes. Text only ever goes into text nodes, never into markup.

const SVG = "http://www.w3.org/2000/svg";
const PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#A0791F", "#8172B3", "#7f7f7f"];
const BAD = "#D55E00";

function byId(id) {
  return document.getElementById(id);
}

function element(name, attributes = {}, text = null, parent = null) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function shape(name, attributes, parent, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function canvas(parent, width, height, label) {
  return shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, parent);
}

function option(select, value, text) {
  element("option", { value }, text, select);
}

function linear(low, high, start, end) {
  const span = high > low ? high - low : 1;
  return (value) => start + ((value - low) / span) * (end - start);
}

function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  return low === high ? [low - Math.abs(low || 1) / 10, high + Math.abs(high || 1) / 10] : [low, high];
}

function ticks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(Number((k * step).toPrecision(10)));
  return found;
}

function bottomAxis(svg, scale, [low, high], y, wanted, title) {
  const axis = shape("g", { class: "axis" }, svg);
  for (const value of ticks(low, high, wanted)) {
    shape("line", { x1: scale(value), x2: scale(value), y1: y, y2: y + 4 }, axis);
    shape("text", { x: scale(value), y: y + 16, "text-anchor": "middle" }, axis, value);
  }
  shape("line", { x1: scale(low), x2: scale(high), y1: y, y2: y }, axis);
  shape("text", { x: (scale(low) + scale(high)) / 2, y: y + 31, "text-anchor": "middle" }, axis, title);
}

function leftAxis(svg, scale, [low, high], x, width, wanted) {
  const axis = shape("g", { class: "axis" }, svg);
  for (const value of ticks(low, high, wanted)) {
    shape("line", { x1: x, x2: width, y1: scale(value), y2: scale(value) }, axis);
    shape("text", { x: x - 6, y: scale(value) + 4, "text-anchor": "end" }, axis, value);
  }
}

// A run's mark: circle for success, triangle for failed, cross for diverged.
function mark(outcome, x, y, color, parent) {
  const attributes = { class: "point", fill: outcome === "success" ? color : BAD, stroke: "var(--paper)", "stroke-width": 0.7 };
  if (outcome === "failed") return shape("path", { ...attributes, d: `M${x - 5} ${y - 4}h10l-5 9z` }, parent);
  if (outcome === "diverged") {
    return shape("path", { ...attributes, d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, stroke: BAD, "stroke-width": 2.2, fill: "none" }, parent);
  }
  return shape("circle", { ...attributes, cx: x, cy: y, r: 4.2 }, parent);
}

function shown(value, scale) {
  if (value === null || value === undefined) return "-";
  return scale === 100 ? (100 * value).toFixed(1) : Number(value.toPrecision(3)).toString();
}
