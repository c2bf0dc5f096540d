// api.js - asking the server, and showing what it says.
import { h, Component } from "/vendor/preact.mjs";
import htm from "/vendor/htm.mjs";

export const html = htm.bind(h);

/** What the page's address says behind its name: #alert?job=api. */
export const hashQuery = () => new URLSearchParams(location.hash.split("?")[1]);

/** GET a JSON document; throws an Error with the server's own words. */
export async function get(path, parameters) {
  const tail = parameters ? "?" + new URLSearchParams(parameters) : "";
  const response = await fetch(path + tail, { headers: { accept: "application/json" } });
  const text = await response.text();
  let body;
  try { body = JSON.parse(text); } catch { throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`); }
  const refusal = body.error && (body.error.message || body.error);
  if (refusal) throw new Error(refusal);
  return body.data !== undefined ? body.data : body;
}

/** Change or ask something; what the server answers, or an Error with its own words. */
export async function send(method, path, value) {
  const response = await fetch(path, { method, headers: { "content-type": "application/json" }, body: value === undefined ? undefined : JSON.stringify(value) });
  const text = await response.text();
  if (response.ok) { try { return JSON.parse(text); } catch { return undefined; } }
  let refusal = `${response.status} ${text.slice(0, 200)}`;
  try { refusal = JSON.parse(text).error.message || refusal; } catch { /* not ours */ }
  throw new Error(refusal);
}

/** Loads `this.load()` into state.data at once and again every `every` ms while it is shown. */
export class Live extends Component {
  constructor() { super(); this.every = 5000; this.state = {}; }
  componentDidMount() { this.refresh(); this.timer = setInterval(() => this.refresh(), this.every); }
  componentWillUnmount() { clearInterval(this.timer); this.gone = true; }
  // What was asked for last is shown, also when an older answer comes after its own.
  async refresh() {
    const turn = this.turn = (this.turn || 0) + 1;
    let news;
    try { news = { data: await this.load(), problem: null }; } catch (e) { news = { problem: e.message }; }
    if (!this.gone && turn === this.turn) this.setState(news);
  }
  render(props, state) {
    return html`<section><h2>${this.title}</h2>
      ${state.problem && html`<p class="problem" role="alert">${state.problem}</p>`}
      ${state.data !== undefined && this.show(state.data)}</section>`;
  }
}

const BRIEF = 300; // characters of a text that one row of a list has room for

/** TEXT, or its beginning where it is very long. */
export const brief = (text) => text && text.length > BRIEF ? text.slice(0, BRIEF) + "…" : text;

export const labels = (set, hide = []) => html`<span class="labels">${Object.entries(set || {})
  .filter(([name]) => !hide.includes(name)).map(([name, value]) => html`<span>${brief(name)}=${brief(value)}</span>`)}</span>`;

const tones = { firing: "bad", pending: "warn", unhealthy: "bad", degraded: "warn", healthy: "good", up: "good", down: "bad", open: "bad", "half-open": "warn", closed: "good", error: "bad", warn: "warn", fatal: "bad" };
export const state = (text) => html`<span class="state ${tones[text] || "dim"}">${text}</span>`;

export const ago = (time) => {
  const seconds = Math.max(0, (Date.now() - new Date(time)) / 1000);
  if (!isFinite(seconds) || seconds > 1e9) return "never";
  const [n, unit] = seconds < 90 ? [seconds, "s"] : seconds < 5400 ? [seconds / 60, "min"] : seconds < 129600 ? [seconds / 3600, "h"] : [seconds / 86400, "d"];
  return `${Math.round(n)} ${unit} ago`;
};

export const duration = (seconds) => seconds < 1 ? `${(seconds * 1000).toFixed(seconds < 0.01 ? 2 : 0)} ms` : `${seconds.toFixed(2)} s`;

/** A table of ROWS, or the words for none. */
export const table = (heads, rows, none) => rows.length
  ? html`<table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`
  : html`<p class="empty">${none}</p>`;
