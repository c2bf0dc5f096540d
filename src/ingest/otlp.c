/* otlp.c - OTLP requests: read whole, then stored; and the spans among them.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/otlp_schema.h"
#include "ingest/result.h"

mw_str mw_otlp_attr_text(const mw_attr *attr, mw_arena *a)
{
    if (attr->type == MW_ATTR_STRING || attr->type == MW_ATTR_JSON) return attr->s;
    mw_buf b;
    mw_buf_init(&b);
    mw_attr_text(attr, &b);
    mw_str text = {mw_arena_strndup(a, b.p, b.n), b.n};
    mw_buf_deinit(&b);
    return text.p ? text : (mw_str){"", 0};
}

mw_str mw_otlp_text(const mw_attr *attrs, size_t n, const char *key, mw_arena *a)
{
    const mw_attr *attr = mw_attr_find(attrs, n, key);
    return attr ? mw_otlp_attr_text(attr, a) : (mw_str){"", 0};
}

/* -- spans ---------------------------------------------------------------------------------- */

/* NULL when S can be stored, otherwise why not. */
static const char *span_wrong(const mw_otlp_span *s)
{
    if (s->has & MW_OTLP_BAD_TRACE_ID) return "a span's trace id is not 16 bytes";
    if (s->has & MW_OTLP_BAD_SPAN_ID) return "a span's id is not 8 bytes";
    if (s->has & MW_OTLP_BAD_PARENT_ID) return "a span's parent id is not 8 bytes";
    return NULL;
}

struct way { /* of one request */
    const mw_pipes *pipes;
    mw_arena *work; /* for one span */
};

static void store_span(mw_ingest *in, const mw_otlp_span *s, const mw_otlp_resource *resource,
                       mw_str service, mw_str scope, const struct way *way,
                       mw_ingest_result *result)
{
    size_t limit = mw_ingest_limits_of(in).attrs;
    const char *wrong = span_wrong(s);
    if (wrong) {
        mw_result_reject(result, 1, MW_EARG, "%s", wrong);
        return;
    }
    if (s->span.n_attrs > limit) {
        mw_result_reject(result, 1, MW_ELIMIT, "a span has %zu attributes, at most %zu are allowed",
                         s->span.n_attrs, limit);
        return;
    }
    mw_span span = s->span;
    span.service = service;
    span.scope = scope;
    span.resource = resource->attrs;
    span.n_resource = resource->n_attrs < limit ? resource->n_attrs : limit;
    mw_arena_reset(way->work);
    mw_result_span(in, way->pipes, &span, way->work, result);
}

int mw_otlp_store_spans(mw_ingest *in, const mw_otlp_request *r, mw_arena *a,
                        mw_ingest_result *result, mw_err *err)
{
    struct way way = {mw_pipe_slot_hold(in->pipes), mw_arena_new(mw_ingest_limits_of(in).body)};
    for (size_t i = 0; i < r->n_resources; i++) {
        const mw_otlp_resource *resource = &r->resources[i];
        mw_str service = mw_otlp_text(resource->attrs, resource->n_attrs, "service.name", a);
        if (!service.n) service = MW_STR("unknown_service");
        for (size_t k = 0; k < resource->n_scopes; k++) {
            const mw_otlp_scope *scope = &resource->scopes[k];
            for (size_t s = 0; s < scope->n_spans; s++)
                store_span(in, &scope->spans[s], resource, service, scope->name, &way, result);
        }
    }
    mw_pipe_slot_leave(in->pipes, way.pipes);
    mw_arena_free(way.work);
    return mw_traces_commit(in->traces, err);
}

/* -- requests ------------------------------------------------------------------------------- */

typedef int store(mw_ingest *in, const mw_otlp_request *r, mw_arena *a, mw_ingest_result *result,
                  mw_err *err);

int mw_ingest_otlp(mw_ingest *in, mw_otlp_signal signal, bool json, mw_str body,
                   mw_ingest_result *result, mw_err *err)
{
    static store *const stores[] = {
        [MW_OTLP_TRACES] = mw_otlp_store_spans,
        [MW_OTLP_METRICS] = mw_otlp_store_metrics,
        [MW_OTLP_LOGS] = mw_otlp_store_logs,
    };
    mw_otlp_request request;
    mw_arena *a = mw_ingest_arena(body.n);
    *result = (mw_ingest_result){0};
    int code = json ? mw_otlp_json_read(signal, body, a, &request, err)
                    : mw_otlp_pb_read(signal, body, a, &request, err);
    if (!code) code = stores[signal](in, &request, a, result, err);
    mw_arena_free(a);
    return code;
}
