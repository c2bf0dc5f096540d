/* api_ingest.c - data in: remote write, text, OTLP, Loki push.
 *
 * Every door does the same four things: check the content type, undo the encoding, hand the bytes
 * to its parser, and say in its own words what was kept and what was not.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <strings.h>

#include "base/pb.h"
#include "http/route.h"
#include "http/serving.h"

/* -- remote write ---------------------------------------------------------------------------- */

/* Some samples refused; what was fine is kept.  The sender must not send them again, so 400, unless
 * there will be room for them soon: all of it may be sent twice. */
static void answer_rejected(mw_call *c, const mw_ingest_result *r)
{
    call_fail_text(c, r->again ? MW_EBUSY : MW_EARG, "%llu of %llu samples rejected: %s",
                   (unsigned long long)r->rejected, (unsigned long long)(r->rejected + r->accepted),
                   r->first.msg);
}

static void answer_ingest(mw_call *c, int rc, const mw_ingest_result *r, const mw_err *err)
{
    if (rc)
        call_fail(c, err);
    else if (r->rejected)
        answer_rejected(c, r);
    else
        call_answer(c, 204, NULL);
}

static const struct message {
    const char *name; /* of the protobuf message, in Content-Type */
    int (*ingest)(mw_ingest *in, mw_str body, mw_ingest_result *result, mw_err *err);
    bool counted; /* headers say what was written */
} messages[] = {
    {"prometheus.WriteRequest", mw_ingest_remote_write, false},
    {"io.prometheus.write.v2.Request", mw_ingest_remote_write2, true},
};

/* The value of parameter NAME behind a media type, {"",0} when absent. */
static mw_str type_param(mw_str type, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p; type.n && (p = memchr(type.p, ';', type.n));) {
        type = mw_str_trim((mw_str){p + 1, type.n - 1 - (size_t)(p - type.p)});
        const char *end = memchr(type.p, ';', type.n);
        mw_str one = mw_str_trim((mw_str){type.p, end ? (size_t)(end - type.p) : type.n});
        if (one.n <= n || one.p[n] != '=' || strncasecmp(one.p, name, n) != 0) continue;
        one = (mw_str){one.p + n + 1, one.n - n - 1};
        if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"') one.p++, one.n -= 2;
        return one;
    }
    return (mw_str){"", 0};
}

/* NULL when the message is none that we read.  Without a name it is that of version 1.0. */
static const struct message *message_of(const mw_call *c)
{
    mw_str name = type_param(call_header(c, "content-type"), "proto");
    if (!call_type_is(c, "application/x-protobuf")) return NULL;
    if (!name.n) return &messages[0];
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (mw_str_is(name, messages[i].name)) return &messages[i];
    return NULL;
}

static void answer_written(mw_call *c, const char *name, uint64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    call_answer_header(c, name, mw_str_of(text));
}

void api_remote_write(mw_call *c)
{
    const struct message *m = message_of(c);
    mw_err err;
    mw_str body;
    mw_ingest_result r = {0};
    mw_err_init(&err);
    if (!m) {
        call_fail_text(c, MW_EUNSUPPORTED,
                       "remote write 1.0 and 2.0 are spoken here: send application/x-protobuf, "
                       "proto=prometheus.WriteRequest or proto=io.prometheus.write.v2.Request, "
                       "with snappy");
        return;
    }
    /* The protocol is always snappy; a sender that leaves the header out means it all the same. */
    mw_str encoding = call_header(c, "content-encoding");
    if (!encoding.n) encoding = MW_STR("snappy");
    int rc = mw_ingest_decode(c->parts->ingest, encoding, c->body, &c->hold, &body, &err);
    if (!rc) rc = m->ingest(c->parts->ingest, body, &r, &err);
    server_count_ingest(c->server, MW_INGEST_SAMPLES, "remote_write", &r);
    if (m->counted) {
        answer_written(c, "x-prometheus-remote-write-samples-written", r.accepted - r.histograms);
        answer_written(c, "x-prometheus-remote-write-histograms-written", r.histograms);
        answer_written(c, "x-prometheus-remote-write-exemplars-written", r.exemplars);
    }
    answer_ingest(c, rc, &r, &err);
}

/* -- text ------------------------------------------------------------------------------------ */

