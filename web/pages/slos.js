// slos.js - all objectives: what is left of each budget, how fast it goes and until when it lasts.
import { get, html, Live, table } from "/api.js";

export const percent = (x, digits = 2) => x == null ? "no data" : `${(x * 100).toFixed(digits)} %`;
export const count = (x) => x == null ? "" : Math.round(x).toLocaleString();
export const sloPage = (name) => "#slo?" + new URLSearchParams({ name });

const tones = { ok: "good", burning: "bad", exhausted: "bad", "no data": "dim" };
export const status = (text) => html`<span class="state ${tones[text] || "dim"}">${text}</span>`;

/** What is left of a budget, as a number and a bar of that length. */
export const Left = ({ of }) => of == null ? "no data"
  : html`<span class=${of > 0.25 ? "good" : of > 0 ? "warn" : "bad"}>${percent(of)}</span> <meter min="0" max="1" low="0.01" high="0.25" optimum="1" value=${of} aria-hidden="true"></meter>`;

/** The fastest of the burn rates of S, over their long windows. */
const fastest = (s) => s.burn.reduce((most, b) => b.long_rate != null && (most == null || b.long_rate > most) ? b.long_rate : most, null);

export default class Slos extends Live {
  title = "Promises and their budgets";
  constructor() { super(); this.every = 15000; }
  load() { return get("/api/mw/v1/slos"); }
  show({ slos }) {
    return table(["SLO", "State", "Objective", "Kept", "Budget left", "Burn rate", "Of", "Outlook"], slos.map((s) => [
      html`<a href=${sloPage(s.name)}><b>${s.name}</b></a>${s.service !== s.name && html` <span class="dim">${s.service}</span>`}`, status(s.status), percent(s.objective, 3), percent(s.ratio, 3),
      html`<${Left} of=${s.budget_remaining}/>`, fastest(s) == null ? "" : fastest(s).toFixed(2), s.calendar ? `this ${s.calendar}` : s.window,
      s.health === "err" ? html`<span class="problem">${s.lastError}</span>` : s.forecast?.text || ""]),
    "No SLO is defined. A rule file with slo \"name\" { good=..., total=..., objective=99.9 } adds one.");
  }
}
