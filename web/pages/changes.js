// changes.js - what people did and try: canaries, experiments, and everything that was marked.
import { ago, get, html, labels, Live, state, table } from "/api.js";
import { servicePage } from "/pages/golden.js";

const tone = { pass: "good", held: "good", marginal: "warn", "not started": "warn", fail: "bad", broken: "bad", aborted: "bad" };
const said = (text) => html`<span class=${"state " + (tone[text] || "dim")}>${text}</span>`;
const reasons = (list) => html`<ul class="plain">${(list || []).map((text) => html`<li>${text}</li>`)}</ul>`;
const number = (v) => v == null ? "" : Number(v).toPrecision(4);

class Canaries extends Live {
  title = "Canaries";
  load() { return get("/api/mw/v1/canaries"); }
  show({ canaries }) {
    return table(["Canary", "Status", "Versions", "Score", "Why"], canaries.map((c) => {
      const last = c.results[0], compared = c.run || last || c;
      return [html`<b>${c.name}</b>`, said(c.status), html`${labels(compared.candidate)} against ${labels(compared.baseline)}`, c.run ? "" : number(last?.score),
        c.run ? `until ${new Date(c.run.until).toLocaleTimeString()}` : last && html`${reasons(last.reasons)}
          <details><summary>Metrics</summary>${table(["Metric", "Result", "Baseline", "Candidate", "p", "Effect"], last.metrics.map((m) => [m.name + (m.critical ? " (critical)" : ""),
            said(m.result), number(m.median.baseline), number(m.median.candidate), number(m.p_adjusted), number(m.delta)]))}</details>`];
    }), "No canary is defined. A rule file with canary \"name\" { baseline=..., candidate=..., metrics=... } adds one.");
  }
}

const look = (title, of) => of && html`<p>${title}: ${of.steady.map((c) => html`${c.name} ${number(c.value)} ${state(c.holds ? "holds" : "broken")} `)}</p>`;

class Experiments extends Live {
  title = "Experiments";
  load() { return get("/api/mw/v1/experiments"); }
  show({ experiments }) {
    return table(["Experiment", "Service", "Status", "When", "Why"], experiments.map((e) => {
      const run = e.run || e.last;
      return [html`<b>${e.name}</b>`, html`<a href=${servicePage(e.service)}>${e.service}</a>`, said(e.status), run ? ago(run.since) : e.next ? `next ${new Date(e.next).toLocaleString()}` : "",
        run && html`${run.not_rolled_back && html`<p class="problem" role="alert">The fault is still there: ${run.not_rolled_back}</p>`}${run.reason || ""}
          <details><summary>Evidence</summary>${look("Before", run.evidence.before)}${look("When it broke", run.evidence.broken)}${look("When it was aborted", run.evidence.aborted)}
            ${look("After", run.evidence.after)}</details>`];
    }), "No experiment is defined. A rule file with experiment \"name\" { steady=..., abort=..., inject=..., rollback=... } adds one.");
  }
}

class Marks extends Live {
  title = "Marks of the last day";
  async load() { const now = Date.now() / 1000; return get("/api/mw/v1/marks", { from: now - 86400, to: now + 3600 }); }
  show({ marks }) {
    return table(["Time", "Until", "What", "Service", "Who", ""], marks.reverse().map((m) => [new Date(m.time * 1000).toLocaleString(),
      m.until ? new Date(m.until * 1000).toLocaleTimeString() : "", html`<b>${m.kind}</b> ${m.version || ""} ${m.text || ""}`,
      m.service && html`<a href=${servicePage(m.service)}>${m.service}</a>`, m.author || "", labels(m.labels)]),
      "Nothing was marked. `moonwatch mark deploy --service shop --version 1.2` marks a deploy on every plot.");
  }
}

export default () => html`<${Canaries}/><${Experiments}/><${Marks}/>`;
