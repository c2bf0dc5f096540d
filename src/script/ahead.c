/* ahead.c - windows of answers, one for each expression.
 *
 * A window begins small and grows while it goes well.  What it keeps is a copy of the points, since
 * the result of a query keeps all that the query needed; and one bit for each step, which is all
 * that is looked at for a rule that says nothing.
 * SPDX-License-Identifier: MIT */
#include "script/ahead.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "script/signals.h"

enum { FIRST_STEPS = 32, MOST_STEPS = 2048, MOST_POINTS = 65536, LEAST_STEPS = 4, REST = 64 };
enum { BUCKETS = 1024, MOST_ITEMS = 8192 };

struct row {
    mw_labels *labels;
    size_t n, at; /* AT: where the last moment was found */
    int64_t *t;
    double *v;
};

struct mw_ahead_item {
    mw_ahead_item *next; /* of the same bucket */
    uint64_t hash;
    mw_promql_prepared *query;
    bool histograms;
    double above, below;
    bool never;            /* to be asked moment by moment */
    bool known;            /* LAST_T is there */
    int64_t last_t, apart; /* the last moment asked, and how far it was from the one before */
    size_t want;           /* steps of the next window */
    unsigned rest;         /* moments to be asked by themselves before the next try */
    /* the window; n_steps 0: none */
    int64_t start, step;
    size_t n_steps, n_rows;
    struct row *rows;
    uint64_t loud[MOST_STEPS / 64];
};

struct mw_ahead {
    mw_str *changing;
    size_t n_changing, n_items;
    int64_t until;
    uint64_t id;
    mw_ahead_item *buckets[BUCKETS];
    mw_ahead_stats stats;
};

/* -- making ------------------------------------------------------------------------------------ */

mw_ahead *mw_ahead_new(const mw_str *changing, size_t n, int64_t until)
{
    mw_ahead *a = mw_zalloc(sizeof *a);
    a->changing = mw_array(n + 1, sizeof *a->changing);
    for (; a->n_changing < n; a->n_changing++) {
        mw_str s = changing[a->n_changing];
        a->changing[a->n_changing] = (mw_str){mw_strndup(s.p, s.n), s.n};
    }
    a->until = until;
    a->id = (uint64_t)mw_mono_ns();
    return a;
}

static void drop_window(mw_ahead_item *it)
{
    for (size_t i = 0; i < it->n_rows; i++) {
        mw_free(it->rows[i].labels);
        mw_free(it->rows[i].t);
        mw_free(it->rows[i].v);
    }
    mw_free(it->rows);
    it->rows = NULL;
    it->n_rows = it->n_steps = 0;
}

void mw_ahead_free(mw_ahead *a)
{
    if (!a) return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (mw_ahead_item *it = a->buckets[i], *next; it; it = next) {
            next = it->next;
            drop_window(it);
            mw_promql_prepared_free(it->query);
            mw_free(it);
        }
    for (size_t i = 0; i < a->n_changing; i++) mw_free((char *)a->changing[i].p);
    mw_free(a->changing);
    mw_free(a);
}

uint64_t mw_ahead_id(const mw_ahead *a) { return a->id; }
void mw_ahead_stats_read(const mw_ahead *a, mw_ahead_stats *out) { *out = a->stats; }

/* -- which expressions ------------------------------------------------------------------------- */

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == ':'; }

/* Is NAME called in EXPR?  Quoted text that looks so counts, too: that costs only time. */
static bool calls(mw_str expr, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i + n < expr.n; i++) {
        if ((i && is_word(expr.p[i - 1])) || strncasecmp(expr.p + i, name, n) != 0) continue;
        size_t k = i + n;
        while (k < expr.n && isspace((unsigned char)expr.p[k])) k++;
        if (k < expr.n && expr.p[k] == '(') return true;
    }
    return false;
}

