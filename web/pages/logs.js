// logs.js - recent log records.
import { traceLink } from "/pages/alert.js";
import { get, html, labels, Live, state, table } from "/api.js";

export default class Logs extends Live {
  title = "Logs";
  every = 3000;
  filter = { selector: "", contains: "", level: "", limit: 200 };
  load() { return get("/api/mw/v1/logs", Object.fromEntries(Object.entries(this.filter).filter(([, v]) => v !== ""))); }
  set(field) { return (e) => { this.filter[field] = e.target.value; this.refresh(); }; }
  show({ records }) {
    return html`<form onSubmit=${(e) => e.preventDefault()}>
        <input aria-label="stream selector" placeholder='{service="shop"}' onChange=${this.set("selector")}/>
        <input aria-label="text" placeholder="text in the message" onInput=${this.set("contains")}/>
        <select aria-label="lowest level" onChange=${this.set("level")}><option value="">all levels</option>
          ${["debug", "info", "warn", "error"].map((l) => html`<option>${l}</option>`)}</select></form>
      ${table(["Time", "Level", "Message", "From", "Trace"], records.map((r) => [
        html`<code>${new Date(Number(r.timestamp.slice(0, -6))).toLocaleTimeString()}</code>`, state(r.level), html`<code>${r.message}</code>`,
        labels(r.stream), r.trace_id ? traceLink(r.trace_id, 8) : ""]),
      "No record matches. Logs arrive by OTLP at /v1/logs or Loki push at /loki/api/v1/push.")}`;
  }
}
