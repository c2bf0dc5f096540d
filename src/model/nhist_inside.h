/* nhist_inside.h - what the files that compute with native histograms share.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_NHIST_INSIDE_H
#define MW_MODEL_NHIST_INSIDE_H
#include "model/nhist_math.h"

/* A number and what its rounding lost so far. */
typedef struct mw_ncount {
    double v, c;
} mw_ncount;
void mw_ncount_add(mw_ncount *n, double v); /* Neumaier 1974 */

/* One side of a histogram at work: its buckets in the order of their index. */
typedef struct mw_nside {
    int64_t *index;
    mw_ncount *count;
    size_t n, cap;
} mw_nside;

struct mw_nwork {
    mw_arena *arena;
    bool spoilt; /* the arena was full */
    bool exact;  /* what rounding loses is kept */
    int schema;
    mw_reset_hint hint;
    double zero_threshold;
    mw_ncount zero, count, sum;
    mw_nside pos, neg, spare;
    const double *custom;
    uint32_t n_custom;
    const double *kept; /* bounds in the arena of the last result */
    uint32_t n_kept;
    mw_arena *kept_in;
};

/* The buckets of one side, away from zero, at a resolution 2^-SHIFT times their own. */
typedef struct mw_nwalk {
    const mw_hside *spans; /* or NULL: */
    const mw_nside *side;
    int shift;
    uint32_t span, in_span;
    size_t at;
    int64_t raw;
    bool ahead; /* a bucket was read, but belongs to the next one */
    int64_t ahead_index;
    mw_ncount ahead_count;
    int64_t index; /* where it is */
    mw_ncount count;
} mw_nwalk;
mw_nwalk mw_nwalk_spans(const mw_hside *s, int shift);
mw_nwalk mw_nwalk_side(const mw_nside *s);
bool mw_nwalk_next(mw_nwalk *w);

/* Observations in the zero bucket if its threshold was *THRESHOLD, which grows until it cuts no
 * filled bucket in two.  Of a histogram with SCHEMA, the zero count ZERO and these sides. */
mw_ncount mw_nzero_within(int schema, mw_ncount zero, mw_nwalk pos, mw_nwalk neg,
                          double *threshold);
double mw_nbound(int schema, int64_t index); /* of exponential buckets */
int64_t mw_nindex_coarser(int64_t index, int shift);

bool mw_nside_room(mw_nwork *w, mw_nside *s, size_t n); /* for N buckets; the old are kept */

#endif