static bool speaks_of_its_range(mw_str expr)
{
    static const char *const names[] = {"start", "end", "step", "range"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (calls(expr, names[i])) return true;
    return false;
}

static bool reads_changing(const mw_ahead *a, mw_str expr)
{
    mw_select *sel;
    size_t n;
    bool found = false;
    if (mw_promql_selectors(expr, &sel, &n, NULL) != MW_OK) return true;
    for (size_t i = 0; i < n && !found; i++)
        for (size_t k = 0; k < a->n_changing && !found; k++)
            found = mw_matchers_admit(sel[i].matchers, sel[i].n, a->changing[k]);
    mw_promql_selectors_free(sel, n);
    return found;
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static mw_ahead_item *item_new(mw_ahead *a, mw_str expr, uint64_t hash)
{
    if (a->n_items >= MOST_ITEMS) return NULL;
    mw_promql_prepared *query = mw_promql_prepare(expr, NULL);
    if (!query) return NULL;
    mw_ahead_item *it = mw_zalloc(sizeof *it);
    mw_value_type type = mw_promql_prepared_type(query);
    it->query = query;
    it->hash = hash;
    it->want = FIRST_STEPS;
    it->never = (type != MW_VALUE_VECTOR && type != MW_VALUE_SCALAR) || speaks_of_its_range(expr) ||
                reads_changing(a, expr);
    it->next = a->buckets[hash % BUCKETS];
    a->buckets[hash % BUCKETS] = it;
    a->n_items++;
    return it;
}

mw_ahead_item *mw_ahead_find(mw_ahead *a, mw_str expr, bool histograms, double above, double below)
{
    if (!a) return NULL;
    uint64_t hash = mw_hash(expr.p, expr.n);
    for (mw_ahead_item *it = a->buckets[hash % BUCKETS]; it; it = it->next)
        if (it->hash == hash && it->histograms == histograms && same(it->above, above) &&
            same(it->below, below) && mw_str_eq(mw_promql_prepared_text(it->query), expr))
            return it;
    mw_ahead_item *it = item_new(a, expr, hash);
    if (!it) return NULL;
    it->histograms = histograms;
    it->above = above;
    it->below = below;
    return it;
}

/* -- the window -------------------------------------------------------------------------------- */

static bool says_something(const mw_ahead_item *it, double v)
{
    return (isnan(it->above) && isnan(it->below)) || v > it->above || v < it->below;
}

static void keep_row(mw_ahead_item *it, const mw_promql_row *from)
{
    struct row *r = &it->rows[it->n_rows++];
    r->labels = from->labels ? mw_labels_copy(from->labels) : NULL;
    r->n = from->n;
    r->t = mw_array(from->n + 1, sizeof *r->t);
    r->v = mw_array(from->n + 1, sizeof *r->v);
    memcpy(r->t, from->t, from->n * sizeof *r->t);
    memcpy(r->v, from->v, from->n * sizeof *r->v);
    for (size_t i = 0; i < from->n; i++) {
        if (!says_something(it, from->v[i])) continue;
        size_t at = (size_t)((from->t[i] - it->start) / it->step);
        it->loud[at / 64] |= 1ULL << at % 64;
    }
}

/* Keeps the points of RES; false: there are histograms among them. */
static bool keep(mw_ahead_item *it, const mw_promql_result *res, int64_t start, size_t n_steps)
{
    for (size_t i = 0; i < res->n; i++)
        if (res->rows[i].n_h) return false;
    it->start = start;
    it->step = it->apart;
    it->n_steps = n_steps;
    memset(it->loud, 0, sizeof it->loud);
    it->rows = mw_array(res->n + 1, sizeof *it->rows);
    for (size_t i = 0; i < res->n; i++) keep_row(it, &res->rows[i]);
    return true;
}

static void grow(mw_ahead_item *it)
{
    size_t most = MOST_POINTS / (it->n_rows ? it->n_rows : 1);
    it->want *= 4;
    if (it->want > most) it->want = most;
    if (it->want > MOST_STEPS) it->want = MOST_STEPS;
    if (it->want < LEAST_STEPS) it->want = LEAST_STEPS;
}

/* One of the moments fails, or there is too much: less at a time, and soon none. */
static void shrink(mw_ahead_item *it)
{
    it->want /= 8;
    if (it->want >= LEAST_STEPS) return;
    it->want = FIRST_STEPS;
    it->rest = REST;
}

/* A window that begins at T, if there can be one. */
static bool open_window(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t)
{
    drop_window(it);
    int64_t left = t > a->until ? 0 : (a->until - t) / it->apart;
    size_t n = (uint64_t)left + 1 < it->want ? (size_t)left + 1 : it->want;
    mw_promql_result *res = NULL;
    mw_promql_query q = {.range = true,
                         .start = t,
                         .end = t + (int64_t)(n - 1) * it->apart,
                         .step = it->apart,
                         .histograms = it->histograms,
                         .deadline_mono_ns = mw_mono_ns() + 30000000000LL,
                         .origin = "backtest"};
    int rc = mw_promql_eval_prepared(h->promql, h->source, it->query, &q, &res, NULL);
    if (rc != MW_OK) {
        shrink(it);
        return false;
    }
    it->never = !keep(it, res, t, n);
    mw_promql_result_free(res);
    if (it->never) return false;
    a->stats.ranges++;
    a->stats.steps += n;
    grow(it);
    return true;
}

static bool covers(const mw_ahead_item *it, int64_t t)
{
    if (!it->n_steps || t < it->start) return false;
    return (t - it->start) % it->step == 0 && (uint64_t)((t - it->start) / it->step) < it->n_steps;
}

/* Is the answer at T at hand, or can it be had together with those that follow? */
static bool look_ahead(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t)
{
    if (it->never) return false;
    int64_t apart = it->known ? t - it->last_t : 0;
    if (covers(it, t)) {
        it->last_t = t;
        return true;
    }
    if (it->known && !apart) return false; /* the same moment again */
    bool steady = apart > 0 && apart == it->apart;
    it->apart = apart;
    it->last_t = t;
    it->known = true;
    if (it->rest) it->rest--;
    return steady && !it->rest && h->promql && h->source && open_window(a, it, h, t);
}

/* -- asking ------------------------------------------------------------------------------------ */

static mw_promql_result *ask(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t, mw_err *err)
{
    mw_promql_result *out = NULL;
    a->stats.instants++;
    if (!h->promql || !h->source) {
        mw_fail(err, MW_EUNSUPPORTED, 0, 0, "no store here");
        return NULL;
    }
    mw_promql_query q = {.start = t,
                         .end = t,
                         .histograms = it->histograms,
                         .deadline_mono_ns = mw_mono_ns() + 30000000000LL,
                         .origin = "backtest"};
    int rc = mw_promql_eval_prepared(h->promql, h->source, it->query, &q, &out, err);
    if (rc != MW_OK) mw_fail(err, rc, 0, 0, "%s", mw_code_text(rc));
    return out;
}

/* The place of T among the times of R; r->n when it has none there. */
static size_t find(struct row *r, int64_t t)
{
    size_t at = r->at;
    if (at < r->n && r->t[at] > t) at = 0;
    while (at < r->n && r->t[at] < t) at++;
    r->at = at < r->n ? at : 0;
    return at < r->n && r->t[at] == t ? at : r->n;
}

static mw_promql_result *from_window(mw_ahead_item *it, int64_t t)
{
    mw_promql_row *rows;
    mw_promql_result *out = mw_promql_vector(it->n_rows, &rows);
    size_t n = 0;
    for (size_t i = 0; i < it->n_rows; i++) {
        struct row *r = &it->rows[i];
        size_t at = find(r, t);
        if (at == r->n) continue;
        rows[n] = (mw_promql_row){.labels = r->labels, .n = 1, .t = &r->t[at], .v = &r->v[at]};
        n++;
    }
    out->n = n;
    return out;
}

mw_promql_result *mw_ahead_at(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t, mw_err *err)
{
    return look_ahead(a, it, h, t) ? from_window(it, t) : ask(a, it, h, t, err);
}

bool mw_ahead_is_quiet(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t)
{
    if (look_ahead(a, it, h, t)) {
        size_t at = (size_t)((t - it->start) / it->step);
        return !(it->loud[at / 64] >> at % 64 & 1);
    }
    mw_promql_result *r = ask(a, it, h, t, NULL);
    bool quiet = r && r->type != MW_VALUE_STRING;
    for (size_t i = 0; quiet && i < r->n; i++) {
        const mw_promql_row *row = &r->rows[i];
        quiet = !row->n || !says_something(it, row->v[row->n - 1]);
    }
    mw_promql_result_free(r);
    return quiet;
}
