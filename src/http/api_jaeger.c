/* api_jaeger.c - the query API of Jaeger, as its own page and Grafana call it.  Times are
 * microseconds.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "http/route.h"
#include "http/trace_json.h"

static void comma(mw_buf *out)
{
    char last = out->p[out->n - 1];
    if (last != '[' && last != '{') mw_buf_byte(out, ',');
}

static void close_list(mw_call *c, size_t n)
{
    mw_buf_printf(&c->out, "],\"total\":%zu,\"limit\":0,\"offset\":0,\"errors\":null}", n);
    call_answer(c, 200, "application/json");
}

/* -- services and operations ------------------------------------------------------------------ */

typedef struct names {
    mw_buf *out;
    size_t n;
} names;

static int add_name(void *arg, mw_str name, mw_span_kind kind)
{
    names *l = arg;
    comma(l->out);
    mw_buf_json(l->out, name);
    l->n++;
    return 0;
}

static const char *const kinds[] = {"", "internal", "server", "client", "producer", "consumer"};

static int add_operation(void *arg, mw_str name, mw_span_kind kind)
{
    names *l = arg;
    comma(l->out);
    mw_buf_text(l->out, "{\"name\":");
    mw_buf_json(l->out, name);
    mw_buf_printf(l->out, ",\"spanKind\":\"%s\"}", kinds[(unsigned)kind < 6 ? kind : 0]);
    l->n++;
    return 0;
}

void jaeger_services(mw_call *c)
{
    names l = {.out = &c->out};
    mw_buf_text(&c->out, "{\"data\":[");
    mw_traces_services(c->parts->host->traces, add_name, &l);
    close_list(c, l.n);
}

static void operations(mw_call *c, mw_str service, mw_traces_name_visit *visit)
{
    names l = {.out = &c->out};
    mw_buf_text(&c->out, "{\"data\":[");
    mw_traces_operations(c->parts->host->traces, service, visit, &l);
    close_list(c, l.n);
}

void jaeger_operations(mw_call *c) { operations(c, call_param(c, "service"), add_operation); }
void jaeger_operations_of(mw_call *c) { operations(c, c->wildcard[0], add_name); }

/* -- one trace -------------------------------------------------------------------------------- */

typedef struct trace_writer {
    mw_buf *out;
    mw_buf processes; /* "p1":{...},... */
    mw_str *services; /* of the processes so far; one process per service */
    size_t n, cap, spans;
} trace_writer;

static const char *type_name(const mw_attr *a)
{
    static const char *const of[] = {[MW_ATTR_STRING] = "string",
                                     [MW_ATTR_INT] = "int64",
                                     [MW_ATTR_DOUBLE] = "float64",
                                     [MW_ATTR_BOOL] = "bool",
                                     [MW_ATTR_JSON] = "string"};
    return of[a->type];
}

static void tag(mw_buf *out, const mw_attr *a)
{
    comma(out);
    mw_buf_text(out, "{\"key\":");
    mw_buf_json(out, a->key);
    mw_buf_printf(out, ",\"type\":\"%s\",\"value\":", type_name(a));
    if (a->type == MW_ATTR_JSON)
        mw_buf_json(out, a->s);
    else
        mw_attr_json(a, out);
    mw_buf_byte(out, '}');
}

static void tags(mw_buf *out, const mw_attr *attrs, size_t n)
{
    for (size_t i = 0; i < n; i++) tag(out, &attrs[i]);
}

static void text_tag(mw_buf *out, const char *key, mw_str value)
{
    mw_attr a = {.key = mw_str_of(key), .type = MW_ATTR_STRING, .s = value};
    if (value.n) tag(out, &a);
}

static size_t process_of(trace_writer *w, const mw_span *s)
{
    for (size_t i = 0; i < w->n; i++)
        if (mw_str_eq(w->services[i], s->service)) return i + 1;
    mw_str copy = {mw_strndup(s->service.p, s->service.n), s->service.n};
    MW_PUSH(w->services, w->n, w->cap, copy);
    mw_buf_printf(&w->processes, "%s\"p%zu\":{\"serviceName\":", w->n > 1 ? "," : "", w->n);
    mw_buf_json(&w->processes, s->service);
    mw_buf_text(&w->processes, ",\"tags\":[");
    tags(&w->processes, s->resource, s->n_resource);
    mw_buf_text(&w->processes, "]}");
    return w->n;
}

