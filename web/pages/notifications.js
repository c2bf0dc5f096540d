// notifications.js - who was told what, when, and how it was taken.
import { Component } from "/vendor/preact.mjs";
import { ago, brief, get, hashQuery, html, Live, state, table } from "/api.js";
import { alertPage } from "/pages/alert.js";

const MOST = 5; // names of alerts that are shown, of one message

const filters = () => Object.fromEntries([...hashQuery()].filter(([, value]) => value));
const tone = (result) => ({ sent: "good", digested: "good", failed: "bad", dropped: "bad", pending: "warn", deferred: "warn" })[result] || "dim";

const tries = (n) => n.attempts.length === 0 ? "" : html`<details><summary>${n.attempts.length}</summary>${n.attempts.map((a) => html`<div><code>${
  new Date(a.time).toLocaleTimeString()} ${a.ok ? "taken" : a.error || "no answer"}${a.status ? ` (${a.status})` : ""}</code></div>`)}</details>`;

const about = (n) => html`${n.alerts.slice(0, MOST).map((a) => html`<a href=${alertPage(a)}>${brief(a.labels.alertname) || "alert"}</a> `)}${
  n.alerts.length > MOST && html`<span class="dim">and ${n.alerts.length - MOST} more</span>`}`;

class List extends Live {
  title = "Messages";
  load() { return get("/api/mw/v1/notifications", { limit: 100, ...filters() }); }
  show({ notifications, next }) {
    return html`${table(["When", "Receiver", "About", "State", "Why it was sent", "Result", "Tries"], notifications.map((n) => [
      html`<time datetime=${n.time} title=${n.time}>${ago(n.time)}</time>`, html`<b>${n.receiver}</b> <span class="dim">${n.integration}</span>`, about(n),
      state(n.status), n.test ? "a test" : n.reason, html`<span class=${tone(n.result)}>${n.result}</span> ${brief(n.why) || ""}`, tries(n)]),
      "Nobody was told anything that fits.")}
      ${next && html`<p><a href=${"#notifications?" + new URLSearchParams({ ...filters(), before: next })}>Older</a></p>`}`;
  }
}

export default class Notifications extends Component {
  filter(event) {
    event.preventDefault();
    const wanted = [...new FormData(event.target)].filter(([, value]) => value);
    location.hash = "#notifications" + (wanted.length ? "?" + new URLSearchParams(wanted) : "");
  }
  render() {
    const now = filters();
    return html`<section><form onSubmit=${(event) => this.filter(event)}>
      <input name="receiver" placeholder="receiver" aria-label="receiver" value=${now.receiver || ""}/>
      <input name="alert" placeholder="alert" aria-label="alert" value=${now.alert || ""}/>
      <select name="result" aria-label="result">${["", "sent", "pending", "failed", "dropped", "deferred", "cancelled", "superseded", "digested"].map((r) =>
        html`<option value=${r} selected=${r === (now.result || "")}>${r || "any result"}</option>`)}</select>
      <button>Show</button></form></section><${List}/>`;
  }
}
