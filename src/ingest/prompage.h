/* prompage.h - what the files of the text exposition share: one target and its pages.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_PROMPAGE_H
#define MW_INGEST_PROMPAGE_H
#include "ingest/promtext_cache.h"
#include "ingest/result.h"

typedef struct mw_promrow { /* a sample of a page */
    uint32_t series;        /* index into the cache */
    bool own_time;
    double v;
    int64_t t;
} mw_promrow;

typedef struct mw_promrows {
    mw_promrow *row;
    size_t n, cap;
} mw_promrows;

typedef struct mw_promcomments {
    uint64_t *hash; /* of each comment line, in order */
    size_t n, cap;
} mw_promcomments;

typedef struct mw_promexemplar {
    size_t row;
    mw_str text; /* of the page, behind the # */
} mw_promexemplar;

struct mw_promtext {
    mw_ingest *in;
    mw_labels *extra;
    bool honor_labels;
    bool no_times, track_times; /* see mw_promtext_times */
    mw_page_kind kind;          /* as its Content-Type says */
    bool pushed;                /* once, by somebody who knows the times */
    mw_ingest_limits limits;
    size_t label_limit, value_limit; /* of this target; 0: none */
    bool limits_new;                 /* series of earlier pages were not held against them */
    mw_series_judge *judge;          /* NULL: all are kept */
    void *judge_arg;
    uint64_t judge_rule;
    size_t waiting; /* series of this page that the judge does not know yet */
    size_t dropped; /* samples of this page that are not to be stored */
    mw_promcache cache;
    uint32_t *last; /* the series of the newest good page, in its order */
    size_t n_last, last_cap;
    mw_promrows now;       /* while a page is looked at */
    mw_appender *appender; /* so, too */
    mw_promcomments last_comments, comments;
    mw_str *told; /* comment lines of this page that the last one did not have at their place */
    size_t n_told, told_cap;
    mw_promexemplar *exemplars;
    size_t n_exemplars, exemplars_cap;
    uint32_t page;  /* number of the page being read */
    size_t fresh;   /* series of the last good page that the one before did not have */
    mw_arena *work; /* for labels */
};

/* All of PAGE into now, comments, told and exemplars; nothing is stored (prompage.c). */
int mw_prompage_read(mw_promtext *p, mw_str page, int64_t t, size_t sample_limit, mw_err *err);

/* MW_ELIMIT: LS has more labels, or longer values, than this target may (promseries.c). */
int mw_promseries_check(const mw_promtext *p, const mw_labels *ls, mw_err *err);

/* What the store knows S by, in the work arena; NULL when that is full (promseries.c). */
mw_labels *mw_promseries_labels(mw_promtext *p, const mw_promseries *s);

/* A series of the cache for KEY, which is none yet (promseries.c). */
int mw_promseries_new(mw_promtext *p, mw_str key, uint64_t hash, uint32_t *out, mw_err *err);

/* LINE is a comment, from its #; what it tells of a metric goes to the store (promcomment.c). */
void mw_promcomment_note(mw_promtext *p, mw_str line);
void mw_promcomment_tell(mw_promtext *p);

#endif