static void references(mw_buf *out, const mw_span *s)
{
    static const uint8_t none[8];
    mw_buf_text(out, ",\"references\":[");
    if (memcmp(s->parent_id, none, 8)) {
        mw_buf_text(out, "{\"refType\":\"CHILD_OF\",");
        trace_json_hex(out, "traceID", s->trace_id, 16);
        mw_buf_byte(out, ',');
        trace_json_hex(out, "spanID", s->parent_id, 8);
        mw_buf_byte(out, '}');
    }
    for (size_t i = 0; i < s->n_links; i++) {
        comma(out);
        mw_buf_text(out, "{\"refType\":\"FOLLOWS_FROM\",");
        trace_json_hex(out, "traceID", s->links[i].trace_id, 16);
        mw_buf_byte(out, ',');
        trace_json_hex(out, "spanID", s->links[i].span_id, 8);
        mw_buf_byte(out, '}');
    }
    mw_buf_byte(out, ']');
}

static void span_tags(mw_buf *out, const mw_span *s)
{
    mw_buf_text(out, ",\"tags\":[");
    tags(out, s->attrs, s->n_attrs);
    text_tag(out, "span.kind", mw_str_of(kinds[(unsigned)s->kind < 6 ? s->kind : 0]));
    text_tag(out, "otel.scope.name", s->scope);
    if (s->status == MW_SPAN_ERROR)
        tag(out, &(mw_attr){.key = MW_STR("error"), .type = MW_ATTR_BOOL, .b = true});
    text_tag(out, "otel.status_description", s->status_message);
    mw_buf_byte(out, ']');
}

static void span_logs(mw_buf *out, const mw_span *s)
{
    mw_buf_text(out, ",\"logs\":[");
    for (size_t i = 0; i < s->n_events; i++) {
        const mw_span_event *e = &s->events[i];
        comma(out);
        mw_buf_printf(out, "{\"timestamp\":%lld,\"fields\":[", (long long)(e->t_ns / 1000));
        text_tag(out, "event", e->name);
        tags(out, e->attrs, e->n_attrs);
        mw_buf_text(out, "]}");
    }
    mw_buf_byte(out, ']');
}

static int add_span(void *arg, const mw_span *s)
{
    trace_writer *w = arg;
    int64_t took = s->end_ns > s->start_ns ? s->end_ns - s->start_ns : 0;
    comma(w->out);
    mw_buf_byte(w->out, '{');
    trace_json_hex(w->out, "traceID", s->trace_id, 16);
    mw_buf_byte(w->out, ',');
    trace_json_hex(w->out, "spanID", s->span_id, 8);
    mw_buf_text(w->out, ",\"operationName\":");
    mw_buf_json(w->out, s->name);
    mw_buf_printf(w->out, ",\"startTime\":%lld,\"duration\":%lld", (long long)(s->start_ns / 1000),
                  (long long)(took / 1000));
    references(w->out, s);
    span_tags(w->out, s);
    span_logs(w->out, s);
    mw_buf_printf(w->out, ",\"processID\":\"p%zu\",\"warnings\":null}", process_of(w, s));
    w->spans++;
    return 0;
}

/* False when the trace is not there (any more); nothing is written then. */
static bool write_trace(mw_call *c, const uint8_t id[16])
{
    trace_writer w = {.out = &c->out};
    size_t before = c->out.n;
    comma(&c->out);
    mw_buf_byte(&c->out, '{');
    trace_json_hex(&c->out, "traceID", id, 16);
    mw_buf_text(&c->out, ",\"spans\":[");
    mw_buf_text(&w.processes, "");
    bool found = mw_traces_get(c->parts->host->traces, id, add_span, &w) == MW_OK;
    if (found)
        mw_buf_printf(&c->out, "],\"processes\":{%.*s},\"warnings\":null}", (int)w.processes.n,
                      w.processes.p ? w.processes.p : "");
    else
        c->out.n = before;
    for (size_t i = 0; i < w.n; i++) mw_free((char *)w.services[i].p);
    mw_free(w.services);
    mw_buf_deinit(&w.processes);
    return found;
}

void jaeger_trace(mw_call *c)
{
    uint8_t id[16];
    if (!trace_id_parse(c->wildcard[0], id)) {
        call_fail_text(c, MW_EARG, "a trace id is at most 32 hex digits");
        return;
    }
    mw_buf_text(&c->out, "{\"data\":[");
    if (write_trace(c, id))
        close_list(c, 1);
    else
        call_fail_text(c, MW_ENOENT, "trace not found");
}

/* -- search ----------------------------------------------------------------------------------- */

/* Microseconds, as Jaeger's page sends times. */
static int micros(const mw_call *c, const char *name, int64_t *ns, mw_err *err)
{
    mw_str v = call_param(c, name);
    int64_t us;
    if (!v.n) return MW_OK;
    if (!mw_int64_parse(v, &us) || us < 0 || us > INT64_MAX / 1000)
        return mw_fail(err, MW_EARG, 0, 0, "invalid parameter \"%s\": give microseconds", name);
    *ns = us * 1000;
    return MW_OK;
}

