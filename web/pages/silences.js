// silences.js - what is silenced, until when and by whom; made longer, and ended.
import { ago, brief, get, html, Live, send, state, table } from "/api.js";
import { named } from "/pages/ack.js";
import { lines, written } from "/pages/matchers.js";
import { count, Make } from "/pages/silence_form.js";

const PAGE = 50; // silences that are shown at first, and more at each asking

/** The address of a new silence for what has just these LABELS. */
export const silencePage = (set) => "#silences?" + new URLSearchParams({ match: lines(set) });

export default class Silences extends Live {
  title = "Silences";
  constructor() { super(); this.most = PAGE; this.text = ""; }
  load() { return get("/api/mw/v1/silences", { all: "1", limit: this.most, ...this.text && { text: this.text } }); }
  async act(method, path, body) {
    try {
      await send(method, path, body);
      this.setState({ refused: null });
    } catch (e) { this.setState({ refused: e.message }); }
    this.refresh();
  }
  find(text) { this.text = text; this.most = PAGE; return this.refresh(); }
  more() { this.most += PAGE; return this.refresh(); }
  change(s) { this.setState({ changed: s }); this.base.scrollIntoView(); }
  done() { this.setState({ changed: null }); return this.refresh(); }
  buttons(s) {
    const by = { createdBy: named() || undefined }, path = `/api/mw/v1/silences/${s.id}`;
    const longer = html`<button type="button" onClick=${() => this.act("POST", path + "/extend", { for: "1h", ...by })}>${s.status.state === "expired" ? "Again for an hour" : "An hour longer"}</button>`;
    return html`${longer}${s.status.state !== "expired" && html` <button type="button" onClick=${() => this.change(s)}>Change</button>
      ${" "}<button type="button" onClick=${() => this.act("DELETE", path, by)}>End it</button>`}`;
  }
  // For whom and when, where that is not everybody and always.
  only(s) {
    const times = s.window ? `in the window ${s.window}` : s.recurring ? Object.entries(s.recurring).map(([what, text]) => `${what} ${text}`).join(", ") : "";
    return html`${s.receivers && html`<p>only for ${s.receivers.join(", ")}</p>`}${times && html`<p>only ${times}</p>`}`;
  }
  until(s) {
    return html`${s.status.state === "pending" && new Date(s.startsAt) > Date.now() && `from ${new Date(s.startsAt).toLocaleString()} to `}${
      new Date(s.endsAt).toLocaleString()}${s.untilResolved ? " or when it is over" : ""}`;
  }
  show({ silences, total }) {
    const sets = (s) => [s.matchers, ...(s.matcherSets || []).slice(1)].map((list) => list.map(written).join(", ")).join(" or ");
    const { changed } = this.state;
    return html`<${Make} key=${changed ? changed.id : ""} of=${changed} done=${() => this.done()}/>
      ${this.state.refused && html`<p class="problem" role="alert">${this.state.refused}</p>`}
      ${(total > 0 || this.text) && html`<p><input type="search" name="text" aria-label="Find a silence" placeholder="Find a silence" onInput=${(event) => this.find(event.target.value)}/></p>`}
      ${table(["State", "What", "Until", "By", "Why", "Mutes now", ""], silences.map((s) => [state(s.status.state), html`<code>${brief(sets(s))}</code>${this.only(s)}`,
        this.until(s), html`<b>${brief(s.createdBy)}</b> ${ago(s.updatedAt)}`, brief(s.comment),
        s.mutes && s.status.state === "active" ? count(s.mutes.count, "alert") : "", this.buttons(s)]), this.text ? "No silence says that." : "Nothing is silenced.")}
      ${total > silences.length && html`<p>${count(total - silences.length, "silence")} more. <button type="button" onClick=${() => this.more()}>Show more</button></p>`}`;
  }
}
