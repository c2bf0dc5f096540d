/* stream.h - one stream's records, and the store that holds the streams; for logs/ only.
 *
 * Records and streams are counted references: a search keeps what it found while the store forgets.
 * SPDX-License-Identifier: MIT */
#ifndef MW_LOGS_STREAM_H
#define MW_LOGS_STREAM_H
#include <pthread.h>

#include "logs/logs.h"

/* -- records -------------------------------------------------------------------------------- */

/* Records are ordered by time, those of one time by arrival. */
typedef struct record_key {
    int64_t t_ns;
    uint64_t seq;
} record_key;

int record_key_cmp(record_key a, record_key b);

typedef struct record {
    mw_log_record r; /* r.stream is the labels of the stream */
    uint64_t seq;
    size_t bytes; /* of the whole block */
    unsigned refs;
} record;

record *record_new(const mw_log_record *r, const mw_labels *stream, uint64_t seq, size_t max_line);
void record_retain(record *r);
void record_release(record *r);
record_key record_key_of(const record *r);

/* -- streams -------------------------------------------------------------------------------- */

enum { BLOCK_RECORDS = 256 };

typedef struct block {
    unsigned n;
    record *rec[BLOCK_RECORDS];
} block;

typedef struct stream {
    mw_labels *labels;
    size_t bytes;
    block **blocks; /* in order; none is empty */
    size_t n_blocks, cap_blocks;
    size_t n_records;
    size_t heap_at;  /* place in the store's heap */
    size_t by_class; /* how long its records are kept; n_classes: as the general retention says */
    struct stream *next_in_bucket;
    unsigned refs;
} stream;

stream *stream_new(const mw_labels *labels);
void stream_retain(stream *s);
void stream_release(stream *s);
void stream_insert(stream *s, record *take);
record *stream_oldest(const stream *s); /* the stream is not empty */
record *stream_newest(const stream *s);
record *stream_shift(stream *s); /* takes the oldest out; the caller owns it */

/* The nearest record after KEY, or before it; NULL when there is none. */
record *stream_after(const stream *s, record_key key);
record *stream_before(const stream *s, record_key key);

/* -- the store ------------------------------------------------------------------------------ */

struct mw_logs {
    mw_logs_options o;
    pthread_rwlock_t lock; /* over everything below */
    stream **buckets;      /* by hash of the labels */
    size_t n_buckets;      /* a power of two */
    stream **heap;         /* by oldest record, oldest first */
    size_t n_streams, cap_heap;
    uint64_t seq;
    mw_logs_stats stats;
    mw_hours late;
    mw_logs_dropped *dropped; /* n_classes + 2 rows, see mw_logs_dropped_take */
};

/* The oldest record of S leaves; ROW says why, as in mw_logs_dropped_take.  The lock is held; S may
 * be gone with it. */
void logs_drop_oldest(mw_logs *l, stream *s, size_t row);

/* -- expire.c ------------------------------------------------------------------------------- */

size_t logs_class_of(const mw_logs *l, const mw_labels *labels);
int64_t logs_floor(const mw_logs *l, size_t by_class); /* the oldest time that is kept, ns */

#endif
