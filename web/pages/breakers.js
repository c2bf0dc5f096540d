// breakers.js - what is left alone because it keeps failing: breakers of checks, of requests and of receivers, open ones first.
import { ago, get, html, Live, state, table } from "/api.js";

const ORDER = ["open", "half-open", "closed"];

// The integrations of receivers as rows of the same form.
const ofReceivers = (receivers) => receivers.flatMap(({ name, integrations }) => integrations.map((i) =>
  ({ name: `receiver/${name} (${i.kind})`, state: i.breaker, forced: i.breaker_forced, cause: i.breaker_cause, open_until: i.breaker_until })));

const next = (b) => b.forced ? `forced ${b.forced} by hand; by itself it would be ${b.state}`
  : b.state === "open" && b.open_until ? `tried again at ${new Date(b.open_until).toLocaleTimeString()}` : "";

export class Breakers extends Live {
  title = "Breakers";
  async load() {
    const [{ breakers }, { receivers }] = await Promise.all([get("/api/mw/v1/breakers"), get("/api/mw/v1/receivers")]);
    return [...breakers, ...ofReceivers(receivers)].map((b) => ({ ...b, shown: b.forced || b.state }));
  }
  show(breakers) {
    return table(["State", "Breaker", "Opened", "Because of", "Refused", "Next"],
      breakers.sort((a, b) => ORDER.indexOf(a.shown) - ORDER.indexOf(b.shown)).map((b) => [state(b.shown), html`<b>${b.name}</b>`,
        b.shown === "open" && b.opened_at ? ago(b.opened_at) : "", b.shown === "open" ? b.cause : "", b.refused ?? "", next(b)]),
      "There are none. A check, a receiver or the word breaker \"name\" { ... } has one.");
  }
}
