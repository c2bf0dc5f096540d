// home.js - what a person wants to know at a glance.
import { Ack, acknowledged, covering, OnCall } from "/pages/ack.js";
import { alertPage } from "/pages/alert.js";
import { sloPage } from "/pages/slos.js";
import { ago, brief, get, html, labels, Live, state, table } from "/api.js";

const MOST = 500; // alerts that are shown; who has more of them needs another tool

class Alerts extends Live {
  title = "Alerts";
  async load() {
    const [open, { alerts }, acks] = await Promise.all([get("/api/mw/v1/alerts", { limit: MOST }), get("/api/v1/alerts"), acknowledged()]);
    return { open, pending: alerts.filter((a) => a.state === "pending").slice(0, MOST), acks };
  }
  row(a, acks) {
    const on = a.state === "firing" || a.state === "acknowledged", value = a.value;
    return [state(a.state), html`<a href=${alertPage(a)}><b>${a.labels.alertname || "an alert"}</b></a> ${labels(a.labels, ["alertname"])}`,
      ago(a.startsAt || a.activeAt), value === undefined ? "" : html`<code>${Number(value).toPrecision(4)}</code>`,
      html`${brief(a.annotations.summary || a.annotations.description || "")}${a.state !== "acknowledged" && a.because && html` <span class="dim">${brief(a.because)}</span>`}`,
      on ? html`<${Ack} key=${JSON.stringify(a.labels)} labels=${a.labels} ack=${covering(acks, a.labels)} done=${() => this.refresh()}/>` : ""];
  }
  show({ open, pending, acks }) {
    const more = open.total - open.alerts.length;
    return html`${table(["State", "Alert", "Since", "Value", "What", "Who is on it"], [...open.alerts, ...pending].map((a) => this.row(a, acks)),
      "Nothing is firing or pending.")}${more > 0 && html`<p class="dim">and ${more} more</p>`}`;
  }
}

class Health extends Live {
  title = "Health";
  async load() { return (await fetch("/health")).json(); }
  show(health) {
    const checks = Object.entries(health.checks || {});
    return html`<p>Overall: ${state(health.status)}</p>${table(["Check", "State", "Message"],
      checks.map(([name, check]) => [html`<a href=${"#checks?" + new URLSearchParams({ name })}>${name}</a>`, state(check.status), check.message || ""]),
      "No check is defined. A rule file with check \"name\" { http={url=...} } adds one.")}`;
  }
}

class Slos extends Live {
  title = "SLOs";
  load() { return get("/api/mw/v1/slos"); }
  show({ slos }) {
    const percent = (x) => x == null ? "no data" : `${(x * 100).toFixed(2)} %`;
    return table(["SLO", "Objective", "Budget left", "Window"],
      slos.map((s) => [html`<a href=${sloPage(s.name)}>${s.name}</a>`, percent(s.objective),
        html`<span class=${s.budget_remaining > 0.25 ? "good" : s.budget_remaining > 0 ? "warn" : "bad"}>${percent(s.budget_remaining)}</span>`,
        s.window]),
      "No SLO is defined. A rule file with slo \"name\" { good=..., total=... } adds one.");
  }
}

class Targets extends Live {
  title = "Targets";
  load() { return get("/api/v1/targets"); }
  show({ activeTargets }) {
    return table(["State", "Target", "Last scrape", "Took", "Problem"],
      activeTargets.map((t) => [state(t.health), html`<b>${t.scrapePool}</b> <code>${t.scrapeUrl}</code>`, ago(t.lastScrape),
        `${(t.lastScrapeDuration * 1000).toFixed(1)} ms`, t.lastError]),
      "No target is defined. A rule file with scrape \"job\" { targets={\"host:port\"} } adds one.");
  }
}

export default () => html`<${Alerts}/><${OnCall}/><div class="grid"><${Health}/><${Slos}/></div><p></p><${Targets}/>`;
