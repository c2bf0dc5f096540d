/* promtext_line.h - the syntax of one line of a text exposition.
 *
 * A line is KEY VALUE [TIME] [# exemplar], where KEY is the metric name with its label block,
 * exactly as it stands there.  Functions that find something wrong answer NULL and point *WRONG at
 * a constant text.
 * SPDX-License-Identifier: MIT */
#ifndef MW_INGEST_PROMTEXT_LINE_H
#define MW_INGEST_PROMTEXT_LINE_H
#include "base/arena.h"
#include "base/err.h"
#include "model/labels.h"

/* Where the key that begins at P ends. */
const char *mw_promline_key_end(const char *p, const char *end, const char **wrong);

typedef struct mw_promline_value {
    double v;
    bool has_time;
    int64_t t;       /* milliseconds, with has_time */
    mw_str exemplar; /* what stands behind a #, when something does */
} mw_promline_value;

/* What stands behind a key, up to the newline or END; answers the start of the next line.
 * SECONDS: times are seconds with a fraction (OpenMetrics), not milliseconds. */
const char *mw_promline_value_read(const char *p, const char *end, bool seconds,
                                   mw_promline_value *out, const char **wrong);

/* The labels of KEY in the order of the text, the metric name among them as __name__.  Text that
 * needs no unescaping is borrowed from KEY.  MW_EPARSE, or MW_ELIMIT when the arena is full. */
int mw_promline_labels(mw_str key, mw_arena *a, mw_label **out, size_t *n, mw_err *err);

/* {labels} value [seconds], as it stands behind the # of a sample.  False when it is wrong. */
bool mw_promline_exemplar(mw_str text, mw_arena *a, mw_label **out, size_t *n,
                          mw_promline_value *value);

#endif
