// explore.js - a query, drawn and as numbers.
import { Component } from "/vendor/preact.mjs";
import { get, hashQuery, html, labels, table } from "/api.js";
import { marksOf, Plot } from "/plot.js";

const spans = { "15 min": 900, "1 h": 3600, "6 h": 21600, "1 d": 86400 };
const examples = ["cpu_usage_percent", "rate(http_requests_total[5m])", "sum by (job) (up)"];

export default class Explore extends Component {
  state = { expr: hashQuery().get("q") || examples[0], span: 900, result: [], marks: [] };
  componentDidMount() { this.run(); }
  async run() {
    const { expr, span } = this.state, end = Date.now() / 1000;
    history.replaceState(null, "", "#explore?" + new URLSearchParams({ q: expr }));
    try {
      const [data, marks] = await Promise.all([
        get("/api/v1/query_range", { query: expr, start: end - span, end, step: Math.max(1, Math.round(span / 300)) }), marksOf(end - span, end)]);
      this.setState({ result: data.result, marks, problem: null });
    } catch (e) { this.setState({ problem: e.message, result: [] }); }
  }
  submit = (event) => { event.preventDefault(); this.run(); };
  key = (event) => { if (event.key === "Enter" && !event.shiftKey) this.submit(event); };
  render(_, { expr, span, result, marks, problem }) {
    return html`<section><h2>Explore <small>PromQL; Enter runs it</small></h2>
      <form onSubmit=${this.submit}>
        <textarea aria-label="query" rows="1" spellcheck="false" value=${expr} onKeyDown=${this.key} onInput=${(e) => this.setState({ expr: e.target.value })}></textarea>
        <select aria-label="time range" value=${span} onChange=${(e) => this.setState({ span: Number(e.target.value) }, () => this.run())}>
          ${Object.entries(spans).map(([text, seconds]) => html`<option value=${seconds}>${text}</option>`)}</select>
        <button>Run</button></form>
      <p class="dim">Try: ${examples.map((q) => html`<a href="#explore" onClick=${(e) => { e.preventDefault(); this.setState({ expr: q }, () => this.run()); }}><code>${q}</code></a> `)}</p>
      ${problem ? html`<p class="problem" role="alert">${problem}</p>` : html`<${Plot} result=${result} marks=${marks}/>`}</section>
      <section><h2>${result.length} series <small>last value in the range</small></h2>
      ${table(["Series", "Last"], result.slice(0, 500).map((row) => [html`<b>${row.metric.__name__ || ""}</b> ${labels(row.metric, ["__name__"])}`,
        html`<code>${row.values[row.values.length - 1][1]}</code>`]), "No series came back: nothing stored under this name in this range.")}</section>`;
  }
}
