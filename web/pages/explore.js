// explore.js - a query, drawn and as numbers.
import { Component, createRef } from "/vendor/preact.mjs";
import uPlot from "/vendor/uplot.mjs";
import { get, html, labels, table } from "/api.js";

const spans = { "15 min": 900, "1 h": 3600, "6 h": 21600, "1 d": 86400 };
const colours = ["#3b7ddd", "#d9822b", "#2f9e68", "#c0457b", "#7a5bd1", "#8a8f2c", "#2e9fb0", "#b5573c"];
const examples = ["cpu_usage_percent", "rate(http_requests_total[5m])", "sum by (job) (up)"];
const name = (metric) => {
  const rest = Object.entries(metric).filter(([k]) => k !== "__name__").map(([k, v]) => `${k}="${v}"`).join(", ");
  return (metric.__name__ || "") + (rest ? `{${rest}}` : "") || "value";
};

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

class Plot extends Component {
  box = createRef();
  draw() {
    this.plot?.destroy();
    const { result } = this.props;
    if (!result.length) return;
    const ink = getComputedStyle(document.body).getPropertyValue("--dim"), line = { stroke: ink, grid: { stroke: "#8884", width: 1 } };
    this.plot = new uPlot({
      width: this.box.current.clientWidth, height: 320, axes: [line, { ...line, size: 70 }], legend: { show: result.length <= 12 },
      series: [{}, ...result.map((row, i) => ({ label: name(row.metric), stroke: colours[i % colours.length], width: 1.5, spanGaps: false }))],
    }, columns(result), this.box.current);
  }
  componentDidMount() { this.draw(); this.resize = () => this.draw(); addEventListener("resize", this.resize); }
  componentDidUpdate() { this.draw(); }
  componentWillUnmount() { removeEventListener("resize", this.resize); this.plot?.destroy(); }
  render() { return html`<div ref=${this.box} role="img" aria-label="plot of the query; the table below has the same numbers"></div>`; }
}

export default class Explore extends Component {
  state = { expr: new URLSearchParams(location.hash.split("?")[1]).get("q") || examples[0], span: 900, result: [] };
  componentDidMount() { this.run(); }
  async run() {
    const { expr, span } = this.state, end = Date.now() / 1000;
    history.replaceState(null, "", "#explore?" + new URLSearchParams({ q: expr }));
    try {
      const data = await get("/api/v1/query_range", { query: expr, start: end - span, end, step: Math.max(1, Math.round(span / 300)) });
      this.setState({ result: data.result, problem: null });
    } catch (e) { this.setState({ problem: e.message, result: [] }); }
  }
  submit = (event) => { event.preventDefault(); this.run(); };
  key = (event) => { if (event.key === "Enter" && !event.shiftKey) this.submit(event); };
  render(_, { expr, span, result, problem }) {
    return html`<section><h2>Explore <small>PromQL; Enter runs it</small></h2>
      <form onSubmit=${this.submit}>
        <textarea aria-label="query" rows="1" spellcheck="false" value=${expr} onKeyDown=${this.key} onInput=${(e) => this.setState({ expr: e.target.value })}></textarea>
        <select aria-label="time range" value=${span} onChange=${(e) => this.setState({ span: Number(e.target.value) }, () => this.run())}>
          ${Object.entries(spans).map(([text, seconds]) => html`<option value=${seconds}>${text}</option>`)}</select>
        <button>Run</button></form>
      <p class="dim">Try: ${examples.map((q) => html`<a href="#explore" onClick=${(e) => { e.preventDefault(); this.setState({ expr: q }, () => this.run()); }}><code>${q}</code></a> `)}</p>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : html`<${Plot} result=${result}/>`}</section>
      <section><h2>${result.length} series <small>last value in the range</small></h2>
      ${table(["Series", "Last"], result.slice(0, 500).map((row) => [html`<b>${row.metric.__name__ || ""}</b> ${labels(row.metric, ["__name__"])}`,
        html`<code>${row.values[row.values.length - 1][1]}</code>`]), "No series came back: nothing stored under this name in this range.")}</section>`;
  }
}
