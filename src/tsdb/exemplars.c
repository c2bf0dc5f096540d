/* exemplars.c - the ring, and the series that its exemplars belong to.
 *
 * A series stands in a table by its key for as long as the ring has an exemplar of it.  The oldest
 * exemplar makes room for the newest, whatever series they are of.
 * SPDX-License-Identifier: MIT */
#include "tsdb/exemplars.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/sample.h"

typedef struct owner owner;
struct owner {
    owner *next; /* of the hash chain */
    mw_key key;
    mw_labels *labels;
    size_t n;           /* exemplars in the ring */
    mw_exemplar newest; /* labels are those of the ring's entry */
};

struct entry {
    owner *owner;  /* NULL: deleted */
    mw_exemplar e; /* labels owned */
};

enum { HEADS = 1024 };

struct mw_exemplars {
    pthread_mutex_t lock;
    struct entry *ring;
    size_t max, cap, first, n; /* entries first .. first + n - 1, modulo max */
    size_t live;
    owner *heads[HEADS];
    uint64_t appended, out_of_order;
};

mw_exemplars *mw_exemplars_new(size_t max)
{
    mw_exemplars *x = mw_zalloc(sizeof *x);
    x->max = max ? max : 100000;
    pthread_mutex_init(&x->lock, NULL);
    return x;
}

static owner **head_of(mw_exemplars *x, mw_key key) { return &x->heads[key.lo % HEADS]; }

static void leave_owner(mw_exemplars *x, owner *o)
{
    if (--o->n) return;
    owner **at = head_of(x, o->key);
    while (*at != o) at = &(*at)->next;
    *at = o->next;
    mw_free(o->labels);
    mw_free(o);
}

static void forget(mw_exemplars *x, struct entry *e)
{
    if (!e->owner) return;
    /* Should the newest go before older ones were replaced, order starts anew. */
    if (e->owner->newest.labels == e->e.labels) e->owner->newest = (mw_exemplar){.t = INT64_MIN};
    leave_owner(x, e->owner);
    mw_free((mw_labels *)e->e.labels);
    e->owner = NULL;
    x->live--;
}

void mw_exemplars_free(mw_exemplars *x)
{
    if (!x) return;
    for (size_t i = 0; i < x->n; i++) forget(x, &x->ring[(x->first + i) % x->max]);
    mw_free(x->ring);
    pthread_mutex_destroy(&x->lock);
    mw_free(x);
}

/* -- adding --------------------------------------------------------------------------------- */

static owner *owner_of(mw_exemplars *x, mw_key key, const mw_labels *series)
{
    owner **head = head_of(x, key);
    for (owner *o = *head; o; o = o->next)
        if (o->key.lo == key.lo && o->key.hi == key.hi) return o;
    owner *o = mw_zalloc(sizeof *o);
    *o = (owner){.next = *head, .key = key, .labels = mw_labels_copy(series)};
    o->newest.t = INT64_MIN;
    return *head = o;
}

static bool same(const mw_exemplar *a, const mw_exemplar *b)
{
    return a->labels && a->t == b->t && mw_double_bits(a->v) == mw_double_bits(b->v) &&
           mw_labels_eq(a->labels, b->labels);
}

static struct entry *next_entry(mw_exemplars *x)
{
    if (x->n == x->max) {
        struct entry *oldest = &x->ring[x->first];
        forget(x, oldest);
        x->first = (x->first + 1) % x->max;
        return oldest;
    }
    if (x->n == x->cap) { /* never full before: first is 0 */
        mw_grow(&x->ring, &x->cap, x->n + 1, sizeof *x->ring);
        if (x->cap > x->max) x->cap = x->max;
    }
    return &x->ring[x->n++];
}

static int add(mw_exemplars *x, owner *o, const mw_exemplar *e, bool *fresh)
{
    if (o->n && same(&o->newest, e)) return MW_OK;
    if (o->n && e->t <= o->newest.t) {
        x->out_of_order++;
        return MW_EORDER;
    }
    o->n++; /* before an old one of the same series may make room */
    struct entry *at = next_entry(x);
    *at = (struct entry){o, *e};
    at->e.labels = mw_labels_copy(e->labels);
    o->newest = at->e;
    x->live++;
    x->appended++;
    *fresh = true;
    return MW_OK;
}

int mw_exemplars_add(mw_exemplars *x, mw_key key, const mw_labels *series, const mw_exemplar *e,
                     bool *fresh)
{
    pthread_mutex_lock(&x->lock);
    int code = add(x, owner_of(x, key, series), e, fresh);
    pthread_mutex_unlock(&x->lock);
    return code;
}

/* -- asking --------------------------------------------------------------------------------- */

static bool wanted(const struct entry *e, const mw_select *sel, size_t n)
{
    if (!e->owner) return false;
    for (size_t i = 0; i < n; i++)
        if (e->e.t >= sel[i].min_t && e->e.t <= sel[i].max_t &&
            mw_matchers_match(sel[i].matchers, sel[i].n, e->owner->labels))
            return true;
    return false;
}

static int by_series(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    int order = x->owner == y->owner ? 0 : mw_labels_cmp(x->owner->labels, y->owner->labels);
    return order ? order : (x->e.t > y->e.t) - (x->e.t < y->e.t);
}

int mw_exemplars_each(mw_exemplars *x, const mw_select *sel, size_t n, mw_exemplar_visit *visit,
                      void *arg)
{
    struct entry **found = NULL;
    size_t n_found = 0, cap = 0;
    int stop = 0;
    pthread_mutex_lock(&x->lock);
    for (size_t i = 0; i < x->n; i++) {
        struct entry *e = &x->ring[(x->first + i) % x->max];
        if (wanted(e, sel, n)) MW_PUSH(found, n_found, cap, e);
    }
    if (n_found) qsort(found, n_found, sizeof *found, by_series);
    for (size_t i = 0; i < n_found && !stop; i++)
        stop = visit(arg, found[i]->owner->labels, &found[i]->e);
    pthread_mutex_unlock(&x->lock);
    mw_free(found);
    return stop;
}

void mw_exemplars_delete(mw_exemplars *x, const mw_select *sel)
{
    pthread_mutex_lock(&x->lock);
    for (size_t i = 0; i < x->n; i++) {
        struct entry *e = &x->ring[(x->first + i) % x->max];
        if (wanted(e, sel, 1)) forget(x, e);
    }
    pthread_mutex_unlock(&x->lock);
}

void mw_exemplars_count(mw_exemplars *x, mw_tsdb_stats *out)
{
    pthread_mutex_lock(&x->lock);
    out->exemplars = x->live;
    out->exemplars_appended = x->appended;
    out->exemplars_out_of_order = x->out_of_order;
    pthread_mutex_unlock(&x->lock);
}
