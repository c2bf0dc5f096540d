// silence_form.js - a new silence, or one that is changed: what, how long, for whom and when; with what it would mute before.
import { Component } from "/vendor/preact.mjs";
import { get, hashQuery, html, labels, send } from "/api.js";
import { named, remember } from "/pages/ack.js";
import { listed, sets } from "/pages/matchers.js";

const MOST = 10, RECEIVERS = 500; // names of rules, receivers that are offered

const LONG = [["1h", "for an hour"], ["4h", "for 4 hours"], ["1d", "for a day"], ["7d", "for a week"], ["own", "for as long as I say"], ["until", "until I say"]];

export const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const iso = (text) => text ? new Date(text).toISOString() : undefined;
// OBJECT without what is empty; undefined when nothing is left.
const filled = (object) => {
  const kept = Object.entries(object).filter(([, value]) => value);
  return kept.length ? Object.fromEntries(kept) : undefined;
};

// What a date field shows for TIME.
const local = (time) => { const d = new Date(time); return new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16); };

// What the fields of the form say at first: of the silence S that is to be changed, or of a new one, which may be about MATCH.
const first = (s, match) => s
  ? { match: listed(s.matcherSets || [s.matchers]), long: "until", ends: local(s.endsAt), starts: s.status.state === "pending" ? local(s.startsAt) : "",
    repeats: s.recurring ? "times" : s.window ? "window" : "", receivers: s.receivers || [], comment: s.comment, ...s.recurring, window: s.window, remind: s.remind, resolved: s.untilResolved }
  : { match, long: "1h", repeats: "", receivers: [] };

const REPEATS = {
  "": () => ({}),
  times: (f) => ({ recurring: filled({ days: f.get("days"), times: f.get("times"), zone: f.get("zone") }) }),
  window: (f) => ({ window: f.get("window") }),
};

// What FORM asks the server for; S is the silence that it changes, of which what nobody touched stays to the second.
const asked = (form, s) => {
  const f = new FormData(form), lists = sets(f.get("match")), long = f.get("long");
  const wanted = {
    ...(lists.length > 1 ? { matcherSets: lists } : { matchers: lists[0] || [] }),
    ...(long === "until" ? { endsAt: iso(f.get("ends")) } : { for: long === "own" ? f.get("for") : long }),
    startsAt: iso(f.get("starts")), untilResolved: f.get("resolved") ? true : undefined,
    receivers: f.getAll("receivers").length ? f.getAll("receivers") : undefined,
    ...REPEATS[f.get("repeats")](f), remind: f.get("remind") || undefined,
    createdBy: f.get("author") || undefined, comment: f.get("comment") || undefined,
  };
  if (!s) return wanted;
  const kept = first(s), none = { receivers: false, recurring: false, window: false, remind: false };
  return { ...none, ...filled(wanted), id: s.id, matcherSets: lists, untilResolved: !!wanted.untilResolved,
    startsAt: f.get("starts") === kept.starts ? s.startsAt : wanted.startsAt, ...long === "until" && f.get("ends") === kept.ends && { endsAt: s.endsAt } };
};

/** What the server says a silence would mute. */
export function Preview({ of }) {
  const names = of.rules ? of.rules.names : [];
  return html`<div role="status"><p>It would mute <b>${count(of.now.count, "alert")}</b> of ${of.now.of} that fire now${of.history
    && html`, and would have muted ${of.history.count} of ${of.history.of} in the last ${of.history.hours} hours`}.</p>
    ${of.now.examples.map((set) => html`<p><b>${set.alertname}</b> ${labels(set, ["alertname"])}</p>`)}
    ${names.length > 0 && html`<p class="dim">Rules that it may mean: ${names.slice(0, MOST).join(", ")}${names.length > MOST && ` and ${of.rules.count - MOST} more`}</p>`}
    ${of.warnings.map((text) => html`<p class="warn">${text}</p>`)}</div>`;
}

// Names for the choice: receivers, and their kinds where there are several.
const choices = (receivers) => receivers.flatMap(({ name, integrations }) => [name,
  ...integrations.length > 1 ? new Set(integrations.map((i) => `${name}/${i.kind}`)) : []]).slice(0, RECEIVERS);

// The options of a choice; CHOSEN is one of them, or a list of some.
const options = (rows, chosen) => rows.map(([value, text]) => html`<option value=${value} selected=${[].concat(chosen).includes(value)}>${text}</option>`);
const input = (field, label, more) => html`<input name=${field} aria-label=${label} maxlength="100" ...${more}/>`;

