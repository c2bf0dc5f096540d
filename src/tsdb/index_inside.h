/* index_inside.h - the structures of the index, shared by its files only.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_INDEX_INSIDE_H
#define MW_TSDB_INDEX_INSIDE_H
#include <pthread.h>

#include "tsdb/index.h"

typedef struct name_entry name_entry;

struct mw_pair {
    mw_pair *next;
    name_entry *name;
    mw_postings ids;
    uint32_t hash, at; /* at: where name->pairs has it */
    uint32_t number, said;
    uint32_t n;
    char value[];
};

struct name_entry {
    name_entry *next;
    mw_pair **pairs;
    size_t n, cap;
    uint32_t hash, len;
    char text[];
};

enum { MW_PAIR_PAGE = 64, MW_PAIR_PAGES = 26 }; /* page k has 64 << k pairs */

/* Writers wait for each other at `writers`, whose waiting is short and awake; only then they take
 * the lock that readers share. */
struct mw_index {
    pthread_mutex_t writers;
    pthread_rwlock_t lock;
    mw_pair **dirty; /* with unsorted postings */
    size_t n_dirty, cap_dirty;
    mw_pair **pairs;
    name_entry **names;
    size_t n_pairs, pair_heads, n_names, name_heads; /* heads: powers of two */
    mw_pair **page[MW_PAIR_PAGES];                   /* pairs by number; a page never moves */
    uint32_t numbers, *free_numbers;                 /* numbers ever used */
    size_t n_free, cap_free;
    mw_postings all;
    uint64_t births, bytes;
};

void mw_index_read_lock(mw_index *ix); /* shared, with all postings sorted */
name_entry *mw_index_find_name(const mw_index *ix, mw_str name);
mw_pair *mw_index_find_pair(const mw_index *ix, const name_entry *e, mw_str value);

#endif
