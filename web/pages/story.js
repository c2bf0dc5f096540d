// story.js - why somebody was told of an alert, or not: a verdict, each receiver, and what happened in order of time.
import { html, labels, state, table } from "/api.js";

const MOST = 200; // events that are shown

const tones = { fired: "bad", resolved: "good", muted: "warn", attempt: "dim", pending: "warn" };
const clock = (time) => html`<time datetime=${time} title=${time}>${new Date(time).toLocaleString()}</time>`;
const often = (event) => event.count ? html` <span class="dim">${event.count} times until ${clock(event.last)}</span>` : "";

/** A link to the messages that are about ALERT (its fingerprint) or went to RECEIVER. */
export const messages = (filter) => "#notifications?" + new URLSearchParams(filter);

const receivers = (verdict) => table(["Receiver", "Told", "Why"], verdict.receivers.map((r) => [
  html`<a href=${messages({ receiver: r.receiver })}>${r.receiver}</a>`,
  html`<span class=${r.told ? "good" : "warn"}>${r.told || r.was_told ? "yes" : "no"}</span>`, r.text]), "No receiver is reached.");

const timeline = (events) => table(["Time", "What", ""], events.slice(-MOST).map((e) => [
  clock(e.time), html`<span class=${tones[e.kind] || ""}>${e.text}</span>${often(e)}`, html`<span class="dim">${e.kind}</span>`]), "Nothing is known.");

const routes = (tree) => table(["Route", "Receiver", "What decided"], tree.map((row) => [
  html`<code style=${`padding-left:${row.depth}rem`}>${row.route}</code>`, row.receiver || row.escalation || "",
  html`<span class=${row.state === "taken" ? "good" : "dim"}>${row.text}</span>`]), "There are no routes.");

/** What /api/mw/v1/why says of one alert. */
export function Story({ of }) {
  if (!of) return html`<p class="empty">The router knows nothing of it: it does not fire.</p>`;
  return html`<p class="verdict"><b>${of.verdict.text}</b></p>
    <p><a href=${messages({ alert: of.fingerprint })}>All messages about it</a></p>
    ${receivers(of.verdict)}
    <h3>What happened</h3>${timeline(of.timeline)}
    <h3>Routes</h3>${routes(of.tree)}`;
}

/** An alert that only the router knows: posted by others, or over. */
export function Known({ of }) {
  return html`<p>${state(of.state)} <b>${of.labels.alertname}</b> ${labels(of.labels, ["alertname"])}</p><h2>Who was told, and why</h2><${Story} of=${of}/>`;
}
