// plot.js - series drawn over time, with what happened meanwhile: deploys, experiments, notes.
import { Component, createRef } from "/vendor/preact.mjs";
import uPlot from "/vendor/uplot.mjs";
import { get, html } from "/api.js";

const colours = ["#3b7ddd", "#d9822b", "#2f9e68", "#c0457b", "#7a5bd1", "#8a8f2c", "#2e9fb0", "#b5573c"];

/** A series as PromQL writes it. */
export const seriesName = (metric) => {
  const rest = Object.entries(metric).filter(([k]) => k !== "__name__").map(([k, v]) => `${k}="${v}"`).join(", ");
  return (metric.__name__ || "") + (rest ? `{${rest}}` : "") || "value";
};

/** The marks from START to END (unix seconds), of SERVICE and of nobody; none when they cannot be had. */
export async function marksOf(start, end, service) {
  try {
    return (await get("/api/mw/v1/marks", { from: start, to: end, ...(service && { service }) })).marks;
  } catch { return []; }
}

/** Matrix -> uPlot's columns: one sorted time axis, gaps as null. */
function columns(result) {
  const times = [...new Set(result.flatMap((row) => row.values.map(([t]) => t)))].sort((a, b) => a - b);
  const at = new Map(times.map((t, i) => [t, i]));
  return [times, ...result.map((row) => {
    const column = new Array(times.length).fill(null);
    for (const [t, v] of row.values) column[at.get(t)] = isFinite(v) ? Number(v) : null;
    return column;
  })];
}

// One mark over PLOT: a line where it was, or from its beginning to its end; what it says is there for the mouse and the keyboard.
function line(plot, mark) {
  const width = plot.over.clientWidth, from = plot.valToPos(mark.time, "x"), to = plot.valToPos(mark.until ?? mark.time, "x");
  if (to < 0 || from > width) return null;
  const box = document.createElement("div"), left = Math.max(0, from);
  box.className = `mark mark-${mark.kind}`;
  box.style.left = `${left}px`;
  box.style.width = `${Math.max(7, Math.min(width, to) - left)}px`;
  if (mark.until != null) box.classList.add("mark-span");
  if (left > width / 2) box.classList.add("mark-right");
  box.dataset.text = `${new Date(mark.time * 1000).toLocaleTimeString()} ${mark.title}${mark.author ? ` (${mark.author})` : ""}`;
  box.tabIndex = 0;
  box.setAttribute("role", "note");
  box.setAttribute("aria-label", box.dataset.text);
  return box;
}

const drawMarks = (marks) => (plot) => {
  plot.over.querySelectorAll(".mark").forEach((old) => old.remove());
  for (const mark of marks) {
    const box = line(plot, mark);
    if (box) plot.over.append(box);
  }
};

/** The rows of a matrix; props: result, marks=[], height=320, label="what it shows", names=function(metric), span=[start, end]. */
export class Plot extends Component {
  box = createRef();
  draw() {
    this.plot?.destroy();
    this.plot = null;
    const { result, marks = [], height = 320, names = seriesName, span } = this.props;
    if (!result.length) return;
    const ink = getComputedStyle(document.body).getPropertyValue("--dim"), axis = { stroke: ink, grid: { stroke: "#8884", width: 1 } };
    this.plot = new uPlot({
      width: this.box.current.clientWidth, height, axes: [axis, { ...axis, size: 70 }], legend: { show: result.length <= 12 },
      scales: span ? { x: { range: () => span } } : {},
      series: [{}, ...result.map((row, i) => ({ label: names(row.metric), stroke: colours[i % colours.length], width: 1.5, spanGaps: false }))],
      hooks: { draw: [drawMarks(marks)] },
    }, columns(result), this.box.current);
  }
  componentDidMount() { this.draw(); this.resize = () => this.draw(); addEventListener("resize", this.resize); }
  componentDidUpdate() { this.draw(); }
  componentWillUnmount() { removeEventListener("resize", this.resize); this.plot?.destroy(); }
  render({ label = "plot of the query; the table below has the same numbers" }) { return html`<div ref=${this.box} role="img" aria-label=${label}></div>`; }
}
