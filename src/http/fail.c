/* fail.c - how each kind of path says no.
 *
 * Two tables: what a code means as a status and a word, and how a peer's clients want it written.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "base/pb.h"
#include "http/call.h"
#include "http/route.h"

/* -- codes ---------------------------------------------------------------------------------- */

static const struct meaning {
    int code, status;
    const char *word;  /* Prometheus's errorType, and our own code */
    int rpc;           /* google.rpc.Code, for OTLP */
    const char *again; /* Retry-After, seconds; NULL: it would not help */
} meanings[] = {
    {MW_EARG, 400, "bad_data", 3, NULL},
    {MW_EPARSE, 400, "bad_data", 3, NULL},
    {MW_EMISSING, 422, "execution", 12, NULL},
    {MW_EEXEC, 422, "execution", 9, NULL},
    {MW_ELIMIT, 422, "execution", 8, NULL},
    {MW_ENOENT, 404, "not_found", 5, NULL},
    {MW_ETOOBIG, 413, "too_large", 3, NULL},
    {MW_EUNSUPPORTED, 415, "unsupported", 3, NULL},
    {MW_EBUSY, 503, "unavailable", 14, "1"},
    {MW_ETIMEOUT, 503, "timeout", 4, "1"},
    {MW_ECANCEL, 499, "canceled", 1, NULL},
    {MW_EKIND, 405, "method_not_allowed", 12, NULL},
    {MW_EORDER, 400, "out_of_order", 3, NULL},
    {MW_EDUP, 400, "duplicate", 3, NULL},
    {MW_EOLD, 400, "too_old", 3, NULL},
    {MW_EFULL, 503, "unavailable", 14, "5"},
    {MW_ECORRUPT, 500, "internal", 15, NULL},
    {CALL_FORBIDDEN, 403, "forbidden", 7, NULL},
    {CALL_TOO_MUCH, 429, "too_many_requests", 8, "1"},
};

static const struct meaning *meaning_of(int code, bool ingest)
{
    static const struct meaning internal = {MW_EIO, 500, "internal", 13, NULL};
    /* A disk that fails may work again, and the sender still has the data. */
    static const struct meaning not_taken = {MW_EIO, 503, "unavailable", 14, "5"};
    if (code == MW_EIO && ingest) return &not_taken;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code) return &meanings[i];
    return &internal;
}

/* -- shapes --------------------------------------------------------------------------------- */

static const char json_type[] = "application/json";

static void prometheus(mw_call *c, const struct meaning *m, mw_str text)
{
    mw_buf_printf(&c->out, "{\"status\":\"error\",\"errorType\":\"%s\",\"error\":", m->word);
    mw_buf_json(&c->out, text);
    mw_buf_byte(&c->out, '}');
    call_answer(c, m->status, json_type);
}

static void ours(mw_call *c, const struct meaning *m, mw_str text)
{
    mw_buf_printf(&c->out, "{\"error\":{\"code\":\"%s\",\"message\":", m->word);
    mw_buf_json(&c->out, text);
    mw_buf_text(&c->out, "}}");
    call_answer(c, m->status, json_type);
}

static void plain(mw_call *c, const struct meaning *m, mw_str text)
{
    mw_buf_str(&c->out, text);
    mw_buf_byte(&c->out, '\n');
    call_answer(c, m->status, "text/plain; charset=utf-8");
}

static void alertmanager(mw_call *c, const struct meaning *m, mw_str text)
{
    mw_buf_printf(&c->out, "{\"code\":%d,\"message\":", m->status);
    mw_buf_json(&c->out, text);
    mw_buf_byte(&c->out, '}');
    call_answer(c, m->status, json_type);
}

static void jaeger(mw_call *c, const struct meaning *m, mw_str text)
{
    mw_buf_printf(&c->out,
                  "{\"data\":null,\"total\":0,\"limit\":0,\"offset\":0,"
                  "\"errors\":[{\"code\":%d,\"msg\":",
                  m->status);
    mw_buf_json(&c->out, text);
    mw_buf_text(&c->out, "}]}");
    call_answer(c, m->status, json_type);
}

/* google.rpc.Status, in the encoding in which the request came. */
static void otlp(mw_call *c, const struct meaning *m, mw_str text)
{
    if (call_type_is(c, "application/x-protobuf")) {
        mw_pb_put_varint(&c->out, 1, (uint64_t)m->rpc);
        mw_pb_put_bytes(&c->out, 2, text);
        call_answer(c, m->status, "application/x-protobuf");
        return;
    }
    mw_buf_printf(&c->out, "{\"code\":%d,\"message\":", m->rpc);
    mw_buf_json(&c->out, text);
    mw_buf_byte(&c->out, '}');
    call_answer(c, m->status, json_type);
}

static void (*const shapes[])(mw_call *, const struct meaning *, mw_str) = {
    [MW_OURS] = ours, [MW_PROMETHEUS] = prometheus, [MW_PLAIN] = plain,
    [MW_OTLP] = otlp, [MW_JAEGER] = jaeger,         [MW_ALERTMANAGER] = alertmanager,
};
_Static_assert(sizeof shapes / sizeof *shapes == MW_SHAPES, "one row per family");

/* -- saying it ------------------------------------------------------------------------------ */

static void fail(mw_call *c, int code, const char *text)
{
    const struct meaning *m = meaning_of(code, c->route && c->route->flags & MW_INGEST);
    mw_buf_reset(&c->out);
    c->more = NULL;
    if (m->again) call_answer_header(c, "retry-after", mw_str_of(m->again));
    shapes[c->route ? c->route->shape : MW_OURS](c, m, mw_str_of(text));
}

/* As Prometheus says it of a query that it cannot read. */
static const char *kind_of(const mw_err *err)
{
    return err->code == MW_EPARSE ? "parse error: " : "";
}

void call_fail(mw_call *c, const mw_err *err)
{
    char text[MW_FAIL_TEXT];
    if (err->line && err->col)
        snprintf(text, sizeof text, "%d:%d: %s%s", err->line, err->col, kind_of(err), err->msg);
    else
        snprintf(text, sizeof text, "%s", err->msg[0] ? err->msg : mw_code_text(err->code));
    fail(c, err->code, text);
}

void call_fail_text(mw_call *c, int code, const char *fmt, ...)
{
    char text[MW_FAIL_TEXT];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fail(c, code, text);
}

void call_fail_param(mw_call *c, const char *name, const mw_err *err)
{
    if (err->line)
        call_fail_text(c, err->code, "invalid parameter \"%s\": %d:%d: %s%s", name, err->line,
                       err->col, kind_of(err), err->msg);
    else
        call_fail_text(c, err->code, "invalid parameter \"%s\": %s", name, err->msg);
}
