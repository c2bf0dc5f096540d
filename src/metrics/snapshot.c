/* snapshot.c - the registry as of one moment, for those who write it out.
 *
 * Taken under the lock and used without it: families are never taken away, and series that leave
 * stay in memory while anybody reads.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "metrics/inside.h"

static int set_by_name(const void *a, const void *b)
{
    return strcmp((*(mw_set *const *)a)->name, (*(mw_set *const *)b)->name);
}

static int series_by_labels(const void *a, const void *b)
{
    return mw_labels_cmp((*(mw_series *const *)a)->labels, (*(mw_series *const *)b)->labels);
}

static void sort_all(mw_registry *reg)
{
    if (!reg->sets_sorted) qsort(reg->sets, reg->n_sets, sizeof *reg->sets, set_by_name);
    reg->sets_sorted = true;
    for (size_t i = 0; i < reg->n_sets; i++) {
        mw_set *set = reg->sets[i];
        if (!set->sorted) qsort(set->series, set->n, sizeof *set->series, series_by_labels);
        set->sorted = true;
    }
}

static void run_collectors(mw_registry *reg)
{
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&reg->lock);
        bool more = i < reg->n_collectors;
        mw_collector c = more ? reg->collectors[i] : (mw_collector){0};
        pthread_mutex_unlock(&reg->lock);
        if (!more) return;
        c.fn(c.arg, reg);
    }
}

void mw_snapshot_init(mw_snapshot *snap, mw_registry *reg)
{
    run_collectors(reg);
    mw_registry_tell_own(reg);
    pthread_mutex_lock(&reg->lock);
    sort_all(reg);
    snap->n = reg->n_sets;
    snap->sets = mw_array(snap->n, sizeof *snap->sets);
    snap->series = mw_array(reg->n_series, sizeof *snap->series);
    mw_series **at = snap->series;
    for (size_t i = 0; i < snap->n; i++) {
        const mw_set *set = reg->sets[i];
        snap->sets[i] = (mw_snapshot_set){set, at, set->n};
        memcpy(at, set->series, set->n * sizeof *at);
        at += set->n;
    }
    snap->cells = mw_array(reg->n_cells, sizeof *snap->cells);
    mw_cells_total(reg, snap->cells);
    snap->reg = reg;
    reg->readers++;
    pthread_mutex_unlock(&reg->lock);
}

void mw_snapshot_deinit(mw_snapshot *snap)
{
    mw_registry *reg = snap->reg;
    pthread_mutex_lock(&reg->lock);
    if (!--reg->readers) mw_registry_free_left(reg);
    pthread_mutex_unlock(&reg->lock);
    mw_free(snap->sets);
    mw_free(snap->series);
    mw_free(snap->cells);
}

const double *mw_snapshot_cells(const mw_snapshot *snap, const mw_series *s)
{
    return snap->cells + (size_t)s->page * MW_PAGE_CELLS + s->at;
}

double mw_snapshot_value(const mw_snapshot *snap, const mw_series *s)
{
    double v;
    __atomic_load(&s->shared, &v, __ATOMIC_RELAXED);
    return s->set->kind == MW_COUNTER && !s->set->passing ? v + *mw_snapshot_cells(snap, s) : v;
}
