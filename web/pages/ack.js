// ack.js - who is on an alert, and saying so oneself; who is on call.
import { Component } from "/vendor/preact.mjs";
import { ago, get, html, Live, send, table } from "/api.js";

const NAME = "moonwatch.author"; // where the browser keeps what one is called

/** The acknowledgement among ACKS that covers an alert with LABELS, or undefined. */
export const covering = (acks, labels) => acks.find((a) => (a.covers || []).some((set) =>
  Object.entries(labels).every(([name, value]) => set[name] === value)));

/** Loads what is acknowledged. */
export const acknowledged = async () => (await get("/api/mw/v1/ack", { labels: "yes" })).acks;

/** What one is called, as this browser remembers. */
export const named = () => { try { return localStorage.getItem(NAME) || ""; } catch { return ""; } };
export const remember = (name) => { try { localStorage.setItem(NAME, name); } catch { /* a browser that keeps nothing */ } };

/** A button that asks for a name and says "I am on it"; where somebody is, who that is and a way to take it back. */
export class Ack extends Component {
  constructor() { super(); this.state = {}; }
  async act(method, path, body) {
    try {
      await send(method, path, body);
      this.setState({ open: false, problem: null });
      this.props.done();
    } catch (e) { this.setState({ problem: e.message }); }
  }
  say(event) {
    event.preventDefault();
    const form = Object.fromEntries(new FormData(event.target));
    remember(form.author);
    const { alertname, ...labels } = this.props.labels;
    return this.act("POST", "/api/mw/v1/ack", { alert: alertname, labels, author: form.author, way: "page", comment: form.comment || undefined, for: form.for || undefined });
  }
  undo() { return this.act("DELETE", `/api/mw/v1/ack/${this.props.ack.id}?${new URLSearchParams({ author: named() || "the page" })}`); }
  render({ ack }, { open, problem }) {
    const trouble = problem && html` <span class="bad" role="alert">${problem}</span>`;
    if (ack) {
      return html`<span title=${ack.comment || ""}><b>${ack.author || "somebody"}</b> ${ago(ack.created)}${ack.ends && html`, until ${new Date(ack.ends).toLocaleString()}`}</span>
        ${" "}<button type="button" onClick=${() => this.undo()}>Take back</button>${trouble}`;
    }
    if (!open) return html`<button type="button" onClick=${() => this.setState({ open: true })}>I am on it</button>${trouble}`;
    return html`<form onSubmit=${(event) => this.say(event)}>
      <input name="author" required maxlength="100" placeholder="Your name" aria-label="Your name" defaultValue=${named()}/>
      <select name="for" aria-label="For how long"><option value="">until it resolves</option><option value="30m">for 30 minutes</option>
        <option value="1h">for an hour</option><option value="4h">for 4 hours</option></select>
      <input name="comment" maxlength="500" placeholder="Anything to say?" aria-label="Comment"/><button>I am on it</button>
      <button type="button" onClick=${() => this.setState({ open: false, problem: null })}>Cancel</button>${trouble}</form>`;
  }
}

/** Who is on call in each rotation; nothing where there is none. */
export class OnCall extends Live {
  title = "On call";
  async load() { return (await get("/api/mw/v1/oncall")).oncall; }
  render(props, state) { return state.data && !state.data.length && !state.problem ? null : super.render(props, state); }
  show(rotations) {
    const until = (time) => time ? new Date(time).toLocaleString() : "for good";
    return table(["Rotation", "Now", "Until", "Next"], rotations.map((o) => [html`<b>${o.name}</b>`,
      html`${o.now.person}${o.now.why !== "rotation" && html` <span class="dim">(${o.now.why})</span>`}`, until(o.now.to), o.next ? o.next.person : ""]), "");
  }
}
