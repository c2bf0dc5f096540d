/* tsdb.h - time series: append, select, keep, forget.
 *
 * Any thread may append and select at once.  New samples stand in memory and in a journal; from
 * time to time they are sealed into blocks on disk and leave memory.  Without a data folder
 * everything stays in memory.
 *
 * Durability: mw_appender_commit returns once the samples would survive a crash of the process,
 * and with sync_ms = 0 also a loss of power; otherwise power may take what came in the last
 * sync_ms milliseconds.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_TSDB_H
#define MW_TSDB_TSDB_H
#include "base/clock.h"
#include "model/exemplar.h"
#include "model/hours.h"
#include "model/keep.h"
#include "model/source.h"
#include "store/io.h"

typedef struct mw_tsdb mw_tsdb;
typedef struct mw_appender mw_appender;

/* Samples that are on the disk no more. */
typedef struct mw_tsdb_gone {
    const char *why; /* "age", "bytes" (the budget), "wish" (mw_tsdb_delete) */
    int by_class;    /* by age: the class whose time was over; -1: the general one, or no matter */
    uint64_t block;  /* where they were; of several the first */
    size_t blocks;
    int64_t min_t, max_t;    /* of what is gone */
    uint64_t samples, bytes; /* BYTES: of whole blocks that left; 0: the rest was written again */
} mw_tsdb_gone;
typedef void mw_tsdb_heard_gone(void *arg, const mw_tsdb_gone *g);

typedef struct mw_tsdb_options {
    const char *dir; /* data folder; NULL: memory only */
    const mw_io *io; /* NULL: the system's */
    const mw_clock *clock;
    int64_t retention_ms; /* 0: forever */
    int64_t
        out_of_order_ms; /* how far behind the newest sample of its series one may be; -1: any */
    const mw_keep_class *classes; /* the first that matches counts; borrowed for the store's life */
    size_t n_classes;
    size_t max_bytes;     /* memory for samples and series; 0: no budget */
    uint64_t max_disk;    /* bytes of blocks; the oldest leave first; 0: no budget */
    size_t max_series;    /* in memory; 0: no limit */
    size_t max_exemplars; /* 0: 100000 */
    int sync_ms;          /* 0: every commit waits for the disk */
    int64_t seal_ms;      /* samples stand in memory for at most about this long; 0: 30 minutes */
    unsigned shards;      /* 0: chosen by the store */
    mw_tsdb_heard_gone *gone; /* told after it is so, by the thread that keeps house; may be NULL */
    void *gone_arg;
    bool read_only; /* nothing in the folder changes; several may look, while no other has it.
                       Samples that are appended go nowhere */
} mw_tsdb_options;

/* Cheap: nothing is read yet.  mw_tsdb_recover comes next, once, before anything else; it reads
 * what the folder holds.  Damaged blocks are set aside and named in the log; that is no failure. */
mw_tsdb *mw_tsdb_open(const mw_tsdb_options *o, mw_err *err);
int mw_tsdb_recover(mw_tsdb *db, mw_err *err);
double mw_tsdb_progress(const mw_tsdb *db); /* of the recovery, 0 to 1; any thread */
/* Seals what is in memory, so that the next start replays nothing.  NULL is fine; all appenders and
 * sets must be gone. */
void mw_tsdb_close(mw_tsdb *db);

/* -- writing -------------------------------------------------------------------------------- */

mw_appender *mw_appender_new(mw_tsdb *db); /* for one thread at a time; reusable after commit */
void mw_appender_free(mw_appender *a);     /* NULL is fine; what was not committed may be lost */

/* Append one sample.  *REF is 0 at first and remembers the series afterwards: with a REF from
 * earlier, LS is read only when the series has meanwhile left memory.
 * MW_EORDER: not newer than the series, and no out-of-order window is set.  MW_EOLD: behind the
 * window or before the retention.  MW_EDUP: same time, other value; the same value is MW_OK.
 * MW_ELIMIT: no room for a new series; MW_EBUSY: at the moment. */
int mw_appender_add(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t, double v);
int mw_appender_add_histogram(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t,
                              const mw_nhist *h);
/* Keep E with the series; MW_EORDER when it is older than the newest one of the series.  The same
 * one again is MW_OK.  The series need not have samples, but must be known: MW_ENOENT. */
int mw_appender_add_exemplar(mw_appender *a, const mw_labels *ls, const mw_exemplar *e);
/* What NAME is; the newest word counts.  TYPE is one of counter gauge histogram gaugehistogram
 * summary info stateset unknown; empty texts leave what was known. */
void mw_appender_set_metadata(mw_appender *a, mw_str name, mw_str type, mw_str help, mw_str unit);

/* Many samples at once, for ingest that knows the identity of a series before its labels.
 *
 * A key is a hash of the bytes that a sender uses for a series.  The key of the canonical bytes
 * (see mw_tsdb_canonical) always finds its series; another spelling does after mw_appender_alias.
 * 96 bits under a secret of this folder: no two label sets share one, by chance or by will. */
