/* store.h - the inside of mw_tsdb, shared by the files of this folder only.
 *
 * Locks, in the order they are taken: house, gate, one shard, index, defs.  Nobody holds two
 * shards.  The sets of blocks, the exemplars and the metadata have locks of their own, taken last.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_STORE_H
#define MW_TSDB_STORE_H
#include "store/journal.h"
#include "tsdb/aliases.h"
#include "tsdb/blocks.h"
#include "tsdb/exemplars.h"
#include "tsdb/metabook.h"
#include "tsdb/record.h"
#include "tsdb/shard.h"

enum { MW_SECRET_BYTES = 192, MW_SHARDS_MAX = 256 };

/* Sealed, but perhaps still looked at by a reader that began before the block was there. */
typedef struct mw_pending_drop {
    bool waiting;
    uint64_t version; /* of the set that has the block */
} mw_pending_drop;

typedef struct mw_frames { /* for the journal, the oldest first */
    mw_buf *frame;
    size_t n, cap;
} mw_frames;

struct mw_tsdb {
    mw_source source; /* first: a source is the store seen from below */
    mw_tsdb_options opt;
    const mw_io *io;
    char *dir; /* NULL: memory only */
    int lock;  /* the folder, held open */
    uint8_t secret[MW_SECRET_BYTES];

    mw_slab *slab;
    mw_index *index;
    mw_shard *shards;
    unsigned n_shards, shift; /* n_shards = 1 << shift */

    /* Appenders share the gate from their first sample to their commit; whoever begins a new
     * generation takes it alone, so that a batch lies in one generation as a whole. */
    pthread_rwlock_t gate;
    uint32_t gen;    /* of what is written now; changed under the gate */
    uint32_t sealed; /* generations before this one are in blocks; under the house lock */
    mw_journal *journal;
    pthread_mutex_t defs_lock;
    mw_frames defs; /* definitions that the journal does not have yet: written before any samples */

    pthread_mutex_t house; /* one housekeeper at a time */
    mw_manifest manifest;  /* under the house lock */
    mw_blocks blocks;
    mw_pending_drop drop;
    bool closing;      /* memory goes as a whole: nothing leaves it one by one */
    uint64_t scrubbed; /* blocks up to this id were looked over; under the house lock */
    size_t scrub_at;   /* bytes of the next one that were */
    int64_t opened_ms, opened_boot_ms; /* when the store was opened, by both clocks */
    int64_t last_seal_ms;              /* on the monotonic clock */

    mw_exemplars *exemplars;
    mw_metabook *metadata;
    mw_aliases *aliases;
    mw_hours late;

    /* Any thread, atomics. */
    uint64_t series, births, too_old, refused_series;
    uint64_t seals, compactions, deletions, dropped_blocks, quarantined, write_failures;
    uint64_t replayed_frames, recovery_ms;
    bool wished;   /* the journal may have the wish of a deletion that failed */
    int hurry;     /* mw_tsdb_hurry */
    int troubled;  /* the last seal or merge failed, and it was told */
    int full;      /* the last shedding could not come below the budget */
    int over;      /* ticks since it could */
    int read_only; /* the code of the write that failed last; 0: the disk takes what comes */
    double progress;
};

/* -- identity (key.c) ----------------------------------------------------------------------- */

mw_key mw_tsdb_key_of(const mw_tsdb *db, const mw_labels *ls);

/* -- appending (appender.c, definitions.c, rows.c) ------------------------------------------ */

struct mw_appender {
    mw_tsdb *db;
    bool inside;   /* holds the gate */
    int failed;    /* why a piece of the batch was not taken */
    int64_t floor; /* oldest time taken, as of the last commit */
    int64_t now;   /* when the batch began */
    mw_buf frame;  /* for the journal */
    mw_record_run run;
    bool unjournaled; /* what is appended comes from the journal */
    uint32_t *order;  /* of rows by shard */
    mw_stream **found;
    size_t cap_order, cap_found;
};

