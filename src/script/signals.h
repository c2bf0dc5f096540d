/* signals.h - questions to the stores, in plain values: what host.* and ctx share; queries are in
 * asks.h.
 *
 * Nothing here touches Lua, so no Lua error can cross a store's lock.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_SIGNALS_H
#define MW_SCRIPT_SIGNALS_H
#include "script/host.h"
#include "traces/traces.h"

int64_t mw_ms_of(double seconds); /* milliseconds, rounded; saturates; NaN is 0 */

/* Labels as a map; NULL is an empty one. */
mw_value *mw_labels_value(const mw_labels *ls);

/* Pairs out of a map of texts, pointing into it.  The number, or -1 with ERR when a value is no
 * text (numbers are written into HOLD). */
typedef struct mw_pairs {
    mw_label *pair;
    size_t n;
    mw_buf hold;
} mw_pairs;
int mw_pairs_init(mw_pairs *p, const mw_value *map, mw_err *err);
void mw_pairs_deinit(mw_pairs *p);

/* Q: {selector=, contains=, regex=, level=, from=, to=, limit=, trace=, fields={}} and
 * {service=, name=, min=, max=, tags=, from=, to=, limit=, errors=, slowest=}.
 * Lists of maps as in docs/host.md, at most MAX rows; NULL with ERR. */
mw_value *mw_signal_logs(mw_host *h, const mw_value *q, size_t max, mw_err *err);
int mw_signal_logs_count(mw_host *h, const mw_value *q, uint64_t *out, mw_err *err);
mw_value *mw_signal_traces(mw_host *h, const mw_value *q, size_t max, mw_err *err);

/* Q: {service=, from=, to=, step=}: what services did, see traces/traces.h. */
mw_value *mw_signal_rates(mw_host *h, const mw_value *q, mw_err *err);

/* Q: {service=, name=, tags=, from=, to= (of the ends of spans), under= (seconds), errors=}; with
 * errors and those that take longer than under are bad. */
int mw_signal_spans_count(mw_host *h, const mw_value *q, mw_span_count *out, mw_err *err);

/* The instrument that HOW (as below) records with, made when it is new. */
int mw_signal_instrument(mw_host *h, const char *how, const char *name, const mw_value *labels,
                         const char *help, mw_series **s, mw_err *err);

/* Records one measurement: HOW is "add", "set" or "observe"; HELP may be NULL. */
int mw_signal_metric(mw_host *h, const char *how, const char *name, const mw_value *labels,
                     double value, const char *help, mw_err *err);

#endif
