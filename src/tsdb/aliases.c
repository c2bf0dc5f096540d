/* aliases.c - a table that may forget.
 *
 * Forgetting costs a sender one look at its labels, so the table is simply emptied when it is full;
 * a reference whose series has left is found out by whoever uses it, and set anew.
 * SPDX-License-Identifier: MIT */
#include "tsdb/aliases.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST = 64, MOST = 1 << 20 };

typedef struct seat {
    mw_key key;
    uint64_t ref; /* 0: free */
} seat;

struct mw_aliases {
    pthread_rwlock_t lock;
    seat *table;
    size_t n, mask;
    size_t any; /* n, for a look without the lock */
};

mw_aliases *mw_aliases_new(void)
{
    mw_aliases *x = mw_zalloc(sizeof *x);
    pthread_rwlock_init(&x->lock, NULL);
    return x;
}

void mw_aliases_free(mw_aliases *x)
{
    if (!x) return;
    mw_free(x->table);
    pthread_rwlock_destroy(&x->lock);
    mw_free(x);
}

static seat *seat_of(const mw_aliases *x, mw_key key)
{
    size_t at = key.lo & x->mask;
    while (x->table[at].ref && (x->table[at].key.lo != key.lo || x->table[at].key.hi != key.hi))
        at = (at + 1) & x->mask;
    return &x->table[at];
}

static void make_room(mw_aliases *x)
{
    if (x->table && (x->n + 1) * 2 <= x->mask) return;
    size_t had = x->table ? x->mask + 1 : 0, size = had ? had * 2 : FIRST;
    seat *old = x->table;
    bool full = size > MOST;
    if (full) size = FIRST;
    x->table = mw_array(size, sizeof *x->table);
    x->mask = size - 1;
    x->n = full ? 0 : x->n;
    for (size_t i = 0; i < had && !full; i++)
        if (old[i].ref) *seat_of(x, old[i].key) = old[i];
    mw_free(old);
}

void mw_aliases_set(mw_aliases *x, mw_key key, uint64_t ref)
{
    pthread_rwlock_wrlock(&x->lock);
    make_room(x);
    seat *at = seat_of(x, key);
    x->n += at->ref == 0;
    *at = (seat){key, ref};
    __atomic_store_n(&x->any, x->n, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&x->lock);
}

void mw_aliases_resolve(mw_aliases *x, mw_row *rows, size_t n)
{
    if (!__atomic_load_n(&x->any, __ATOMIC_RELAXED)) return;
    pthread_rwlock_rdlock(&x->lock);
    for (size_t i = 0; i < n; i++)
        if (!rows[i].ref) rows[i].ref = seat_of(x, rows[i].key)->ref;
    pthread_rwlock_unlock(&x->lock);
}
