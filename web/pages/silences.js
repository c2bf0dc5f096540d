// silences.js - what is silenced, until when and by whom; a new silence, with what it would mute before it is made.
import { Component } from "/vendor/preact.mjs";
import { ago, get, html, labels, Live, send, state, table } from "/api.js";
import { named, remember } from "/pages/ack.js";

const LINE = /^\s*("(?:[^"\\]|\\.)*"|[^\s"=!~{}]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"]*?)\s*$/;
// What is escaped in quotes is what Alertmanager has escaped there; other backslashes are the pattern's.
const plain = (text) => text[0] === '"' ? text.slice(1, -1).replace(/\\(["\\n])/g, (_, c) => c === "n" ? "\n" : c) : text;
const length = (form) => form.for ? { for: form.for } : { untilResolved: true };
const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n")}"`;
const name = (text) => /^[A-Za-z_]\w*$/.test(text) ? text : quoted(text);
const written = (m) => name(m.name) + (m.isRegex ? (m.isEqual ? "=~" : "!~") : m.isEqual ? "=" : "!=") + quoted(m.value);

/** Matchers of TEXT, one in each line; throws an Error that names the line. */
export const matchers = (text) => text.split("\n").filter((line) => line.trim()).map((line) => {
  const m = line.match(LINE);
  if (!m) throw new Error(`"${line.trim()}" is no matcher: write name="value", or != =~ !~ in place of =`);
  return { name: plain(m[1]), value: plain(m[3]), isRegex: m[2].endsWith("~"), isEqual: m[2][0] === "=" };
});

/** The address of a new silence for what has just these LABELS. */
export const silencePage = (set) => "#silences?" + new URLSearchParams({ match: Object.entries(set).sort().map(([label, value]) => written({ name: label, value, isEqual: true })).join("\n") });

const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** What the server says a silence would mute. */
export function Preview({ of }) {
  return html`<div role="status"><p>It would mute <b>${count(of.now.count, "alert")}</b> of ${of.now.of} that fire now${of.history
    && html`, and would have muted ${of.history.count} of ${of.history.of} in the last ${of.history.hours} hours`}.</p>
    ${of.now.examples.map((set) => html`<p><b>${set.alertname}</b> ${labels(set, ["alertname"])}</p>`)}
    ${of.warnings.map((text) => html`<p class="warn">${text}</p>`)}</div>`;
}

class Make extends Component {
  constructor() { super(); this.state = { match: new URLSearchParams(location.hash.split("?")[1]).get("match") || "" }; }
  componentDidMount() { if (this.state.match) this.look({ for: "1h" }); }
  async run(work) {
    try { this.setState({ problem: null }); await work(); } catch (e) { this.setState({ problem: e.message, found: null }); }
  }
  look(form) {
    return this.run(async () => this.setState({ found: await send("POST", "/api/mw/v1/silences/preview", { matchers: matchers(this.state.match), ...length(form) }) }));
  }
  make(event) {
    event.preventDefault();
    const form = Object.fromEntries(new FormData(event.target));
    remember(form.author);
    return this.run(async () => {
      await send("POST", "/api/mw/v1/silences", { matchers: matchers(form.match), createdBy: form.author, comment: form.comment, ...length(form) });
      this.setState({ match: "", found: null });
      this.props.done();
    });
  }
  render(_, { match, found, problem }) {
    return html`<form onSubmit=${(event) => this.make(event)}>
      <textarea name="match" required rows="3" cols="60" placeholder=${'alertname="Down"\ninstance=~"web-.*"'} aria-label="Matchers, one in each line" value=${match}
        onInput=${(event) => this.setState({ match: event.target.value, found: null })}></textarea>
      <select name="for" aria-label="For how long"><option value="1h">for an hour</option><option value="4h">for 4 hours</option><option value="1d">for a day</option>
        <option value="7d">for a week</option><option value="">until it is over</option></select>
      <input name="author" required maxlength="100" placeholder="Your name" aria-label="Your name" defaultValue=${named()}/>
      <input name="comment" required maxlength="500" placeholder="Why?" aria-label="Why"/>
      <button type="button" onClick=${(event) => this.look(Object.fromEntries(new FormData(event.target.form)))}>What would it mute?</button><button>Silence</button></form>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}${found && html`<${Preview} of=${found}/>`}`;
  }
}

export default class Silences extends Live {
  title = "Silences";
  async load() { return (await get("/api/mw/v1/silences", { all: "1" })).silences; }
  async act(method, path, body) {
    try { await send(method, path, body); } catch (e) { this.setState({ problem: e.message }); return; }
    this.refresh();
  }
  buttons(s) {
    const by = { createdBy: named() || undefined }, path = `/api/mw/v1/silences/${s.id}`;
    const longer = html`<button type="button" onClick=${() => this.act("POST", path + "/extend", { for: "1h", ...by })}>${s.status.state === "expired" ? "Again for an hour" : "An hour longer"}</button>`;
    return html`${longer}${s.status.state !== "expired" && html` <button type="button" onClick=${() => this.act("DELETE", path, by)}>End it</button>`}`;
  }
  // For whom and when, where that is not everybody and always.
  only(s) {
    const times = s.window ? `in the window ${s.window}` : s.recurring ? Object.entries(s.recurring).map(([what, text]) => `${what} ${text}`).join(", ") : "";
    return html`${s.receivers && html`<p>only for ${s.receivers.join(", ")}</p>`}${times && html`<p>only ${times}</p>`}`;
  }
  show(silences) {
    const sets = (s) => [s.matchers, ...(s.matcherSets || []).slice(1)].map((list) => list.map(written).join(", ")).join(" or ");
    return html`<${Make} done=${() => this.refresh()}/>
      ${table(["State", "What", "Until", "By", "Why", "Mutes now", ""], silences.map((s) => [state(s.status.state), html`<code>${sets(s)}</code>${this.only(s)}`,
        html`${new Date(s.endsAt).toLocaleString()}${s.untilResolved ? " or when it is over" : ""}`, html`<b>${s.createdBy}</b> ${ago(s.updatedAt)}`, s.comment,
        s.mutes ? count(s.mutes.count, "alert") : "", this.buttons(s)]), "Nothing is silenced.")}`;
  }
}
