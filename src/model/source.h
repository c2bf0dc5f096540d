/* source.h - where a query gets its series from: a store, a peer, a test.
 *
 * Any thread may call select at any time; the set it gives belongs to the calling thread.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_SOURCE_H
#define MW_MODEL_SOURCE_H
#include "model/labels.h"
#include "model/matcher.h"
#include "model/nhist.h"
#include "model/sample.h"

/* One series with all of its samples in the asked range, in order of time, stale markers included.
 * labels live until the set is closed or as mw_select.arena says; t, v and h until the next call of
 * next. */
typedef struct mw_series_view {
    const mw_labels *labels; /* as the selection wants them; NULL when it asks for them later */
    size_t n;
    const int64_t *t;
    const double *v;          /* the sum where the sample is a histogram */
    const mw_nhist *const *h; /* NULL: no histogram among them; h[i] NULL: sample i is a float */
    size_t left_out; /* samples in the range that are not given, as mw_digest allows; 0 with h */
} mw_series_view;

/* What is done with the samples of a series, all of them in one go: those that do not matter for it
 * may be left out, so that a store need not read what it has figures of. */
typedef enum mw_digest {
    MW_DIGEST_NONE,
    MW_DIGEST_LEAST, /* the smallest value matters: others than it, and their times, may be anything
                      */
    MW_DIGEST_LARGEST,  /* likewise the largest */
    MW_DIGEST_NUMBER,   /* how many there are, stale markers not counted */
    MW_DIGEST_INCREASE, /* first, last and falls between neighbours, and how many there are */
    MW_DIGEST_CHANGE    /* first and last, and how many there are */
} mw_digest;

typedef struct mw_series_set mw_series_set;
struct mw_series_set {
    /* 1: *OUT is filled.  0: no more.  Negative: failed, ERR says why. */
    int (*next)(mw_series_set *set, mw_series_view *out, mw_err *err);
    void (*close)(mw_series_set *set); /* frees SET */
    /* Full labels of the series that next gave last, with mw_select.later; NULL when it is gone. */
    const mw_labels *(*labels)(mw_series_set *set);
    /* For reading by several threads, before the first next: piece I of N of the series, a set of
     * its own that makes labels in ARENA and is closed before SET; SET itself gives none any more.
     * NULL: cannot. */
    mw_series_set *(*piece)(mw_series_set *set, size_t i, size_t n, mw_arena *arena);
    size_t at_most; /* series that it may give; 0: not known */
};

/* Which labels of a series are wanted: those named, or all but those. */
typedef struct mw_keep {
    const mw_str *names;
    size_t n;
    bool without;
} mw_keep;

typedef struct mw_select {
    const mw_matcher *matchers;
    size_t n;
    int64_t min_t, max_t; /* milliseconds, both inclusive */
    bool labels_only;     /* samples are not wanted: n = 0 in every view */
    mw_digest digest;
    bool sorted;                /* series come in the order of mw_labels_cmp */
    bool newest;                /* only the newest sample or marker of each series is wanted */
    bool later;                 /* labels are NULL until they are asked for */
    mw_arena *arena;            /* not NULL: labels are made here and live as long as it */
    const mw_keep *keep;        /* not NULL: only these labels; a hint that a source may ignore.
                                   Equal sets of a set are then mostly one pointer.  Borrowed
                                   until the set is closed. */
    const volatile int *cancel; /* not NULL: give up with MW_ECANCEL when it becomes non-zero */
} mw_select;

typedef int mw_name_visit(void *arg, mw_str name); /* non-zero stops */

/* Where the samples of a range lie. */
typedef struct mw_places {
    size_t blocks; /* that have samples of that time */
    bool memory;   /* likewise */
} mw_places;

typedef struct mw_source mw_source;
struct mw_source {
    /* Series with at least one sample or marker in the range; in no order unless asked. */
    int (*select)(mw_source *self, const mw_select *sel, mw_series_set **out, mw_err *err);
    /* Names of labels, or values of label NAME, over the series that SEL matches (all when it has
     * no matchers); each once, no order promised. */
    int (*label_names)(mw_source *self, const mw_select *sel, mw_name_visit *visit, void *arg,
                       mw_err *err);
    int (*label_values)(mw_source *self, const char *name, const mw_select *sel,
                        mw_name_visit *visit, void *arg, mw_err *err);
    /* Does any series have a label of this NAME?  NULL, or true, when that is not known. */
    bool (*has_label)(mw_source *self, mw_str name);
    /* For whoever wants a query explained; NULL: not known. */
    void (*places)(mw_source *self, int64_t min_t, int64_t max_t, mw_places *out);
};

#endif
