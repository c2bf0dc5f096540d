/* result.h - what every ingest path shares: limits in force, and counting with the first reason.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_RESULT_H
#define MW_INGEST_RESULT_H
#include "ingest/ingest.h"

mw_ingest_limits mw_ingest_limits_of(const mw_ingest *in); /* defaults filled in */

/* MW_ELIMIT when a series with N labels has too many, or when L is too long; ERR says so in words
 * that follow "has". */
int mw_ingest_count_fits(const mw_ingest_limits *limits, size_t n, mw_err *err);
int mw_ingest_label_fits(const mw_ingest_limits *limits, const mw_label *l, mw_err *err);

/* How many bytes of S a message shows: whole characters, as far as there is room. */
int mw_ingest_shown(mw_str s);

/* An arena for one body of N bytes: what is built from a body stays in proportion to it. */
mw_arena *mw_ingest_arena(size_t n);
int mw_ingest_arena_full(mw_err *err); /* MW_ETOOBIG, saying so */

/* R through PIPES into the store, counted; what a pipeline drops counts as accepted, for it is not
 * to be sent again.  A has room for what pipelines make of it. */
void mw_result_log(mw_ingest *in, const mw_pipes *pipes, mw_log_record *r, mw_arena *a,
                   mw_ingest_result *result);
void mw_result_span(mw_ingest *in, const mw_pipes *pipes, mw_span *s, mw_arena *a,
                    mw_ingest_result *result);

void mw_result_reject(mw_ingest_result *r, uint64_t n, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* CODE is the store's answer for one sample of LS at T. */
void mw_result_sample(mw_ingest_result *r, int code, const mw_labels *ls, int64_t t);
void mw_result_histogram(mw_ingest_result *r, int code, const mw_labels *ls, int64_t t);
void mw_result_exemplar(mw_ingest_result *r, int code);
/* One sample of LS at T is rejected for a reason of our own. */
void mw_result_labelled(mw_ingest_result *r, int code, const mw_labels *ls, int64_t t,
                        const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void mw_result_lost(mw_ingest_result *r); /* the commit failed: nothing was accepted */

/* Labels of an exemplar in A; NULL when they are wrong, or longer than an exemplar's may be. */
const mw_labels *mw_ingest_exemplar_labels(mw_arena *a, const mw_label *l, size_t n);

/* Room for one more element of SIZE bytes at the end of the array *ITEMS of *N: zeroed, counted,
 * or NULL when the arena is full.  Arrays grow by doubling and need no capacity of their own. */
void *mw_push_in(mw_arena *a, void *items, size_t *n, size_t size);

#endif
