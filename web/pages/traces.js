// traces.js - recent traces, and one of them as a waterfall.
import { ago, duration, get, hashQuery, html, labels, Live, table } from "/api.js";

export class Traces extends Live {
  title = "Traces";
  filter = { service: "", min: "", limit: 50 };
  load() { return get("/api/mw/v1/traces", Object.fromEntries(Object.entries(this.filter).filter(([, v]) => v !== ""))); }
  set(field) { return (e) => { this.filter[field] = e.target.value; this.refresh(); }; }
  show({ traces }) {
    return html`<form onSubmit=${(e) => e.preventDefault()}>
        <input aria-label="service" placeholder="service" onChange=${this.set("service")}/>
        <input aria-label="shortest duration" placeholder="at least, such as 100ms" onChange=${this.set("min")}/></form>
      ${table(["Trace", "Operation", "When", "Took", "Spans", "Errors"], traces.map((t) => [
        html`<a href=${"#trace?id=" + t.trace_id}><code>${t.trace_id.slice(0, 12)}</code></a>`, html`<b>${t.root_service}</b> ${t.root_name}`,
        ago(t.start * 1000), duration(t.duration), t.spans, html`<span class=${t.errors ? "bad" : "dim"}>${t.errors}</span>`]),
      "No trace matches. Spans arrive by OTLP at /v1/traces.")}`;
  }
}

/** Depth of every span below the root, parents before children, in order of start. */
function arrange(spans) {
  const children = new Map(), ids = new Set(spans.map((s) => s.span_id)), rows = [];
  for (const span of spans) {
    const parent = ids.has(span.parent_id) ? span.parent_id : "";
    children.set(parent, [...(children.get(parent) || []), span]);
  }
  const walk = (id, depth) => (children.get(id) || []).forEach((span) => { rows.push({ span, depth }); if (depth < 100) walk(span.span_id, depth + 1); });
  walk("", 0);
  return rows;
}

export class Trace extends Live {
  title = "Trace";
  every = 30000;
  load() { return get("/api/mw/v1/traces/" + encodeURIComponent(hashQuery().get("id"))); }
  show({ spans }) {
    const start = Math.min(...spans.map((s) => s.start)), end = Math.max(...spans.map((s) => s.start + s.duration));
    const scale = (x) => `${(100 * x) / (end - start || 1)}%`;
    return table(["Span", "Time line", "Took", "Attributes"], arrange(spans).map(({ span, depth }) => [
      html`<span class=${span.status === "error" ? "bad" : ""}>${"\u2003".repeat(depth)}<b>${span.service}</b> ${span.name}</span>`,
      html`<div class="bar"><svg role="img" aria-label=${"starts at " + duration(span.start - start)}>
        <rect x=${scale(span.start - start)} width=${scale(span.duration)} y="20%" height="60%" rx="2" fill=${span.status === "error" ? "var(--bad)" : "var(--link)"}/></svg></div>`,
      duration(span.duration), labels(span.attributes)]), "This trace is not here any more.");
  }
}
