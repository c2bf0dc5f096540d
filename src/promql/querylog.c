/* querylog.c - the three tables of a query log, under one lock.
 *
 * Costs are kept by the space-saving algorithm (Metwally, Agrawal, El Abbadi 2005): a text that
 * finds the table full takes the place of the one with the least weight and inherits that weight,
 * so that whatever takes much time in total stays or comes back.  Names go by age: the one asked
 * for longest ago makes place.
 * SPDX-License-Identifier: MIT */
#include "promql/querylog.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "promql/print.h"

enum { NAME_HEADS = 16384, NAME_BYTES = 512 };

struct cost {
    mw_query_cost c;
    int64_t weight; /* what is known to have been taken, and what may have been */
};

struct name {
    uint64_t hash;
    mw_str text;
    mw_name_use use;
    uint64_t stamp; /* later is larger: times may stand still or step back */
    int next;       /* index + 1 */
};

struct mw_querylog {
    const mw_clock *clock;
    pthread_mutex_t lock;
    mw_query_running running; /* the head of a ring */
    uint64_t last_id;
    uint64_t hashes[MW_QUERY_TABLE]; /* beside the costs, to be looked through quickly */
    struct cost costs[MW_QUERY_TABLE];
    size_t n_costs;
    struct name *names; /* MW_QUERY_NAMES */
    size_t n_names;
    int heads[NAME_HEADS];
    uint64_t stamp;
    int64_t since_ms;
};

mw_querylog *mw_querylog_new(const mw_clock *clock)
{
    mw_querylog *l = mw_zalloc(sizeof *l);
    l->clock = clock ? clock : &mw_clock_system;
    pthread_mutex_init(&l->lock, NULL);
    l->running.prev = l->running.next = &l->running;
    l->names = mw_array(MW_QUERY_NAMES, sizeof *l->names);
    l->since_ms = mw_now_ms(l->clock);
    return l;
}

void mw_querylog_free(mw_querylog *l)
{
    if (!l) return;
    MW_ASSERT(l->running.next == &l->running);
    for (size_t i = 0; i < l->n_costs; i++) mw_free((char *)l->costs[i].c.text);
    for (size_t i = 0; i < l->n_names; i++) mw_free((char *)l->names[i].text.p);
    mw_free(l->names);
    pthread_mutex_destroy(&l->lock);
    mw_free(l);
}

/* -- what runs now -------------------------------------------------------------------------- */

void mw_querylog_begin(mw_querylog *l, mw_query_running *r, mw_str expr,
                       const mw_promql_query *query)
{
    *r = (mw_query_running){.expr = expr, .query = query, .began_mono_ns = mw_mono_ns()};
    r->began_ms = mw_now_ms(l->clock);
    pthread_mutex_lock(&l->lock);
    r->id = ++l->last_id;
    r->prev = l->running.prev;
    r->next = &l->running;
    r->prev->next = r->next->prev = r;
    pthread_mutex_unlock(&l->lock);
}

void mw_querylog_running(mw_querylog *l, mw_running_visit *visit, void *arg)
{
    int64_t now = mw_mono_ns();
    pthread_mutex_lock(&l->lock);
    for (const mw_query_running *r = l->running.next; r != &l->running; r = r->next)
        visit(arg, r, now > r->began_mono_ns ? now - r->began_mono_ns : 0);
    pthread_mutex_unlock(&l->lock);
}

int mw_querylog_cancel(mw_querylog *l, uint64_t id)
{
    int rc = MW_ENOENT;
    pthread_mutex_lock(&l->lock);
    for (mw_query_running *r = l->running.next; r != &l->running; r = r->next)
        if (r->id == id) {
            __atomic_store_n(&r->cancel, 1, __ATOMIC_RELAXED);
            rc = MW_OK;
        }
    pthread_mutex_unlock(&l->lock);
    return rc;
}

/* -- what ran ------------------------------------------------------------------------------- */

static struct cost *lightest(mw_querylog *l)
{
    struct cost *least = &l->costs[0];
    for (size_t i = 1; i < l->n_costs; i++)
        if (l->costs[i].weight < least->weight) least = &l->costs[i];
    return least;
}

static struct cost *cost_of(mw_querylog *l, mw_str text)
{
    uint64_t hash = mw_hash(text.p, text.n);
    struct cost *c;
    for (size_t i = 0; i < l->n_costs; i++)
        if (l->hashes[i] == hash) return &l->costs[i];
    int64_t inherited = 0;
    if (l->n_costs < MW_QUERY_TABLE)
        c = &l->costs[l->n_costs++];
    else {
        c = lightest(l);
        inherited = c->weight;
        mw_free((char *)c->c.text);
    }
    l->hashes[c - l->costs] = hash;
    *c = (struct cost){.weight = inherited};
    c->c = (mw_query_cost){.missed_ns = inherited, .first_ms = mw_now_ms(l->clock)};
    c->c.text = mw_strndup(text.p, text.n < MW_QUERY_TEXT ? text.n : MW_QUERY_TEXT);
    return c;
}

void mw_querylog_end(mw_querylog *l, mw_query_running *r, const mw_query_end *end)
{
    int64_t took = mw_mono_ns() - r->began_mono_ns;
    pthread_mutex_lock(&l->lock);
    r->prev->next = r->next;
    r->next->prev = r->prev;
    if (end->text.n) {
        struct cost *c = cost_of(l, end->text);
        c->c.count++;
        c->c.ranges += r->query->range;
        c->c.failed += end->code != MW_OK;
        c->c.samples += end->samples;
        if (end->samples > c->c.max_samples) c->c.max_samples = end->samples;
        c->c.total_ns += took;
        if (took > c->c.max_ns) c->c.max_ns = took;
        c->c.last_ms = mw_now_ms(l->clock);
        c->weight += took;
    }
    pthread_mutex_unlock(&l->lock);
}