int mw_appender_enter(mw_appender *a); /* MW_OK, or why the store takes nothing */
/* A frame that grew large is written, so that a batch may have any size.  RC, or why not. */
int mw_appender_relieve(mw_appender *a, int rc);
static inline uint32_t mw_birth_of(uint64_t n) { return (uint32_t)n ? (uint32_t)n : 1; }
uint64_t mw_make_ref(const mw_tsdb *db, const mw_shard *sh, uint32_t slot, const mw_stream *s);
static inline mw_shard *mw_shard_of_key(const mw_tsdb *db, mw_key key)
{
    return &db->shards[key.lo & (db->n_shards - 1)];
}
/* As mw_appender_add_histogram, with the bytes of mw_nhist_encode. */
int mw_appender_add_bytes(mw_appender *a, const mw_labels *ls, uint64_t *ref, int64_t t,
                          mw_str bytes);
/* Rows by shard: their numbers in ORDER, those of shard i from START[i] to START[i + 1]. */
typedef struct mw_row_groups {
    uint32_t *order; /* room for all, given by the caller */
    uint32_t start[MW_SHARDS_MAX + 1];
} mw_row_groups;
void mw_rows_gather(const mw_tsdb *db, const mw_row *rows, size_t n, mw_row_groups *g);
/* The rows of shards FROM to TO - 1; several appenders may share the shards of one gathering. */
void mw_rows_append(mw_appender *a, mw_row *rows, const mw_row_groups *g, unsigned from,
                    unsigned to);
/* One sample into S, whose shard is locked: appended, journaled, counted. */
int mw_appender_put(mw_appender *a, mw_shard *sh, uint32_t slot, mw_stream *s, int64_t t, double v);
/* S, new or seen for the first time in this generation, into the definitions.  Under its shard. */
void mw_define(mw_tsdb *db, uint32_t id, mw_stream *s);
void mw_define_exemplar(mw_tsdb *db, const mw_labels *series, const mw_exemplar *e);
void mw_define_metadata(mw_tsdb *db, const mw_metadata *m);
int mw_write_defs(mw_tsdb *db, mw_err *err);
void mw_forget_defs(mw_tsdb *db); /* alone */
/* A frame that stands for itself, behind the definitions. */
int mw_write_frame(mw_tsdb *db, mw_str frame, mw_err *err);

/* -- after a restart ----------------------------------------------------------------------- */

/* What the journal has from the manifest's segment on, into memory (replay.c). */
int mw_replay(mw_tsdb *db, mw_err *err);

/* -- keeping house -------------------------------------------------------------------------- */

int64_t mw_tsdb_floor(const mw_tsdb *db); /* oldest time that is still taken */
/* For a new series; sheds old chunks first.  MW_ELIMIT: there is none; MW_EBUSY: there will be. */
int mw_tsdb_room(mw_tsdb *db);
/* Series that LEAVES picks leave memory and the index; no shard's lock is held. */
void mw_tsdb_sweep(mw_tsdb *db, mw_shard_leaves *leaves, void *arg);
void mw_tsdb_source_init(mw_source *source);
void mw_tsdb_places(mw_source *self, int64_t min_t, int64_t max_t, mw_places *out); /* tsdb.c */

/* All under the house lock. */
int mw_seal(mw_tsdb *db, mw_err *err);
void mw_drop_sealed(mw_tsdb *db); /* when no reader needs it any more; otherwise later */
int mw_compact_some(mw_tsdb *db, mw_err *err);
void mw_scrub(mw_tsdb *db);
void mw_retain_blocks(mw_tsdb *db); /* what is too old or too much leaves */
/* Block ID takes the place of those in LEAVE, in the manifest and for readers; B may be NULL. */
int mw_swap_blocks(mw_tsdb *db, const uint64_t *leave, size_t n, const mw_live *come, mw_err *err);
int mw_delete_from_head(mw_tsdb *db, const mw_select *sel, mw_err *err);
int mw_delete_from_blocks(mw_tsdb *db, const mw_select *sel, mw_err *err);

/* Exemplars and metadata as a file, written with each seal (notes.c). */
int mw_save_notes(mw_tsdb *db, mw_err *err);
void mw_load_notes(mw_tsdb *db);

#endif
