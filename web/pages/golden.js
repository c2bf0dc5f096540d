// golden.js - latency, traffic, errors and saturation of every service, and of one over time.
import { duration, get, hashQuery, html, Live, table } from "/api.js";
import { marksOf, Plot } from "/plot.js";

const spans = { "15 min": 900, "1 h": 3600, "6 h": 21600, "1 d": 86400 };

const percent = (v) => v == null ? "" : `${(v * 100).toFixed(2)} %`;
const rate = (v) => v == null ? "" : `${v < 10 ? v.toFixed(2) : v.toFixed(0)}/s`;
const time = (v) => v == null ? "" : duration(v);
const tone = (v, warn, bad) => v == null ? "" : v >= bad ? "bad" : v >= warn ? "warn" : "";

/** The address of the page of SERVICE. */
export const servicePage = (service) => "#golden?" + new URLSearchParams({ service });

const cells = (s) => [html`<a href=${servicePage(s.service)}><b>${s.service}</b></a>`, rate(s.traffic),
  html`<span class=${tone(s.errors, 0.01, 0.05)}>${percent(s.errors)}</span>`, s.latency.mean == null ? time(s.latency.p50) : time(s.latency.mean) + " mean", time(s.latency.p95), time(s.latency.p99),
  html`<span class=${tone(s.saturation.value, 0.8, 0.9)}>${percent(s.saturation.value)} ${s.saturation.says || ""}</span>`, html`<span class="dim">${s.says}</span>`];
const heads = ["Service", "Traffic", "Errors", "p50", "p95", "p99", "Saturation", "From"];

class All extends Live {
  title = "Services";
  every = 15000;
  load() { return get("/api/mw/v1/golden"); }
  show({ services, warnings }) {
    return html`${warnings.map((text) => html`<p class="problem">${text}</p>`)}
      ${table(heads, services.map(cells), "No service sends metrics or spans of requests that are known by convention: those of OpenTelemetry, http_requests_total and others.")}`;
  }
}

// The signals NAMES of RANGE as rows that Plot draws; VALUE changes each.
const rows = (range, names, value = (v) => v) => names.filter((name) => range[name]?.length)
  .map((name) => ({ metric: { __name__: name }, values: range[name].map(([t, v]) => [t, value(v)]) }));

class One extends Live {
  every = 30000;
  span = 3600;
  constructor({ service }) { super(); this.title = service; }
  async load() {
    const to = Date.now() / 1000, from = to - this.span;
    const [service, marks] = await Promise.all([get("/api/mw/v1/golden/" + encodeURIComponent(this.title), { from, to }), marksOf(from, to, this.title)]);
    return { service, marks, span: [from, to] };
  }
  show({ service, marks, span }) {
    const plot = (title, names, value) => {
      const drawn = rows(service.range, names, value);
      return drawn.length > 0 && html`<section><h3>${title}</h3><${Plot} result=${drawn} marks=${marks} span=${span} height=${200} label=${title + " of " + service.service}/></section>`;
    };
    const full = Object.keys(service.range).filter((name) => name.startsWith("saturation "));
    return html`<p><a href="#golden">All services</a> ${" "}<select aria-label="time range" value=${this.span} onChange=${(e) => { this.span = Number(e.target.value); this.refresh(); }}>
        ${Object.entries(spans).map(([text, seconds]) => html`<option value=${seconds}>${text}</option>`)}</select></p>
      ${table(heads, [cells(service)])}
      <div class="grid">${plot("Latency, seconds", ["mean", "p50", "p95", "p99"])}${plot("Traffic, requests per second", ["traffic"])}
        ${plot("Errors, percent of requests", ["errors"], (v) => v * 100)}${plot("Saturation, percent", full, (v) => v * 100)}</div>
      <h3>Where this comes from</h3>
      ${table(["Signal", "Expression"], Object.entries(service.expressions).sort().map(([name, expr]) => [name, html`<a href=${"#explore?" + new URLSearchParams({ q: expr })}><code>${expr}</code></a>`]),
        "From the spans of its requests: it sends no metrics that are known by convention.")}
      ${table(["What", "In use", "Expression"], service.saturation.parts.map((p) => [p.says, percent(p.value), html`<a href=${"#explore?" + new URLSearchParams({ q: p.expr })}><code>${p.expr}</code></a>`]),
        "Nothing says how full it is.")}
      ${marks.length > 0 && html`<h3>What happened</h3>${table(["Time", "What", "Who"], marks.map((m) => [new Date(m.time * 1000).toLocaleString(), m.title, m.author || ""]))}`}`;
  }
}

export default function Golden() {
  const service = hashQuery().get("service");
  return service ? html`<${One} service=${service}/>` : html`<${All}/>`;
}
