/* tsdb.h - time series: append, select, forget.
 *
 * Any thread may append and select at once.  Memory is bounded by a retention and a byte budget;
 * when the budget is reached the oldest closed chunks leave first and new series are refused last.
 * Durability: mw_appender_commit returns once the samples would survive a crash of the process.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_TSDB_H
#define MW_TSDB_TSDB_H
#include "base/clock.h"
#include "model/source.h"

typedef struct mw_tsdb mw_tsdb;
typedef struct mw_appender mw_appender;

typedef struct mw_tsdb_options {
    const char *dir; /* data folder; NULL: memory only */
    const mw_clock *clock;
    int64_t retention_ms; /* 0: forever */
    int64_t
        out_of_order_ms; /* how far behind the newest sample of its series one may be; -1: any */
    size_t max_bytes;    /* 0: no budget */
    size_t max_series;   /* 0: no limit */
    unsigned shards;     /* 0: chosen by the store */
} mw_tsdb_options;

mw_tsdb *mw_tsdb_open(const mw_tsdb_options *o, mw_err *err);
void mw_tsdb_close(mw_tsdb *db); /* NULL is fine; all appenders and sets must be gone */

/* -- writing -------------------------------------------------------------------------------- */

mw_appender *mw_appender_new(mw_tsdb *db); /* for one thread at a time; reusable after commit */
void mw_appender_free(mw_appender *a);     /* NULL is fine; what was not committed may be lost */

/* Append one sample.  *REF is 0 at first and remembers the series afterwards: with a REF from
 * earlier, LS is read only when the series has meanwhile left memory.
 * MW_EORDER: behind the out-of-order window.  MW_EOLD: before the retention.  MW_EDUP: same time,
 * other value.  MW_ELIMIT: no room for a new series.  The same value at the same time is MW_OK. */
int mw_appender_add(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t, double v);
int mw_appender_commit(mw_appender *a, mw_err *err);

/* -- reading -------------------------------------------------------------------------------- */

/* Borrowed.  label_names and label_values look at all series held, not at the time range. */
mw_source *mw_tsdb_source(mw_tsdb *db);

/* -- keeping house -------------------------------------------------------------------------- */

/* Drop what is older than the retention or over the budget; call every few seconds. */
void mw_tsdb_tick(mw_tsdb *db);

typedef struct mw_tsdb_stats {
    uint64_t series, chunks, samples, bytes; /* held now */
    uint64_t appended, late;                 /* since start; late: accepted out of order */
    uint64_t out_of_order, duplicates, too_old, refused_series; /* refused, since start */
    uint64_t dropped_chunks;                                    /* since start */
    int64_t min_t, max_t;                                       /* milliseconds; 0 when empty */
} mw_tsdb_stats;
void mw_tsdb_stats_read(mw_tsdb *db, mw_tsdb_stats *out);

/* Series per value of LABEL, or per label name when LABEL is NULL; largest first, at most LIMIT. */
typedef void mw_tsdb_top_visit(void *arg, mw_str name, uint64_t count);
void mw_tsdb_top(mw_tsdb *db, const char *label, size_t limit, mw_tsdb_top_visit *visit, void *arg);

#endif
