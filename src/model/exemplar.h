/* exemplar.h - one example of a sample: usually the trace behind it.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_EXEMPLAR_H
#define MW_MODEL_EXEMPLAR_H
#include "model/labels.h"

enum { MW_EXEMPLAR_RUNES = 128 }; /* of all label names and values together, as OpenMetrics says */

typedef struct mw_exemplar {
    const mw_labels *labels; /* trace_id=... */
    double v;
    int64_t t; /* milliseconds */
} mw_exemplar;

#endif
