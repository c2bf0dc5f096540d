/* store.h - the inside of mw_tsdb, shared by the files of this folder only.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_STORE_H
#define MW_TSDB_STORE_H
#include "tsdb/shard.h"

struct mw_tsdb {
    mw_source source; /* first: a source is the store seen from below */
    mw_tsdb_options opt;
    mw_index *index;
    mw_shard *shards;
    unsigned n_shards, shift; /* n_shards = 1 << shift */
    pthread_mutex_t house;    /* one housekeeper at a time; taken before any shard's lock */
    /* Any thread, atomics. */
    uint64_t series, births, too_old, refused_series;
    int full; /* the last shedding could not come below the budget */
};

int64_t mw_tsdb_floor(const mw_tsdb *db); /* oldest time that is still taken */
uint64_t mw_tsdb_weigh(mw_tsdb *db);      /* bytes held now; takes every shard's lock in turn */
bool mw_tsdb_has_room(mw_tsdb *db);       /* for a new series; sheds old chunks first */
void mw_tsdb_source_init(mw_source *source);

#endif
