// alert.js - one alert: what it says, and what was there when it fired.
import { ago, duration, get, hashQuery, html, labels, Live, state, table } from "/api.js";
import { silencePage } from "/pages/silences.js";
import { Known, Story } from "/pages/story.js";

const MOST = 20; // log lines, traces, facts and samples that are shown, of each

const sorted = (set) => JSON.stringify(Object.entries(set).sort());
const clock = (seconds) => html`<code>${new Date(seconds * 1000).toLocaleTimeString()}</code>`;

/** The address of the page of ALERT: its labels in order, so that it is the same each time. */
export const alertPage = (alert) => "#alert?" + new URLSearchParams(Object.entries(alert.labels).sort());

/** A link to the waterfall of the trace ID, which may be any text that a rule gave. */
export const traceLink = (id, length) => html`<a href=${"#trace?id=" + encodeURIComponent(id)}><code>${id.slice(0, length)}</code></a>`;

// An address that a rule gave is a link when it is one of the web, and a text otherwise.
const address = (text) => /^https?:\/\//i.test(text) ? html`<a href=${text} rel="noopener noreferrer">${text}</a>` : text;

const block = (title, rows, heads) => rows.length > 0 && html`<h3>${title}</h3>${table(heads, rows.slice(0, MOST))}
  ${rows.length > MOST && html`<p class="dim">and ${rows.length - MOST} more</p>`}`;

/** What made an alert fire, as /api/v1/alerts gives it. */
export function Evidence({ of }) {
  if (!of) return html`<p class="empty">Nothing was kept. A rule with evidence = { logs = ..., traces = ... } takes log lines and traces along when it fires.</p>`;
  return html`<p class="dim">Taken when it fired, ${ago(of.at * 1000)}.</p>
    ${block("Facts", Object.entries(of.facts || {}).map(([name, value]) => [name, html`<code>${value}</code>`]), ["Name", "Value"])}
    ${block("Log lines", (of.logs || []).map((l) => [l.time ? clock(l.time) : "", l.level ? state(l.level) : "", html`<code>${l.message}</code>`,
      l.trace ? traceLink(l.trace, 8) : ""]), ["Time", "Level", "Message", "Trace"])}
    ${block("Traces", (of.traces || []).map((t) => [traceLink(t.trace, 12), html`<b>${t.service || ""}</b> ${t.name || ""}`,
      t.duration == null ? "" : duration(t.duration), t.errors ? html`<span class="bad">${t.errors}</span>` : ""]), ["Trace", "Operation", "Took", "Errors"])}
    ${block("Samples", (of.samples || []).map(([t, value]) => [clock(t), html`<code>${value}</code>`]), ["Time", "Value"])}`;
}

// The stories of alerts that have SET: a list, empty when the router does not answer.
const stories = async (set) => {
  const query = new URLSearchParams(Object.entries(set).map(([name, value]) => ["label", `${name}=${value}`]));
  try { return (await get("/api/mw/v1/why?" + query)).alerts; } catch { return []; }
};

export default class Alert extends Live {
  title = "Alert";
  async load() {
    const set = Object.fromEntries(hashQuery()), wanted = sorted(set);
    const [{ alerts }, told] = await Promise.all([get("/api/v1/alerts"), stories(set)]);
    // What the router has may carry external labels, too.
    return { alert: alerts.find((alert) => sorted(alert.labels) === wanted), story: told.find((s) => sorted(s.labels) === wanted) || told[0] };
  }
  show({ alert, story }) {
    if (!alert) return story ? html`<${Known} of=${story}/>` : html`<p class="empty">This alert is not there any more.</p>`;
    return html`<p>${state(alert.state)} <b>${alert.labels.alertname}</b> ${labels(alert.labels, ["alertname"])}
        since ${ago(alert.activeAt)}, value <code>${Number(alert.value).toPrecision(4)}</code>
        ${" "}<a href=${silencePage(alert.labels)}>Silence it</a></p>
      ${table(["Annotation", "Text"], Object.entries(alert.annotations).map(([name, text]) => [name, address(text)]), "It says nothing.")}
      <h2>Who was told, and why</h2><${Story} of=${story}/>
      <h2>What made it fire</h2><${Evidence} of=${alert.evidence}/>`;
  }
}
