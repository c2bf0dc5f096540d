/* asks.c - slices of time, and which texts are known not to fit one.
 * SPDX-License-Identifier: MIT */
#include "script/asks.h"

#include <math.h>

#include "base/hash.h"
#include "base/mem.h"
#include "script/ahead.h"
#include "script/signals.h"

enum { KNOWN = 512 };                        /* slow texts that are remembered */
static const int64_t slice_ns = 100000000LL; /* of one query */
static const double most_seconds = 30;       /* of a query that no meter limits */

struct mw_slow {
    mw_lane *lane;
    uint64_t known[KNOWN]; /* hashes; 0: none */
    size_t at;             /* the next to be forgotten */
};

/* -- what is slow ---------------------------------------------------------------------------- */

static uint64_t hash_of(mw_str expr)
{
    uint64_t h = mw_hash(expr.p, expr.n);
    return h ? h : 1;
}

static uint64_t *find(mw_slow *s, mw_str expr)
{
    uint64_t h = hash_of(expr);
    for (size_t i = 0; s && i < KNOWN; i++)
        if (s->known[i] == h) return &s->known[i];
    return NULL;
}

bool mw_ask_is_slow(const mw_lua *l, mw_str expr) { return l->slow && find(l->slow, expr); }

void mw_ask_slow(mw_lua *l, mw_str expr)
{
    if (!l->slow) l->slow = mw_zalloc(sizeof *l->slow);
    if (find(l->slow, expr)) return;
    l->slow->known[l->slow->at] = hash_of(expr);
    l->slow->at = (l->slow->at + 1) % KNOWN;
}

static void forget(mw_slow *s, mw_str expr)
{
    uint64_t *at = find(s, expr);
    if (at) *at = 0;
}

void mw_slow_free(mw_slow *s)
{
    if (!s) return;
    mw_lane_free(s->lane);
    mw_free(s);
}

/* 0: as long as it takes, nobody waits. */
static int64_t slice_of(const mw_lua *l) { return l->waits ? 0 : slice_ns; }

/* -- asking ---------------------------------------------------------------------------------- */

static int limits(mw_ask *a, double *seconds, mw_err *err)
{
    int rc = mw_meter_seconds(a->meter, most_seconds, seconds, err);
    if (rc == MW_OK) rc = mw_meter_samples(a->meter, &a->query.max_samples, err);
    return rc;
}

static int eval(mw_host *h, const mw_ask *a, mw_promql_result **out, mw_err *err)
{
    mw_ahead_item *known =
        a->query.range ? NULL
                       : mw_ahead_find(h->ahead, a->query.expr, a->query.histograms, NAN, NAN);
    if (known) {
        *out = mw_ahead_at(h->ahead, known, h, a->query.start, err);
        return *out ? MW_OK : err->code;
    }
    int rc = a->prepared
                 ? mw_promql_eval_prepared(h->promql, h->source, a->prepared, &a->query, out, err)
                 : mw_promql_eval(h->promql, h->source, &a->query, out, err);
    return rc == MW_OK ? rc : mw_fail(err, rc, 0, 0, "%s", mw_code_text(rc));
}

mw_promql_result *mw_ask_now(mw_face *face, mw_ask *a, bool *slow, mw_err *err)
{
    mw_promql_result *out = NULL;
    mw_host *h = face->host;
    double seconds;
    *slow = false;
    if (!h->promql || !h->source) {
        mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no store here");
        return NULL;
    }
    if (limits(a, &seconds, err) != MW_OK) return NULL;
    if (a->prepared) a->query.expr = mw_promql_prepared_text(a->prepared);
    a->query.origin = "rules";
    int64_t start = mw_mono_ns(), slice = h->time_stands ? 0 : slice_of(face->lua);
    bool sliced = slice && seconds > (double)slice / 1e9;
    if (sliced && a->patient && mw_ask_is_slow(face->lua, a->query.expr)) return *slow = true, NULL;
    a->query.deadline_mono_ns = start + (sliced ? slice : (int64_t)(seconds * 1e9));
    int rc = eval(h, a, &out, err);
    double took = (double)(mw_mono_ns() - start) / 1e9;
    if (rc == MW_ETIMEOUT && sliced && a->patient) {
        mw_ask_slow(face->lua, a->query.expr);
        mw_err_init(err);
        return *slow = true, NULL;
    }
    mw_meter_queried(a->meter, took, out ? out->samples_read : 0);
    if (rc == MW_ETIMEOUT && sliced) {
        mw_err_init(err);
        mw_fail(err, rc, 0, 0, "takes longer than %g seconds, for which this place cannot wait",
                (double)slice / 1e9);
    } else if (rc != MW_OK) {
        mw_meter_explain(a->meter, rc, err);
    }
    return out;
}

mw_lane_job *mw_ask_lane(mw_face *face, mw_ask *a, mw_reply *reply, void *reply_arg)
{
    double seconds = most_seconds;
    mw_lua *l = face->lua;
    mw_ask_slow(l, a->query.expr);
    if (!l->slow->lane) l->slow->lane = mw_lane_new(face->host);
    (void)limits(a, &seconds, NULL); /* mw_ask_now has seen that there is something left */
    if (a->meter) a->meter->now.slow++, a->meter->total.slow++;
    return mw_lane_add(l->slow->lane, &a->query, seconds, reply, reply_arg);
}

mw_promql_result *mw_ask_take(mw_face *face, mw_lane_job *j, mw_meter *meter, mw_str expr,
                              mw_err *err)
{
    mw_promql_result *r = mw_lane_take(j, err);
    double seconds = mw_lane_seconds(j);
    mw_meter_queried(meter, seconds, r ? r->samples_read : 0);
    if (r && seconds * 1e9 < (double)slice_ns / 2) forget(face->lua->slow, expr);
    if (!r) mw_meter_explain(meter, err->code, err);
    return r;
}