static int by_time(const void *a, const void *b)
{
    const mw_query_cost *x = a, *y = b;
    return x->total_ns != y->total_ns ? (x->total_ns < y->total_ns ? 1 : -1)
                                      : strcmp(x->text, y->text);
}

static int by_samples(const void *a, const void *b)
{
    const mw_query_cost *x = a, *y = b;
    return x->samples != y->samples ? (x->samples < y->samples ? 1 : -1) : strcmp(x->text, y->text);
}

static int by_count(const void *a, const void *b)
{
    const mw_query_cost *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->text, y->text);
}

/* The rows are copied, so that whoever reads them keeps nobody from running queries. */
void mw_querylog_top(mw_querylog *l, mw_query_order by, size_t limit, mw_cost_visit *visit,
                     void *arg)
{
    static int (*const orders[])(const void *, const void *) = {
        [MW_BY_TIME] = by_time, [MW_BY_SAMPLES] = by_samples, [MW_BY_COUNT] = by_count};
    pthread_mutex_lock(&l->lock);
    size_t n = l->n_costs;
    mw_query_cost *rows = mw_array(n + 1, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        rows[i] = l->costs[i].c;
        rows[i].text = mw_strdup(rows[i].text);
    }
    pthread_mutex_unlock(&l->lock);
    qsort(rows, n, sizeof *rows, orders[by]);
    for (size_t i = 0; i < n; i++) {
        if (i < limit) visit(arg, &rows[i]);
        mw_free((char *)rows[i].text);
    }
    mw_free(rows);
}

/* -- which metrics were asked for ----------------------------------------------------------- */

static struct name *find_name(const mw_querylog *l, mw_str text, uint64_t hash)
{
    for (int i = l->heads[hash % NAME_HEADS]; i; i = l->names[i - 1].next)
        if (l->names[i - 1].hash == hash && mw_str_eq(l->names[i - 1].text, text))
            return &l->names[i - 1];
    return NULL;
}

/* The place of the name asked for longest ago, which is forgotten. */
static struct name *make_place(mw_querylog *l)
{
    struct name *oldest = &l->names[0];
    for (size_t i = 1; i < l->n_names; i++)
        if (l->names[i].stamp < oldest->stamp) oldest = &l->names[i];
    int *at = &l->heads[oldest->hash % NAME_HEADS], self = (int)(oldest - l->names) + 1;
    while (*at != self) at = &l->names[*at - 1].next;
    *at = oldest->next;
    if (oldest->use.last_ms > l->since_ms) l->since_ms = oldest->use.last_ms;
    mw_free((char *)oldest->text.p);
    return oldest;
}

void mw_querylog_asked(mw_querylog *l, mw_str name)
{
    uint64_t hash = mw_hash(name.p, name.n);
    if (!name.n || name.n > NAME_BYTES) return;
    pthread_mutex_lock(&l->lock);
    struct name *e = find_name(l, name, hash);
    if (!e) {
        e = l->n_names < MW_QUERY_NAMES ? &l->names[l->n_names++] : make_place(l);
        int *head = &l->heads[hash % NAME_HEADS];
        *e = (struct name){.hash = hash, .next = *head};
        e->text = (mw_str){mw_strndup(name.p, name.n), name.n};
        *head = (int)(e - l->names) + 1;
    }
    e->use.count++;
    e->use.last_ms = mw_now_ms(l->clock);
    e->stamp = ++l->stamp;
    pthread_mutex_unlock(&l->lock);
}

mw_name_use mw_querylog_use(mw_querylog *l, mw_str name)
{
    pthread_mutex_lock(&l->lock);
    const struct name *e = find_name(l, name, mw_hash(name.p, name.n));
    mw_name_use use = e ? e->use : (mw_name_use){0};
    pthread_mutex_unlock(&l->lock);
    return use;
}

int64_t mw_querylog_since(mw_querylog *l)
{
    pthread_mutex_lock(&l->lock);
    int64_t since = l->since_ms;
    pthread_mutex_unlock(&l->lock);
    return since;
}

/* -- a query with its tree ------------------------------------------------------------------ */

/* Printed once, however often the tree is computed. */
static mw_str text_of(struct ast *a)
{
    mw_buf text = {0};
    if (a->text.p) return a->text;
    mw_pq_print(&text, a->root);
    if (text.n > MW_QUERY_TEXT) text.n = MW_QUERY_TEXT;
    a->text = a->src;
    if (!mw_str_eq((mw_str){text.p, text.n}, a->src))
        a->text = (mw_str){mw_arena_strndup(a->arena, text.n ? text.p : "", text.n), text.n};
    if (!a->text.p) a->text.n = 0;
    mw_buf_deinit(&text);
    return a->text;
}

/* Names asked for with "=": a pattern may stand for all and says nothing of any one. */
void mw_pq_log_query(mw_querylog *l, mw_query_running *r, struct ast *a, int code, size_t samples)
{
    mw_querylog_end(l, r, &(mw_query_end){code, samples, text_of(a)});
    for (const struct selected *s = a->selected; s; s = s->next)
        for (size_t k = 0; k < s->n; k++) {
            const mw_matcher *m = &s->m[k];
            if (m->op == MW_MATCH_EQ && mw_str_is(m->name, MW_METRIC_NAME))
                mw_querylog_asked(l, m->value);
        }
}
