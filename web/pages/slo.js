// slo.js - one objective: its budget over time, the outlook, who spent it, what does not count, and a report of its weeks and months.
import { Component } from "/vendor/preact.mjs";
import { get, hashQuery, html, labels, Live, send, table } from "/api.js";
import { named, remember } from "/pages/ack.js";
import { count, Left, percent, sloPage, status } from "/pages/slos.js";
import { marksOf, Plot } from "/plot.js";

const name = () => hashQuery().get("name") || "";
const door = (tail = "") => `/api/mw/v1/slos/${encodeURIComponent(name())}${tail}`;
const time = (text) => new Date(text).toLocaleString();

class Now extends Live {
  title = name();
  constructor() { super(); this.every = 15000; }
  async load() {
    const slo = await get(door()), points = slo.burn_down || [];
    return { slo, marks: points.length ? await marksOf(points[0][0], points[points.length - 1][0], slo.service) : [] };
  }
  show({ slo, marks }) {
    const points = slo.burn_down || [], of = slo.calendar ? `this ${slo.calendar} (${slo.zone})` : `the last ${slo.window}`;
    return html`<p>${status(slo.status)} <b>${percent(slo.ratio, 3)}</b> of ${slo.timeslice ? "slices of time" : "events"} were good in ${of}; promised are ${percent(slo.objective, 3)}.
        Budget left: <${Left} of=${slo.budget_remaining}/> ${slo.total != null && html`<span class="dim">${count(slo.bad)} of ${count(slo.allowed)} that may fail, of ${count(slo.total)}</span>`}</p>
      ${slo.lastError && html`<p class="problem" role="alert">${slo.lastError}</p>`}
      ${slo.forecast && html`<p><b>Outlook:</b> ${slo.forecast.text}.</p>`}${slo.notes.map((text) => html`<p class="dim">${text}</p>`)}
      ${points.length > 1 && html`<h3>How it went</h3><${Plot} height=${240} marks=${marks} names=${(m) => m.what} label="what was left of the budget over time, in per cent"
        result=${[{ metric: { what: "budget left, %" }, values: points.map(([t, left]) => [t, left * 100]) }]}/>`}
      <h3>Burn rates</h3>${table(["Severity", "Alerts above", "Long window", "Short window"], slo.burn.map((b) => [b.severity, b.burn.toFixed(2),
        html`${b.long}: <b>${b.long_rate == null ? "no data" : b.long_rate.toFixed(2)}</b>`, html`${b.short}: <b>${b.short_rate == null ? "no data" : b.short_rate.toFixed(2)}</b>`]), "It has no alerts.")}
      <${Spent} slo=${slo}/><${Corrections} slo=${slo} done=${() => this.refresh()}/>`;
  }
}

const Spent = ({ slo }) => html`
  ${slo.hours && html`<h3>Hours that spent it</h3>${table(["Hour", "Events", "Bad", "Of all that was spent"],
    slo.hours.slice(0, 8).map((h) => [time(h.from), count(h.total), count(h.bad), percent(h.share, 1)]), "Nothing was spent.")}`}
  ${slo.spent_by && html`<h3>Who spent it</h3>${table(["Who", "Events", "Bad", "Of all that was spent"],
    slo.spent_by.slice(0, 15).map((p) => [labels(p.labels), count(p.total), count(p.bad), percent(p.share, 1)]), "Nothing was counted.")}`}
  ${slo.of && html`<h3>Made of</h3>${table(["SLO", "Weight"], slo.of.map((p) => [html`<a href=${sloPage(p.slo)}>${p.slo}</a>`, p.weight ?? "its events"]), "")}`}
  ${slo.gaps?.length > 0 && html`<h3>Nobody counted</h3>${table(["From", "To"], slo.gaps.map((g) => [time(g.from), time(g.to)]), "")}`}`;

class Corrections extends Component {
  state = {};
  async act(work) {
    try { this.setState({ problem: null }); await work(); this.props.done(); } catch (e) { this.setState({ problem: e.message }); }
  }
  add = (event) => {
    event.preventDefault();
    const form = event.target, { from, to, reason, author } = Object.fromEntries(new FormData(form));
    remember(author);
    this.act(async () => {
      await send("POST", door("/corrections"), { from: new Date(from).toISOString(), to: new Date(to).toISOString(), reason, author });
      form.reset();
    });
  };
  drop(id) {
    const author = named() || prompt("Your name");
    if (author) this.act(() => send("DELETE", door(`/corrections/${id}?` + new URLSearchParams({ author }))));
  }
  render({ slo }, { problem }) {
    return html`<h3>Time that does not count</h3>
      ${table(["From", "To", "Why", "By", ""], slo.corrections.map((c) => [time(c.from), time(c.to), html`${c.window && html`<span class="dim">in ${c.window}:</span> `}${c.reason}`, c.author,
        c.taken_back_at ? html`<span class="dim">taken back by ${c.taken_back_by}</span>` : html`<button type="button" onClick=${() => this.drop(c.id)}>Take it back</button>`]), "All of the time counts.")}
      ${slo.kind !== "ratio" && html`<details><summary>Something shall not count</summary><form onSubmit=${this.add}>
        <label>from <input type="datetime-local" name="from" required/></label><label>to <input type="datetime-local" name="to" required/></label>
        <input name="reason" required maxlength="500" placeholder="Why?" aria-label="Why"/><input name="author" required maxlength="100" placeholder="Your name" aria-label="Your name" defaultValue=${named()}/>
        <button>Leave it out</button></form></details>`}${problem && html`<p class="problem" role="alert">${problem}</p>`}`;
  }
}

class Report extends Live {
  title = "Report";
  constructor() { super(); this.every = 60000; this.state = { per: "week" }; }
  load() { return get(door("/report"), { per: this.state.per, n: 12 }); }
  show({ rows, zone }) {
    const { per } = this.state, csv = door("/report?") + new URLSearchParams({ per, n: 52, format: "csv" });
    return html`<p><select aria-label="of each" value=${per} onChange=${(e) => this.setState({ per: e.target.value }, () => this.refresh())}>
        ${["week", "month", "quarter", "year"].map((kind) => html`<option value=${kind}>each ${kind}</option>`)}</select> <span class="dim">${zone}</span> <a href=${csv} download=${`${name()}-${per}.csv`}>CSV</a></p>
      ${table(["Period", "Events", "Bad", "Kept", "Promised", "Met", "Budget spent"], rows.map((r) => [html`${r.period}${!r.whole && html` <span class="dim">${r.known_to < r.to ? "so far" : "in part"}</span>`}`, count(r.total), count(r.bad),
        percent(r.ratio, 3), percent(r.objective, 3), r.met == null ? "" : html`<span class=${r.met ? "good" : "bad"}>${r.met ? "yes" : "no"}</span>`,
        html`${percent(r.budget_spent, 1)}${r.left_out_seconds > 0 && html` <span class="dim">${(r.left_out_seconds / 3600).toFixed(1)} h did not count</span>`}`]), "Nothing was counted yet.")}`;
  }
}

export default () => html`<${Now}/><${Report}/>`;