static int duration(const mw_call *c, const char *name, int64_t *ns, mw_err *err)
{
    mw_str v = call_param(c, name);
    double n;
    int64_t ms;
    /* Go writes microseconds too, which our durations do not have. */
    if (v.n > 2 && v.p[v.n - 2] == 'u' && v.p[v.n - 1] == 's' &&
        mw_double_parse((mw_str){v.p, v.n - 2}, &n) && n >= 0 && n < 1e15) {
        *ns = (int64_t)(n * 1e3);
        return MW_OK;
    }
    if (!v.n) return MW_OK;
    if (!mw_duration_parse(v, &ms) || ms < 0 || ms > INT64_MAX / 1000000)
        return mw_fail(err, MW_EARG, 0, 0, "invalid parameter \"%s\": give a duration", name);
    *ns = ms * 1000000;
    return MW_OK;
}

static int add_tag(mw_trace_ask *a, mw_str key, mw_str value, mw_err *err)
{
    if (mw_str_is(key, "error") && mw_str_is(value, "true")) {
        a->q.errors_only = true;
        return MW_OK;
    }
    return trace_ask_tag(a, key, value, err);
}

/* tags={"k":"v",...} and tag=k:v. */
static int read_tags(mw_call *c, mw_trace_ask *a, mw_err *err)
{
    mw_json j;
    mw_str key, value, json = call_param(c, "tags");
    int rc = MW_OK;
    if (json.n) {
        mw_json_init(&j, json, c->arena, err);
        if (mw_json_object(&j))
            while (mw_json_key(&j, &key))
                if (mw_json_string(&j, &value) && !rc) rc = add_tag(a, key, value, err);
        if (mw_json_end(&j)) return MW_EPARSE;
    }
    for (const mw_pair *p = NULL; !rc && (p = call_each_param(c, "tag", p));) {
        const char *colon = memchr(p->value.p, ':', p->value.n);
        size_t n = colon ? (size_t)(colon - p->value.p) : 0;
        rc = colon
                 ? add_tag(a, (mw_str){p->value.p, n}, (mw_str){colon + 1, p->value.n - n - 1}, err)
                 : mw_fail(err, MW_EARG, 0, 0, "invalid parameter \"tag\": give key:value");
    }
    return rc;
}

typedef struct ids {
    uint8_t (*id)[16];
    size_t n, cap;
} ids;

static int add_id(void *arg, const mw_trace_summary *s)
{
    ids *l = arg;
    mw_grow(&l->id, &l->cap, l->n + 1, sizeof *l->id);
    memcpy(l->id[l->n++], s->trace_id, 16);
    return 0;
}

static int search(mw_call *c, ids *found, mw_err *err)
{
    mw_trace_ask a = {.q = {.limit = MW_TRACES_USUAL, .cancel = &c->cancel}};
    a.q.service = call_param(c, "service");
    a.q.name = call_param(c, "operation");
    int rc = micros(c, "start", &a.q.min_ns, err);
    if (!rc) rc = micros(c, "end", &a.q.max_ns, err);
    if (!rc) rc = duration(c, "minDuration", &a.q.min_duration_ns, err);
    if (!rc) rc = duration(c, "maxDuration", &a.q.max_duration_ns, err);
    if (!rc) rc = call_size(c, "limit", MW_TRACES_MOST, &a.q.limit, err);
    if (!rc) rc = read_tags(c, &a, err);
    if (!rc) rc = mw_traces_search(c->parts->host->traces, &a.q, add_id, found, err);
    return rc;
}

/* traceID=..., any number of them, instead of a search. */
static bool by_ids(const mw_call *c, ids *found, mw_err *err)
{
    const mw_pair *p = NULL;
    while ((p = call_each_param(c, "traceID", p))) {
        mw_trace_summary s = {0};
        if (!trace_id_parse(p->value, s.trace_id)) {
            mw_fail(err, MW_EARG, 0, 0, "a trace id is at most 32 hex digits");
            return true;
        }
        add_id(found, &s);
    }
    return found->n;
}

void jaeger_traces(mw_call *c)
{
    static const size_t most_bytes = (size_t)64 << 20;
    mw_err err;
    ids found = {0};
    mw_err_init(&err);
    if (!by_ids(c, &found, &err)) search(c, &found, &err);
    if (err.code) {
        call_fail(c, &err);
    } else {
        size_t n = 0;
        mw_buf_text(&c->out, "{\"data\":[");
        for (size_t i = 0; i < found.n && c->out.n < most_bytes && !call_cancelled(c); i++)
            n += write_trace(c, found.id[i]);
        close_list(c, n);
    }
    mw_free(found.id);
}
