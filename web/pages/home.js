// home.js - what a person wants to know at a glance.
import { Ack, acknowledged, covering, OnCall } from "/pages/ack.js";
import { alertPage } from "/pages/alert.js";
import { sloPage } from "/pages/slos.js";
import { ago, brief, get, html, labels, Live, state, table } from "/api.js";

const MOST = 500; // alerts that are shown; who has more of them needs another tool

class Alerts extends Live {
  title = "Alerts";
  async load() {
    const [{ alerts }, acks] = await Promise.all([get("/api/v1/alerts"), acknowledged()]);
    return { alerts, acks };
  }
  show({ alerts, acks }) {
    const order = { firing: 0, pending: 1 };
    return html`${table(["State", "Alert", "Since", "Value", "What", "Who is on it"],
      alerts.sort((a, b) => order[a.state] - order[b.state]).slice(0, MOST).map((a) => [
        state(a.state), html`<a href=${alertPage(a)}><b>${a.labels.alertname}</b></a> ${labels(a.labels, ["alertname"])}`, ago(a.activeAt),
        html`<code>${Number(a.value).toPrecision(4)}</code>`, brief(a.annotations.summary || a.annotations.description || ""),
        a.state === "firing" ? html`<${Ack} key=${JSON.stringify(a.labels)} labels=${a.labels} ack=${covering(acks, a.labels)} done=${() => this.refresh()}/>` : ""]),
      "Nothing is firing or pending.")}${alerts.length > MOST && html`<p class="dim">and ${alerts.length - MOST} more</p>`}`;
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