// What most silences do without.
function More({ receivers, repeats, of }) {
  const names = [...new Set([...of.receivers, ...receivers])];
  return html`<details open=${!!(of.starts || of.receivers.length || of.repeats || of.remind)}><summary>Later, only for somebody, only at times</summary><div class="fields">
    <label for="s-starts">Begins</label><span><input type="datetime-local" id="s-starts" name="starts" defaultValue=${of.starts}/> <span class="dim">at once, if you leave it empty</span></span>
    <label for="s-receivers">Only for</label><span><select id="s-receivers" name="receivers" multiple size="4">${options(names.map((name) => [name, name]), of.receivers)}</select>
      <span class="dim">everybody, if you choose none</span></span>
    <label for="s-repeats">Mutes</label><span><select id="s-repeats" name="repeats">${options([["", "all the time"], ["times", "at these times"], ["window", "in a window"]], of.repeats)}</select>
      ${repeats === "times" && html`${input("days", "Days", { placeholder: "mon-fri", defaultValue: of.days })}${input("times", "Times", { placeholder: "02:00-04:00", defaultValue: of.times })}
        ${input("zone", "Time zone", { placeholder: "Europe/Lisbon", defaultValue: of.zone || zone() })}`}
      ${repeats === "window" && html`${input("window", "Name of the window", { placeholder: "its name", required: true, defaultValue: of.window })}`}</span>
    <label for="s-remind">Reminds</label><span><input id="s-remind" name="remind" size="6" placeholder="15m" maxlength="20" defaultValue=${of.remind}/> <span class="dim">before it ends, if something still fires behind it</span></span>
  </div></details>`;
}

/** The form: for the silence `of`, which it changes, or a new one. */
export class Make extends Component {
  constructor(props) {
    super(props);
    this.first = first(props.of, hashQuery().get("match") || "");
    this.state = { long: this.first.long, repeats: this.first.repeats, receivers: [], made: 0 };
    this.turn = 0;
  }
  componentDidMount() {
    get("/api/mw/v1/receivers").then(({ receivers }) => this.setState({ receivers: choices(receivers) }), () => { /* then none is offered */ });
    if (this.first.match) this.look();
  }
  // Does WORK; what it gives is shown unless the form was changed meanwhile.
  async run(work) {
    const turn = ++this.turn;
    let news;
    try { news = { problem: null, said: null, ...await work() }; } catch (e) { news = { problem: e.message, found: null, said: null }; }
    if (turn === this.turn) this.setState(news);
  }
  look() { return this.run(async () => ({ found: await send("POST", "/api/mw/v1/silences/preview", asked(this.form, this.props.of)) })); }
  make(event) {
    event.preventDefault();
    remember(new FormData(this.form).get("author"));
    return this.run(async () => {
      const s = await send("POST", "/api/mw/v1/silences", asked(this.form, this.props.of));
      this.props.done();
      this.first = first(null, "");
      return { found: null, long: this.first.long, repeats: "", made: this.state.made + 1, said: `It is made, and ends ${new Date(s.endsAt).toLocaleString()}.` };
    });
  }
  changed() {
    this.turn++;
    this.setState({ found: null, problem: null, said: null, long: this.form.elements.long.value, repeats: this.form.elements.repeats.value });
  }
  // The key makes it a new form, with nothing in it, once a silence is made.
  render({ of, done }, { long, repeats, receivers, found, problem, said, made }) {
    return html`<form key=${made} ref=${(form) => { this.form = form; }} onInput=${() => this.changed()} onSubmit=${(event) => this.make(event)}>
      <textarea name="match" required rows="3" cols="60" placeholder=${'alertname="Down"\ninstance=~"web-.*"'} aria-label="Matchers, one in each line; an empty line means or" defaultValue=${this.first.match}></textarea>
      <div class="row"><select name="long" aria-label="For how long">${options(LONG, this.first.long)}</select>
        ${long === "own" && input("for", "How long", { required: true, placeholder: "90m, 2h, 3d", size: 8 })}
        ${long === "until" && html`<input type="datetime-local" name="ends" required aria-label="Its end" defaultValue=${this.first.ends}/>`}
        <label><input type="checkbox" name="resolved" defaultChecked=${this.first.resolved}/> or until it is over</label></div>
      <div class="row">${input("author", "Your name", { required: true, placeholder: "Your name", defaultValue: named() })}
        <input name="comment" required maxlength="500" class="wide" placeholder="Why?" aria-label="Why" defaultValue=${this.first.comment}/></div>
      <${More} receivers=${receivers} repeats=${repeats} of=${this.first}/>
      <div class="row"><button type="button" onClick=${() => this.look()}>What would it mute?</button><button>${of ? "Change it" : "Silence"}</button>
        ${of && html`<button type="button" onClick=${() => done()}>Leave it as it is</button>`}</div></form>
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}${said && html`<p class="good" role="status">${said}</p>`}${found && html`<${Preview} of=${found}/>`}`;
  }
}
