// checks.js - every check and how it is, worst first; and one of them: since when, why, how much of the time, how fast.
import { Breakers } from "/pages/breakers.js";
import { ago, brief, duration, get, hashQuery, html, labels, Live, state, table } from "/api.js";

const PAGE = 100; // checks that are shown at first, and more at each asking
const WINDOWS = ["1h", "24h", "7d", "30d"];
const ORDER = ["unhealthy", "degraded", "unknown", "maintenance", "healthy"];

/** The address of the page of the check NAME. */
export const checkPage = (name) => "#checks?" + new URLSearchParams({ name });

const percent = (share) => share == null ? html`<span class="dim">no data</span>` : `${(Math.floor(share * 1e5) / 1e3).toString()} %`;
const lasted = (seconds) => seconds < 120 ? `${Math.round(seconds)} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min`
  : seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} d`;
const took = (seconds) => seconds == null ? "" : duration(seconds);

class Checks extends Live {
  title = "Checks";
  constructor() { super(); this.most = PAGE; this.text = ""; this.status = ""; }
  load() { return get("/api/mw/v1/checks", { limit: this.most, ...this.text && { text: this.text }, ...this.status && { status: this.status } }); }
  find(what) { Object.assign(this, what); this.most = PAGE; return this.refresh(); }
  more() { this.most += PAGE; return this.refresh(); }
  show({ checks, total, counts }) {
    const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
    if (!all) return html`<p class="empty">No check is defined. A rule file with check "name" { http={url=...} } adds one.</p>`;
    return html`<p>${ORDER.filter((s) => counts[s]).map((s) => html`<button type="button" aria-pressed=${this.status === s}
        onClick=${() => this.find({ status: this.status === s ? "" : s })}>${counts[s]} ${s}</button> `)}
        <input type="search" name="text" aria-label="Find a check" placeholder="Find a check" onInput=${(event) => this.find({ text: event.target.value })}/></p>
      ${table(["State", "Check", "Since", "Took", "Message"], checks.map((c) => [state(c.status),
        html`<a href=${checkPage(c.name)}><b>${c.name}</b></a> <span class="dim">${c.kind}</span> ${labels(c.labels)}`,
        c.details.since ? ago(c.details.since) : "", took(c.details.duration_seconds), brief(c.message || "")]), "No check says that.")}
      ${total > checks.length && html`<p>${total - checks.length} more. <button type="button" onClick=${() => this.more()}>Show more</button></p>`}`;
  }
}

// What a check says of itself beside its message.
const detail = (name, value) => name.endsWith("_seconds") && typeof value === "number" ? duration(value)
  : typeof value === "object" ? JSON.stringify(value) : String(value);

class Check extends Live {
  title = "Check";
  async load() {
    const path = "/api/mw/v1/checks/" + encodeURIComponent(this.props.name);
    const [check, history] = await Promise.all([get(path), get(path + "/history")]);
    return { check, history };
  }
  show({ check, history }) {
    return html`<p>${state(check.status)} <b>${check.name}</b> ${labels(check.labels)} ${history.since && `since ${new Date(history.since).toLocaleString()}`}</p>
      <p>${check.message}</p>
      <p class="dim">${check.kind}, every ${lasted(check.every)}${check.critical ? ", critical" : ""}, ${check.file}:${check.line}
        ${check.depends_on.length > 0 && html`, depends on ${check.depends_on.map((name) => html`<a href=${checkPage(name)}>${name}</a> `)}`}</p>
      ${check.traceback && html`<pre>${check.traceback}</pre>`}
      <div class="grid"><div><h3>Uptime</h3>${table(["Last", "Up", "No data", "Not counted"],
        WINDOWS.map((window) => { const u = history.uptime[window]; return [window, percent(u.up), percent(u.no_data), percent(u.excused)]; }))}</div>
      <div><h3>How long it takes</h3>${table(["Last", "Half", "90 %", "99 %", "All"], WINDOWS.filter((window) => history.latency_seconds[window])
        .map((window) => { const l = history.latency_seconds[window]; return [window, took(l.p50), took(l.p90), took(l.p99), took(l.max)]; }))}</div></div>
      <h3>Changes</h3>${table(["State", "From", "For", "Message"], history.changes.map((c) => [state(c.status), new Date(c.at).toLocaleString(), lasted(c.seconds), brief(c.message || "")]),
        "It has not changed yet.")}
      <h3>Details</h3>${table(["Name", "Value"], Object.entries(check.details).sort().map(([name, value]) => [name, html`<code>${brief(detail(name, value))}</code>`]), "None.")}`;
  }
}

export default () => {
  const name = hashQuery().get("name");
  return name ? html`<${Check} key=${name} name=${name}/>` : html`<${Checks}/><${Breakers}/>`;
};
