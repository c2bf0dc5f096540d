/* tracectx.h - W3C trace context: traceparent and tracestate headers, read and written.
 *
 * Source: https://www.w3.org/TR/trace-context/ (level 2).
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_TRACECTX_H
#define MW_MODEL_TRACECTX_H
#include "base/buf.h"

typedef struct mw_tracectx {
    uint8_t trace_id[16], span_id[8];
    uint8_t flags;        /* bit 0 sampled, bit 1 random */
    char state[32 * 514]; /* tracestate as it is passed on; empty when absent or invalid */
} mw_tracectx;

enum { MW_TRACE_SAMPLED = 1, MW_TRACE_RANDOM = 2, MW_TRACEPARENT_BYTES = 56 };

/* One traceparent header.  False when it is not valid: start a new trace. */
bool mw_traceparent_parse(mw_str header, mw_tracectx *out);
/* One tracestate header after another, in order.  A wrong member or a 33rd drops the whole state.
 */
void mw_tracestate_add(mw_tracectx *ctx, mw_str header);
/* "00-<trace>-<span>-<flags>" and NUL. */
void mw_traceparent_format(const mw_tracectx *ctx, char out[MW_TRACEPARENT_BYTES]);
void mw_trace_id_new(uint8_t id[16]); /* random, never all zero */
void mw_span_id_new(uint8_t id[8]);

#endif
