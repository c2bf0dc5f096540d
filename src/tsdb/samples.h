/* samples.h - the samples of one series gathered from several places, put in order.
 *
 * Floats and histograms stand in one row; bytes of histograms are borrowed from where they came.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TSDB_SAMPLES_H
#define MW_TSDB_SAMPLES_H
#include <stdbool.h>

#include "base/str.h"
#include "model/sample.h"

typedef struct mw_samples {
    int64_t *t;
    double *v;
    mw_str *h; /* NULL: no histogram so far; otherwise h[i].p is NULL for a float */
    size_t n, cap, cap_h;
} mw_samples;

void mw_samples_deinit(mw_samples *s);
void mw_samples_reset(mw_samples *s); /* empty, memory kept, no histogram */
/* Room for N more behind those that are there. */
void mw_samples_room(mw_samples *s, size_t n);
void mw_samples_add(mw_samples *s, int64_t t, double v);
void mw_samples_add_histogram(mw_samples *s, int64_t t, mw_str bytes);
/* N samples were written behind the others by hand (t and v). */
void mw_samples_took(mw_samples *s, size_t n);

/* By time, each time once: of several the first added stays. */
void mw_samples_order(mw_samples *s);
bool mw_samples_ordered(const mw_samples *s); /* strictly ascending already */
/* Without those before FLOOR, or those from FROM to TO - 1; S is ordered. */
void mw_samples_cut_before(mw_samples *s, int64_t floor);
void mw_samples_remove(mw_samples *s, size_t from, size_t to);
/* First sample at or after T. */
size_t mw_samples_seek(const mw_samples *s, int64_t t);

#endif
