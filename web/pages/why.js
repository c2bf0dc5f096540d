// why.js - nobody told me: which rule would make it, what of it, what is like it, what would happen if it came.
import { brief, get, hashQuery, html, labels, Live, state, table } from "/api.js";
import { alertPage } from "/pages/alert.js";
import { lines, matchers } from "/pages/matchers.js";

// [name, value] of each label of TEXT; throws an Error that names the line.
const pairs = (text) => matchers(text).map((m) => {
  if (m.isRegex || !m.isEqual) throw new Error(`${m.name}: write its value: name="value"`);
  return [m.name, m.value];
});

const rule = (r) => [state(r.suspended ? "suspended" : r.state || r.health), html`<b>${r.name}</b>`, html`<code>${brief(r.query) || ""}</code>`, html`<span class="bad">${r.lastError || ""}</span>`];

// No such alert is known: what would happen if it came, and what is like it.
function Nothing({ of, near }) {
  const { would, receivers } = of;
  return html`<p>If it fired now: ${would.first.length ? html`<b>${would.first.join(", ")}</b> would be told.` : "nobody would be told at once."}</p>
    ${would.muted.map((m) => html`<p class="warn">On the route ${m.route}: ${m.text}</p>`)}
    ${table(["Receiver", "Why not"], receivers.filter((r) => r.code !== "no-alert").map((r) => [r.receiver, r.text]), "")}
    ${near && near.length > 0 && html`<h3>Alerts that are like it</h3>${table(["State", "Alert"], near.map((a) => [state(a.state), alert(a)]), "")}`}`;
}

const alert = (a) => html`<a href=${alertPage(a)}><b>${brief(a.labels.alertname)}</b></a> ${labels(a.labels, ["alertname"])}`;

export default class Why extends Live {
  title = "Why was nobody told?";
  constructor() {
    super();
    const query = hashQuery();
    this.set = query.getAll("label").map((pair) => pair.split(/=(.*)/s));
    this.receiver = query.get("receiver") || "";
  }
  async load() {
    if (!this.set.length) return {};
    return get("/api/mw/v1/why?" + new URLSearchParams([...this.set.map(([name, value]) => ["label", `${name}=${value}`]), ...this.receiver ? [["receiver", this.receiver]] : []]));
  }
  ask(event) {
    event.preventDefault();
    const f = new FormData(event.target);
    try {
      const query = pairs(f.get("labels")).map(([name, value]) => ["label", `${name}=${value}`]);
      location.hash = "#why?" + new URLSearchParams([...query, ...f.get("receiver") ? [["receiver", f.get("receiver")]] : []]);
      this.setState({ wrong: null });
    } catch (e) { this.setState({ wrong: e.message }); }
  }
  show(story) {
    return html`<form onSubmit=${(event) => this.ask(event)}>
      <textarea name="labels" required rows="2" cols="60" placeholder=${'alertname="Down"\nteam="web"'} aria-label="Labels of what you missed, one in each line" defaultValue=${lines(Object.fromEntries(this.set))}></textarea>
      <div class="row"><input name="receiver" maxlength="100" placeholder="Which receiver? (any)" aria-label="Receiver" defaultValue=${this.receiver}/><button>Why?</button></div></form>
      ${this.state.wrong && html`<p class="problem" role="alert">${this.state.wrong}</p>`}
      ${story.verdict && html`<p class="verdict" role="status"><b>${story.verdict}</b></p>
        ${story.rules.length > 0 && table(["State", "Rule", "Query", "Problem"], story.rules.map(rule), "")}
        ${story.alerts.length > 0 && table(["State", "Alert", "Why"], story.alerts.map((a) => [state(a.state), alert(a), brief(a.verdict.text)]), "")}
        ${story.nothing && html`<${Nothing} of=${story.nothing} near=${story.near}/>`}`}`;
  }
  // The form is there also when the answer is a refusal.
  render(props, now) { return super.render(props, now.data === undefined && now.problem ? { ...now, data: {} } : now); }
}
