/* inside.h - the inside of a registry, shared by the files of this folder only.
 *
 * A series owns a run of cells, the same numbers in the row of every thread.  Rows are made of
 * pages; a run never crosses a page.  The value of a cell is its sum over all rows, the retired
 * row (threads that ended) included.
 * SPDX-License-Identifier: MIT */
#ifndef MW_METRICS_INSIDE_H
#define MW_METRICS_INSIDE_H
#include <pthread.h>

#include "base/arena.h"
#include "metrics/registry.h"

enum { MW_PAGE_CELLS = 512 };

typedef struct mw_set { /* one family with its series */
    mw_kind kind;
    char *name, *help, *unit;
    double *bounds;
    size_t n_bounds;
    mw_str *le[2]; /* per exposition, n_bounds + 1: the bound as text */
    mw_series **series;
    size_t n, cap;
    bool sorted;  /* series are in order of labels */
    bool passing; /* series may leave, and have no cells */
    struct mw_set *next;
} mw_set;

struct mw_series {
    mw_registry *reg;
    mw_set *set;
    uint32_t page, at; /* first cell */
    const double *bounds;
    uint32_t n_bounds;
    double shared; /* gauges, and counters that are set: any thread, atomic */
    mw_labels *labels;
    char *text; /* labels as exposed, without braces */
    size_t n_text;
    mw_series *next;
};

typedef struct mw_row { /* what one thread counted in one registry */
    mw_registry *reg;
    double **pages; /* the owner replaces it under the lock */
    size_t n_pages;
    struct mw_row *next_of_thread, *next, **slot; /* next, slot: among the registry's rows */
} mw_row;

typedef struct mw_collector {
    mw_collect *fn;
    void *arg;
} mw_collector;

struct mw_registry {
    pthread_mutex_t lock;
    unsigned refs; /* the owner and each row; the memory goes with the last */
    bool closed;
    size_t n_series, max_series, n_cells;
    mw_set **sets; /* in order of names once SETS_SORTED */
    size_t n_sets, cap_sets;
    bool sets_sorted;
    mw_set **set_heads;
    mw_series **heads;
    size_t n_heads, n_set_heads;
    mw_row *rows;
    mw_row retired;
    mw_collector *collectors;
    size_t n_collectors, cap_collectors;
    uint64_t refused, ignored; /* atomic */
    unsigned readers;          /* snapshots that are in use */
    mw_series *left;           /* series that were taken away while there were any */
    mw_series *own[3];
};

/* cells.c */
void mw_row_release_own(mw_registry *reg); /* the calling thread's row, before a registry goes */
void mw_row_deinit_pages(mw_row *row);
void mw_registry_unref(mw_registry *reg); /* under the lock, which it gives back */
/* All cells of all pages, summed over the rows; n_cells of them. */
void mw_cells_total(const mw_registry *reg, double *out);

/* snapshot.c: families and series in order, and every cell, as of one moment. */
typedef struct mw_snapshot_set {
    const mw_set *set;
    mw_series **series;
    size_t n;
} mw_snapshot_set;
typedef struct mw_snapshot {
    mw_registry *reg;
    mw_snapshot_set *sets;
    size_t n;
    mw_series **series;
    double *cells;
} mw_snapshot;
void mw_snapshot_init(mw_snapshot *snap, mw_registry *reg); /* runs the collectors first */
void mw_snapshot_deinit(mw_snapshot *snap);
const double *mw_snapshot_cells(const mw_snapshot *snap, const mw_series *s);
double mw_snapshot_value(const mw_snapshot *snap, const mw_series *s); /* not a histogram */

/* registry.c */
void mw_registry_tell_own(mw_registry *reg); /* sets its own series, when all others are */
mw_series **mw_series_head(const mw_registry *reg, const mw_set *set, const mw_labels *ls);
mw_set *mw_registry_find_set(const mw_registry *reg, mw_str name);

/* remove.c */
void mw_series_free(mw_series *s);
void mw_registry_free_left(mw_registry *reg); /* under the lock, when there are no readers */

static inline uint32_t mw_kind_cells(mw_kind kind, size_t n_bounds)
{
    /* a histogram: one count per bucket, one above all bounds, the sum */
    return kind == MW_COUNTER ? 1 : kind == MW_GAUGE ? 0 : (uint32_t)n_bounds + 2;
}

#endif
