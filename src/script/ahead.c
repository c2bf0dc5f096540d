/* ahead.c - windows of answers, one for each expression, and which expressions have them.
 *
 * A window begins small and grows while it goes well.  Where a second thread may work beside, the
 * one that follows is in the making as soon as one is there.
 * SPDX-License-Identifier: MIT */
#include "script/ahead.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "script/ahead_coming.h"
#include "script/signals.h"

enum { FIRST_STEPS = 32, MOST_POINTS = 65536, LEAST_STEPS = 4, REST = 64 };
enum { BUCKETS = 1024, MOST_ITEMS = 8192 };

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
    mw_window *window;     /* NULL: none */
    mw_coming_job *coming; /* NULL: none is in the making */
};

struct mw_ahead {
    mw_str *changing;
    size_t n_changing, n_items;
    int64_t until;
    uint64_t id;
    mw_coming *coming; /* NULL: nobody works beside */
    mw_ahead_item *buckets[BUCKETS];
    mw_ahead_stats stats;
};

/* -- making ------------------------------------------------------------------------------------ */

mw_ahead *mw_ahead_new(const mw_str *changing, size_t n, int64_t until, mw_host *beside)
{
    mw_ahead *a = mw_zalloc(sizeof *a);
    a->changing = mw_array(n + 1, sizeof *a->changing);
    for (; a->n_changing < n; a->n_changing++) {
        mw_str s = changing[a->n_changing];
        a->changing[a->n_changing] = (mw_str){mw_strndup(s.p, s.n), s.n};
    }
    a->until = until;
    a->id = (uint64_t)mw_mono_ns();
    a->coming = beside ? mw_coming_new(beside) : NULL;
    return a;
}

static void drop_windows(mw_ahead *a, mw_ahead_item *it)
{
    mw_window_free(it->window);
    it->window = NULL;
    if (it->coming) mw_coming_take(a->coming, it->coming, NULL, NULL, NULL);
    it->coming = NULL;
}

void mw_ahead_free(mw_ahead *a)
{
    if (!a) return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (mw_ahead_item *it = a->buckets[i], *next; it; it = next) {
            next = it->next;
            drop_windows(a, it);
            mw_promql_prepared_free(it->query);
            mw_free(it);
        }
    mw_coming_free(a->coming);
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

static void grow(mw_ahead_item *it)
{
    size_t rows = it->window->n_rows, most = MOST_POINTS / (rows ? rows : 1);
    it->want *= 4;
    if (it->want > most) it->want = most;
    if (it->want > MW_WINDOW_STEPS) it->want = MW_WINDOW_STEPS;
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

static mw_window_ask ask_at(const mw_ahead *a, const mw_ahead_item *it, int64_t t)
{
    int64_t left = t > a->until ? 0 : (a->until - t) / it->apart;
    return (mw_window_ask){.histograms = it->histograms,
                           .above = it->above,
                           .below = it->below,
                           .start = t,
                           .step = it->apart,
                           .n_steps = (uint64_t)left + 1 < it->want ? (size_t)left + 1 : it->want};
}

static void begin_next(mw_ahead *a, mw_ahead_item *it)
{
    const mw_window_ask *now = &it->window->ask;
    int64_t t = now->start + (int64_t)now->n_steps * now->step;
    if (!a->coming || t > a->until) return;
    mw_window_ask ask = ask_at(a, it, t);
    it->coming = mw_coming_add(a->coming, mw_promql_prepared_text(it->query), &ask,
                               ask.n_steps * (it->window->n_rows + 1));
}

/* A window that begins at T, if there can be one. */
static bool open_window(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t)
{
    mw_window_ask ask = ask_at(a, it, t);
    mw_coming_job *coming = it->coming;
    int rc;
    it->coming = NULL;
    drop_windows(a, it);
    if (!coming || !mw_coming_take(a->coming, coming, &ask, &rc, &it->window))
        rc = mw_window_open(h, it->query, (mw_str){0}, &ask, NULL, &it->window);
    it->never = rc == MW_EUNSUPPORTED;
    if (rc != MW_OK && !it->never) shrink(it);
    if (rc != MW_OK) return false;
    a->stats.ranges++;
    a->stats.steps += ask.n_steps;
    grow(it);
    begin_next(a, it);
    return true;
}

/* Is the answer at T at hand, or can it be had together with those that follow? */
static bool look_ahead(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t)
{
    if (it->never) return false;
    int64_t apart = it->known ? t - it->last_t : 0;
    if (mw_window_covers(it->window, t)) {
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

mw_promql_result *mw_ahead_at(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t, mw_err *err)
{
    return look_ahead(a, it, h, t) ? mw_window_at(it->window, t) : ask(a, it, h, t, err);
}

bool mw_ahead_is_quiet(mw_ahead *a, mw_ahead_item *it, mw_host *h, int64_t t)
{
    if (look_ahead(a, it, h, t)) return !mw_window_is_loud(it->window, t);
    mw_window_ask bounds = {.above = it->above, .below = it->below};
    mw_promql_result *r = ask(a, it, h, t, NULL);
    bool quiet = r && r->type != MW_VALUE_STRING;
    for (size_t i = 0; quiet && i < r->n; i++) {
        const mw_promql_row *row = &r->rows[i];
        quiet = !row->n || !mw_window_says_something(&bounds, row->v[row->n - 1]);
    }
    mw_promql_result_free(r);
    return quiet;
}
