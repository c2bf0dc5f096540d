/* api_audit.c - the chain of audit entries of this node: its head, whether it fits together, its
 * entries, and its files as they are.
 *
 * An answer with entries is made a segment at a time, so its size costs no memory; segments that
 * leave meanwhile are not in it.  SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "http/route.h"
#include "store/audit.h"

static mw_audit *audit_of(mw_call *c)
{
    mw_audit *a = c->parts->host->audit;
    if (!a) call_fail_text(c, MW_ENOENT, "nothing is audited here");
    return a;
}

/* -- the head and the whole ------------------------------------------------------------------ */

void api_audit_head(mw_call *c)
{
    mw_audit_mark head;
    mw_audit *a = audit_of(c);
    if (!a) return;
    mw_audit_head(a, &head);
    mw_buf_printf(&c->out, "{\"seq\":%" PRIu64 ",\"hash\":\"%s\"}", head.seq, head.hash);
    call_answer(c, 200, "application/json");
}

/* "SEQ:HASH", the beginning of a hash is enough. */
static bool read_anchor(mw_str text, mw_audit_anchor *out)
{
    size_t i = 0;
    for (; i < text.n && i < 18 && text.p[i] >= '0' && text.p[i] <= '9'; i++)
        out->seq = out->seq * 10 + (uint64_t)(text.p[i] - '0');
    if (!out->seq || i >= text.n || text.p[i] != ':') return false;
    out->hash = (mw_str){text.p + i + 1, text.n - i - 1};
    return out->hash.n >= 8 && out->hash.n <= MW_SHA256_HEX &&
           strspn(out->hash.p, "0123456789abcdef") >= out->hash.n;
}

static void put_report(mw_buf *out, const mw_audit_report *r)
{
    mw_buf_printf(out,
                  "{\"ok\":%s,\"entries\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"bytes\":%" PRIu64
                  ",\"first\":%" PRIu64 ",\"last\":%" PRIu64
                  ",\"hash\":\"%s\",\"expired\":%s,\"met\":%s",
                  r->problem[0] ? "false" : "true", r->entries, r->segments, r->bytes, r->first,
                  r->last, r->head, r->expired ? "true" : "false", r->met ? "true" : "false");
    if (r->problem[0]) {
        mw_buf_printf(out, ",\"bad\":%" PRIu64 ",\"problem\":", r->bad);
        mw_buf_json(out, mw_str_of(r->problem));
    }
    mw_buf_byte(out, '}');
}

void api_audit_verify(mw_call *c)
{
    mw_err err;
    mw_audit_report report;
    mw_audit_anchor anchor = {0};
    mw_err_init(&err);
    mw_audit *a = audit_of(c);
    if (!a) return;
    mw_str text = call_param(c, "head");
    if (text.n && !read_anchor(text, &anchor)) {
        call_fail_text(c, MW_EARG, "head is NUMBER:HASH, as GET /api/mw/v1/audit/head says it");
        return;
    }
    if (mw_audit_read(a, text.n ? &anchor : NULL, NULL, NULL, &report, &err)) {
        call_fail(c, &err);
        return;
    }
    put_report(&c->out, &report);
    call_answer(c, 200, "application/json");
}

/* -- entries --------------------------------------------------------------------------------- */

typedef struct export_state {
    uint64_t next;
    bool raw;
    char from[32], to[32]; /* RFC 3339 of one form, which sorts as time does */
} export_state;

static void put_entry(export_state *x, mw_buf *out, const mw_audit_entry *e)
{
    mw_str time = mw_audit_time_of(e->json);
    if (time.n && (memcmp(time.p, x->from, time.n) < 0 || memcmp(time.p, x->to, time.n) >= 0))
        return;
    mw_buf_add(out, e->json.p, e->json.n - 1);
    mw_buf_printf(out, ",\"hash\":\"%.*s\"}\n", MW_STR_ARG(e->hash));
}

static bool more(mw_call *c, mw_buf *out)
{
    export_state *x = c->state;
    size_t n;
    char *bytes = mw_audit_segment(c->parts->host->audit, &x->next, &n);
    x->next++;
    if (!bytes) return true;
    mw_str rest = {bytes, n}, line;
    mw_audit_entry e;
    if (x->raw)
        mw_buf_add(out, bytes, n);
    else
        while (mw_audit_line(&rest, &line))
            if (mw_audit_entry_line(line, &e)) put_entry(x, out, &e);
    mw_free(bytes);
    return false;
}

static void begin(mw_call *c, bool raw, int64_t from, int64_t to)
{
    export_state *x = mw_zalloc(sizeof *x);
    *x = (export_state){.next = 1, .raw = raw};
    mw_time_rfc3339(from, x->from);
    mw_time_rfc3339(to, x->to);
    c->state = x;
    c->free_state = mw_free;
    c->more = more;
    c->more_on_pool = true;
    call_answer(c, 200, raw ? "text/plain; charset=utf-8" : "application/x-ndjson");
}

enum { YEARS = 8000 };
static const int64_t end_of_time_ms = (int64_t)YEARS * 365 * 86400000;

/* from=, to=: entries of that time, one JSON object a line. */
void api_audit_export(mw_call *c)
{
    mw_err err;
    int64_t from = 0, to = end_of_time_ms;
    mw_err_init(&err);
    if (!audit_of(c)) return;
    if (call_time_ms(c, "from", &from, &err) || call_time_ms(c, "to", &to, &err)) {
        call_fail(c, &err);
        return;
    }
    if (from < 0) from = 0;
    if (to > end_of_time_ms) to = end_of_time_ms;
    begin(c, false, from, to);
}

/* All segments as they are, one behind the other: what `moonwatch audit verify FILE` reads. */
void api_audit_chain(mw_call *c)
{
    if (audit_of(c)) begin(c, true, 0, 0);
}