void api_import_prometheus(mw_call *c)
{
    mw_err err;
    mw_str body = {0};
    mw_ingest_result r = {0};
    int64_t now = mw_now_ms(c->parts->ingest->clock);
    mw_err_init(&err);
    int rc = call_time_ms(c, "timestamp", &now, &err);
    if (!rc) rc = call_decode(c, &body, &err);
    mw_page_kind kind = mw_page_kind_of(call_header(c, "content-type"));
    if (!rc) rc = mw_ingest_promtext(c->parts->ingest, kind, body, now, &r, &err);
    server_count_ingest(c->server, MW_INGEST_SAMPLES, "text", &r);
    answer_ingest(c, rc, &r, &err);
}

/* -- OTLP ------------------------------------------------------------------------------------ */

static const struct signal {
    mw_ingest_kind kind;
    const char *member; /* of partialSuccess */
} signals[] = {
    [MW_OTLP_TRACES] = {MW_INGEST_SPANS, "rejectedSpans"},
    [MW_OTLP_METRICS] = {MW_INGEST_SAMPLES, "rejectedDataPoints"},
    [MW_OTLP_LOGS] = {MW_INGEST_RECORDS, "rejectedLogRecords"},
};

/* Export...ServiceResponse: field 1 partial_success {1: rejected, 2: error_message}. */
static void answer_protobuf(mw_call *c, const mw_ingest_result *r)
{
    if (r->rejected) {
        mw_buf partial = {0};
        mw_pb_put_varint(&partial, 1, r->rejected);
        mw_pb_put_bytes(&partial, 2, mw_str_of(r->first.msg));
        mw_pb_put_bytes(&c->out, 1, (mw_str){partial.p, partial.n});
        mw_buf_deinit(&partial);
    }
    call_answer(c, 200, "application/x-protobuf");
}

static void answer_json(mw_call *c, const struct signal *s, const mw_ingest_result *r)
{
    mw_buf_text(&c->out, "{\"partialSuccess\":{");
    if (r->rejected) {
        mw_buf_printf(&c->out, "\"%s\":\"%llu\",\"errorMessage\":", s->member,
                      (unsigned long long)r->rejected);
        mw_buf_json(&c->out, mw_str_of(r->first.msg));
    }
    mw_buf_text(&c->out, "}}");
    call_answer(c, 200, "application/json");
}

static void otlp(mw_call *c, mw_otlp_signal which)
{
    const struct signal *s = &signals[which];
    bool json = call_type_is(c, "application/json");
    mw_ingest_result r = {0};
    mw_err err;
    mw_str body;
    mw_err_init(&err);
    if (!json && !call_type_is(c, "application/x-protobuf")) {
        call_fail_text(c, MW_EUNSUPPORTED,
                       "send application/x-protobuf or application/json, not \"%.*s\"",
                       MW_STR_ARG(call_header(c, "content-type")));
        return;
    }
    int rc = call_decode(c, &body, &err);
    if (!rc) rc = mw_ingest_otlp(c->parts->ingest, which, json, body, &r, &err);
    server_count_ingest(c->server, s->kind, "otlp", &r);
    if (rc)
        call_fail(c, &err);
    else if (r.again)
        answer_rejected(c, &r);
    else if (json)
        answer_json(c, s, &r);
    else
        answer_protobuf(c, &r);
}

void api_otlp_traces(mw_call *c) { otlp(c, MW_OTLP_TRACES); }
void api_otlp_metrics(mw_call *c) { otlp(c, MW_OTLP_METRICS); }
void api_otlp_logs(mw_call *c) { otlp(c, MW_OTLP_LOGS); }

/* -- Loki ------------------------------------------------------------------------------------ */

void api_loki_push(mw_call *c)
{
    mw_err err;
    mw_str body;
    mw_ingest_result r = {0};
    mw_err_init(&err);
    if (!call_type_is(c, "application/json")) {
        call_fail_text(c, MW_EUNSUPPORTED, "send application/json, not \"%.*s\"",
                       MW_STR_ARG(call_header(c, "content-type")));
        return;
    }
    int rc = call_decode(c, &body, &err);
    if (!rc) rc = mw_ingest_loki_json(c->parts->ingest, body, &r, &err);
    server_count_ingest(c->server, MW_INGEST_RECORDS, "loki", &r);
    if (rc)
        call_fail(c, &err);
    else if (r.rejected)
        call_fail_text(c, MW_EARG, "%llu of %llu records rejected: %s",
                       (unsigned long long)r.rejected,
                       (unsigned long long)(r.rejected + r.accepted), r.first.msg);
    else
        call_answer(c, 204, NULL);
}
