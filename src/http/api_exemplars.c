/* api_exemplars.c - exemplars of the series that a query reads.  SPDX-License-Identifier: MIT */
#include "http/route.h"

static const size_t most_bytes = (size_t)64 << 20;
static const int64_t end_of_time = INT64_MAX / 1000000;

typedef struct rows {
    mw_call *c;
    const mw_labels *series; /* whose exemplars are being written; a copy */
    mw_err *err;
} rows;

static void put_exemplar(mw_buf *out, const mw_exemplar *e)
{
    mw_buf_text(out, "{\"labels\":");
    if (e->labels)
        mw_labels_json(e->labels, out);
    else
        mw_buf_text(out, "{}");
    mw_buf_text(out, ",\"value\":\"");
    mw_buf_double(out, e->v);
    mw_buf_text(out, "\",\"timestamp\":");
    mw_buf_double(out, (double)e->t / 1000);
    mw_buf_byte(out, '}');
}

static int add(void *arg, const mw_labels *series, const mw_exemplar *e)
{
    rows *r = arg;
    mw_buf *out = &r->c->out;
    bool same = r->series && mw_labels_eq(r->series, series);
    if (out->n > most_bytes)
        return mw_fail(r->err, MW_ELIMIT, 0, 0,
                       "too many exemplars match: ask for fewer series or a shorter time");
    if (!same) {
        mw_buf_text(out, r->series ? "]},{\"seriesLabels\":" : "{\"seriesLabels\":");
        mw_labels_json(series, out);
        mw_buf_text(out, ",\"exemplars\":[");
        r->series = mw_labels_new_in(r->c->arena, series->l, series->n, NULL);
    } else
        mw_buf_byte(out, ',');
    put_exemplar(out, e);
    return 0;
}

static int find(mw_call *c, mw_select *sel, size_t n, mw_err *err)
{
    rows r = {.c = c, .err = err};
    int64_t from = -end_of_time, to = end_of_time;
    int rc = call_time_ms(c, "start", &from, err);
    if (!rc) rc = call_time_ms(c, "end", &to, err);
    if (!rc && to < from)
        rc = mw_fail(err, MW_EARG, 0, 0, "end timestamp must not be before start timestamp");
    for (size_t i = 0; i < n; i++) {
        sel[i].min_t = from;
        sel[i].max_t = to;
        sel[i].cancel = &c->cancel;
    }
    if (rc) return rc;
    call_open_data(c);
    mw_buf_byte(&c->out, '[');
    if (n) rc = mw_tsdb_exemplars(c->parts->host->tsdb, sel, n, add, &r);
    mw_buf_text(&c->out, r.series ? "]}]" : "]");
    if (rc) return mw_fail(err, rc, 0, 0, "%s", mw_code_text(rc));
    call_close_data(c);
    return MW_OK;
}

void api_query_exemplars(mw_call *c)
{
    mw_select *sel;
    size_t n;
    mw_err err;
    mw_err_init(&err);
    if (mw_promql_selectors(call_param(c, "query"), &sel, &n, &err)) {
        call_fail(c, &err);
        return;
    }
    if (find(c, sel, n, &err)) call_fail(c, &err);
    mw_promql_selectors_free(sel, n);
}
