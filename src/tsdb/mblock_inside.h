/* mblock_inside.h - the sections of a block of metrics, and a block while it is read.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_MBLOCK_INSIDE_H
#define MW_TSDB_MBLOCK_INSIDE_H
#include <pthread.h>

#include "store/le.h"
#include "tsdb/mblock.h"
#include "tsdb/mblock_figures.h"

enum {
    MW_MB_SAMPLES = 1,
    MW_MB_META,
    MW_MB_NAMES,
    MW_MB_VALUES,
    MW_MB_VALUE_INDEX,
    MW_MB_SHAPES,
    MW_MB_LEAD,
    MW_MB_SERIES,
    MW_MB_SERIES_INDEX,
    MW_MB_FIGURES,
    MW_MB_FIGURE_INDEX,
    MW_MB_KEYS,
    MW_MB_SECTIONS
};

enum {
    MW_MB_VERSION = 1,
    MW_MB_GROUP = 8,        /* series behind one offset; */
    MW_MB_FIGURE_GROUP = 8, /* their figures */
    MW_MB_META_BYTES = 48,
    MW_MB_KEY_BYTES = 12
};

/* -- reading -------------------------------------------------------------------------------- */

typedef struct mw_mb_name {
    mw_str text;
    uint32_t first, n; /* its values in the table of all values */
} mw_mb_name;

typedef struct mw_mb_column {
    uint32_t name;
    int32_t follower; /* column of the leader's rows, or -1: the series says its value itself */
} mw_mb_column;

typedef struct mw_mb_shape {
    uint32_t first, n; /* its columns */
    uint32_t said;     /* how many values a series of this shape says itself */
    uint32_t leader;   /* which column leads the others, when said < n */
} mw_mb_shape;

typedef struct mw_mb_follower {
    uint32_t name, at, width; /* bytes in a row */
} mw_mb_follower;

typedef struct mw_mb_finder mw_mb_finder;
void mw_mb_finder_free(mw_mb_finder *f); /* NULL is fine */

struct mw_mblock {
    int refs;
    mw_block *file;
    mw_mblock_meta meta;
    mw_mb_usual usual;
    uint32_t series;
    mw_str section[MW_MB_SECTIONS];
    mw_mb_name *names;
    uint32_t n_names, n_values;
    mw_mb_shape *shapes;
    uint32_t n_shapes, widest; /* columns of the widest shape */
    mw_mb_column *columns;
    uint32_t leader; /* name, or UINT32_MAX */
    mw_mb_follower *followers;
    uint32_t n_followers, row_bytes;
    const uint8_t *rows;
    pthread_mutex_t lock; /* for making the finder */
    mw_mb_finder *finder;
};

int mw_mb_damaged(const mw_mblock *b, mw_err *err, const char *what); /* MW_ECORRUPT */

/* Fills the tables of B from its sections; MW_ECORRUPT. */
int mw_mb_parse(mw_mblock *b, mw_err *err);
void mw_mb_unparse(mw_mblock *b);

/* Value I of NAME: its text and the list of its series.  False: damaged. */
bool mw_mb_value(const mw_mblock *b, const mw_mb_name *name, uint32_t i, mw_str *text,
                 mw_str *list);
const mw_mb_name *mw_mb_name_find(const mw_mblock *b, mw_str text); /* or NULL */
/* What value number I of NAME is: MW_OK, MW_ENOENT, MW_ECORRUPT. */
int mw_mb_value_find(const mw_mblock *b, const mw_mb_name *name, mw_str text, uint32_t *i);

/* Series one after the other: cheap when ascending and near. */
typedef struct mw_mb_walk {
    const mw_mblock *b;
    const uint8_t *p, *end;
    uint32_t next; /* series at P */
} mw_mb_walk;
void mw_mb_walk_start(mw_mb_walk *w, const mw_mblock *b);
/* The shape of SERIES and the value of each of its columns, into VALUE which has room for
 * b->widest.  NULL: damaged. */
const mw_mb_shape *mw_mb_walk_read(mw_mb_walk *w, uint32_t series, uint32_t *value);

#endif
