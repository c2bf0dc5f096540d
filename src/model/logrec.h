/* logrec.h - one log record, as everybody above the store sees it.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_LOGREC_H
#define MW_MODEL_LOGREC_H
#include "base/log.h"
#include "model/attr.h"
#include "model/labels.h"

typedef struct mw_log_record {
    int64_t t_ns; /* unix time, nanoseconds */
    mw_level level;
    const mw_labels *stream; /* who says it: service, job, host, ... */
    mw_str message;
    const mw_attr *fields;
    size_t n_fields;
    bool has_trace, has_span;
    uint8_t trace_id[16], span_id[8];
} mw_log_record;

void mw_log_record_json(const mw_log_record *r, mw_buf *out); /* one JSON object, no newline */

#endif