typedef struct mw_key {
    uint64_t lo;
    uint32_t hi;
} mw_key;
mw_key mw_tsdb_key(const mw_tsdb *db, const void *bytes, size_t n);
/* The canonical bytes of a label set: protobuf labels as in remote write 1.0, field 1, in order of
 * names: 0a LEN 0a LEN name 12 LEN value. */
void mw_tsdb_canonical(const mw_labels *ls, mw_buf *out);

typedef struct mw_row {
    uint64_t ref; /* 0: found by key; set when found */
    mw_key key;
    int32_t code; /* as mw_appender_add; MW_ENOENT: the series is not known, add it with labels */
    int64_t t;
    double v;
} mw_row;
void mw_appender_rows(mw_appender *a, mw_row *rows, size_t n);
void mw_appender_alias(mw_appender *a, mw_key key, uint64_t ref); /* KEY is another spelling */

/* MW_EFULL, MW_EIO: the disk did not take it; nothing of the batch counts as accepted. */
int mw_appender_commit(mw_appender *a, mw_err *err);
bool mw_tsdb_commit_waits(const mw_tsdb *db); /* for the disk, each time */

/* -- reading -------------------------------------------------------------------------------- */

/* Borrowed.  label_names and label_values look at the blocks, and at what is in memory, that
 * overlap the time range; with matchers, only at series of a block whose runs do. */
mw_source *mw_tsdb_source(mw_tsdb *db);

/* Exemplars of the series that any of the N selectors accept, in MIN..MAX, by series and time. */
typedef int mw_exemplar_visit(void *arg, const mw_labels *series, const mw_exemplar *e);
int mw_tsdb_exemplars(mw_tsdb *db, const mw_select *sel, size_t n, mw_exemplar_visit *visit,
                      void *arg);

typedef struct mw_metadata {
    mw_str name, type, help, unit;
} mw_metadata;
typedef int mw_metadata_visit(void *arg, const mw_metadata *m);
/* Of NAME, or of all metrics when it is empty; valid during the call.  Non-zero stops. */
void mw_tsdb_metadata(mw_tsdb *db, mw_str name, mw_metadata_visit *visit, void *arg);

/* Hours that got samples more than five minutes late, also before a crash: see model/hours.h. */
mw_hours *mw_tsdb_late(mw_tsdb *db);

/* -- keeping house -------------------------------------------------------------------------- */

/* Seal, compact, drop what is older than the retention or over a budget; call every second. */
void mw_tsdb_tick(mw_tsdb *db);
/* The end is near: merging that is under way is given up, and none is begun.  Any thread. */
void mw_tsdb_hurry(mw_tsdb *db);
/* Put everything in memory into a block now.  MW_OK when there is nothing, too. */
int mw_tsdb_seal(mw_tsdb *db, mw_err *err);
/* Samples of SEL are gone when this returns, also after a crash; their space comes back with it. */
int mw_tsdb_delete(mw_tsdb *db, const mw_select *sel, mw_err *err);
/* A data folder at DIR (made here, must not exist) that shares its files with this one by hard
 * links.  With HEAD what is in memory is sealed first and so is part of it. */
int mw_tsdb_snapshot(mw_tsdb *db, const char *dir, bool head, mw_err *err);

typedef struct mw_tsdb_stats {
    uint64_t series, chunks, samples, bytes; /* held now */
    uint64_t appended, late;                 /* since start; late: accepted out of order */
    uint64_t out_of_order, duplicates, too_old, refused_series; /* refused, since start */
    uint64_t dropped_chunks;                                    /* since start */
    uint64_t histograms;                                        /* accepted, since start */
    uint64_t exemplars, exemplars_appended, exemplars_out_of_order;
    uint64_t blocks, block_bytes, block_series, block_samples;
    uint64_t journal_bytes, journal_segments, journal_syncs;
    uint64_t seals, compactions, deletions, dropped_blocks, quarantined_blocks; /* since start */
    uint64_t write_failures; /* commits the disk did not take, since start */
    uint64_t read_only;      /* 1 while the disk takes nothing */
    uint64_t replayed_frames, recovery_ms;
    int64_t min_t, max_t; /* milliseconds; 0 when empty */
} mw_tsdb_stats;
void mw_tsdb_stats_read(mw_tsdb *db, mw_tsdb_stats *out);

/* Series per value of LABEL, or per label name when LABEL is NULL; largest first, at most LIMIT. */
typedef void mw_tsdb_top_visit(void *arg, mw_str name, uint64_t count);
void mw_tsdb_top(mw_tsdb *db, const char *label, size_t limit, mw_tsdb_top_visit *visit, void *arg);
/* The same per "name=value". */
void mw_tsdb_top_pairs(mw_tsdb *db, size_t limit, mw_tsdb_top_visit *visit, void *arg);

/* Blocks on disk, the oldest first. */
typedef struct mw_tsdb_block {
    uint64_t id, series, samples, bytes;
    uint32_t level; /* of merging */
    int64_t min_t, max_t;
} mw_tsdb_block;
typedef void mw_tsdb_block_visit(void *arg, const mw_tsdb_block *b);
void mw_tsdb_each_block(mw_tsdb *db, mw_tsdb_block_visit *visit, void *arg);

#endif
