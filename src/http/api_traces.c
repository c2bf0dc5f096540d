/* api_traces.c - /api/mw/v1/traces: search, and one trace whole.  Times are seconds.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "http/route.h"
#include "http/trace_json.h"

/* -- parameters ------------------------------------------------------------------------------ */

static int duration_ns(const mw_call *c, const char *name, int64_t *out, mw_err *err)
{
    int64_t ms = 0;
    int rc = call_duration_ms(c, name, &ms, err);
    if (!rc && (ms < 0 || ms > INT64_MAX / 1000000))
        rc = mw_fail(err, MW_EARG, 0, 0, "invalid parameter \"%s\": out of range", name);
    if (!rc) *out = ms * 1000000;
    return rc;
}

static int read_query(mw_call *c, mw_trace_ask *a, mw_err *err)
{
    mw_traces_query *q = &a->q;
    *a = (mw_trace_ask){.q = {.limit = MW_TRACES_USUAL, .cancel = &c->cancel}};
    q->service = call_param(c, "service");
    q->name = call_param(c, "name");
    q->errors_only = call_flag(c, "errors");
    q->slowest = call_flag(c, "slowest");
    int rc = call_time_ns(c, "from", &q->min_ns, err);
    if (!rc) rc = call_time_ns(c, "to", &q->max_ns, err);
    if (!rc) rc = duration_ns(c, "min", &q->min_duration_ns, err);
    if (!rc) rc = duration_ns(c, "max", &q->max_duration_ns, err);
    if (!rc) rc = call_size(c, "limit", MW_TRACES_MOST, &q->limit, err);
    for (const mw_pair *p = NULL; !rc && (p = call_each_param(c, "tag", p));) {
        const char *eq = memchr(p->value.p, '=', p->value.n);
        size_t n = eq ? (size_t)(eq - p->value.p) : 0;
        rc = eq ? trace_ask_tag(a, (mw_str){p->value.p, n}, (mw_str){eq + 1, p->value.n - n - 1},
                                err)
                : mw_fail(err, MW_EARG, 0, 0, "invalid parameter \"tag\": give name=value");
    }
    return rc;
}

/* -- writing --------------------------------------------------------------------------------- */

static void text(mw_buf *out, const char *name, mw_str value)
{
    mw_buf_printf(out, ",\"%s\":", name);
    mw_buf_json(out, value);
}

static void seconds(mw_buf *out, const char *name, int64_t ns)
{
    mw_buf_printf(out, ",\"%s\":%s%lld.%09lld", name, ns < 0 ? "-" : "", llabs(ns / 1000000000),
                  llabs(ns % 1000000000));
}

static void comma(mw_buf *out)
{
    if (out->p[out->n - 1] != '[') mw_buf_byte(out, ',');
}

static int add_summary(void *arg, const mw_trace_summary *s)
{
    mw_buf *out = arg;
    comma(out);
    mw_buf_byte(out, '{');
    trace_json_hex(out, "trace_id", s->trace_id, 16);
    text(out, "root_service", s->root_service);
    text(out, "root_name", s->root_name);
    seconds(out, "start", s->start_ns);
    seconds(out, "duration", s->duration_ns);
    mw_buf_printf(out, ",\"spans\":%zu,\"errors\":%zu", s->spans, s->errors);
    text(out, "matched_service", s->matched_service);
    text(out, "matched_name", s->matched_name);
    seconds(out, "matched_duration", s->matched_duration_ns);
    mw_buf_byte(out, '}');
    return 0;
}

static void attrs(mw_buf *out, const char *name, const mw_attr *a, size_t n)
{
    mw_buf_printf(out, ",\"%s\":", name);
    mw_attrs_json(a, n, out);
}

static void add_events(mw_buf *out, const mw_span *s)
{
    mw_buf_text(out, ",\"events\":[");
    for (size_t i = 0; i < s->n_events; i++) {
        const mw_span_event *e = &s->events[i];
        comma(out);
        mw_buf_text(out, "{\"name\":");
        mw_buf_json(out, e->name);
        seconds(out, "time", e->t_ns);
        attrs(out, "attributes", e->attrs, e->n_attrs);
        mw_buf_byte(out, '}');
    }
    mw_buf_text(out, "],\"links\":[");
    for (size_t i = 0; i < s->n_links; i++) {
        comma(out);
        mw_buf_byte(out, '{');
        trace_json_hex(out, "trace_id", s->links[i].trace_id, 16);
        mw_buf_byte(out, ',');
        trace_json_hex(out, "span_id", s->links[i].span_id, 8);
        attrs(out, "attributes", s->links[i].attrs, s->links[i].n_attrs);
        mw_buf_byte(out, '}');
    }
    mw_buf_byte(out, ']');
}

static const char *const kinds[] = {"unspecified", "internal", "server",
                                    "client",      "producer", "consumer"};
static const char *const statuses[] = {"unset", "ok", "error"};

static int add_span(void *arg, const mw_span *s)
{
    static const uint8_t none[8];
    mw_buf *out = arg;
    comma(out);
    mw_buf_byte(out, '{');
    trace_json_hex(out, "span_id", s->span_id, 8);
    mw_buf_byte(out, ',');
    trace_json_hex(out, "parent_id", s->parent_id, memcmp(s->parent_id, none, 8) ? 8 : 0);
    text(out, "service", s->service);
    text(out, "name", s->name);
    seconds(out, "start", s->start_ns);
    seconds(out, "duration", s->end_ns > s->start_ns ? s->end_ns - s->start_ns : 0);
    mw_buf_printf(out, ",\"kind\":\"%s\",\"status\":\"%s\"",
                  kinds[(unsigned)s->kind < 6 ? s->kind : 0],
                  statuses[(unsigned)s->status < 3 ? s->status : 0]);
    text(out, "status_message", s->status_message);
    text(out, "scope", s->scope);
    attrs(out, "attributes", s->attrs, s->n_attrs);
    attrs(out, "resource", s->resource, s->n_resource);
    add_events(out, s);
    mw_buf_byte(out, '}');
    return 0;
}

/* -- handlers -------------------------------------------------------------------------------- */

void api_traces(mw_call *c)
{
    mw_trace_ask a;
    mw_err err;
    mw_traces_stats s;
    mw_err_init(&err);
    int rc = read_query(c, &a, &err);
    mw_buf_text(&c->out, "{\"traces\":[");
    if (!rc) rc = mw_traces_search(c->parts->host->traces, &a.q, add_summary, &c->out, &err);
    if (rc) {
        call_fail(c, &err);
        return;
    }
    mw_traces_stats_read(c->parts->host->traces, &s);
    mw_buf_printf(&c->out, "],\"stats\":{\"traces\":%llu,\"spans\":%llu,\"bytes\":%llu}}",
                  (unsigned long long)s.traces, (unsigned long long)s.spans,
                  (unsigned long long)s.bytes);
    call_answer(c, 200, "application/json");
}

void api_trace(mw_call *c)
{
    uint8_t id[16];
    if (!trace_id_parse(c->wildcard[0], id)) {
        call_fail_text(c, MW_EARG, "a trace id is at most 32 hex digits");
        return;
    }
    mw_buf_byte(&c->out, '{');
    trace_json_hex(&c->out, "trace_id", id, 16);
    mw_buf_text(&c->out, ",\"spans\":[");
    if (mw_traces_get(c->parts->host->traces, id, add_span, &c->out)) {
        call_fail_text(c, MW_ENOENT, "no such trace; it may have been dropped to stay in memory");
        return;
    }
    mw_buf_text(&c->out, "]}");
    call_answer(c, 200, "application/json");
}
