/* remote_extra.c - exemplars and metadata, told alike by both versions of remote write.
 *
 * A sender never loses samples for them: an exemplar that is refused is counted and no more, and
 * metadata that cannot be kept is passed over.  SPDX-License-Identifier: MIT */
#include "ingest/remote.h"

/* -- exemplars ------------------------------------------------------------------------------ */

void mw_remote_exemplar(mw_remote *w, const mw_labels *ls, size_t n, double v, int64_t t)
{
    const mw_labels *own = NULL;
    mw_arena_reset(w->values);
    if (n <= w->limits.labels) own = mw_ingest_exemplar_labels(w->values, w->labels, n);
    int code = MW_ELIMIT;
    if (own)
        code = mw_appender_add_exemplar(w->appender, ls,
                                        &(mw_exemplar){.labels = own, .v = v, .t = t});
    mw_result_exemplar(w->result, code);
}

/* -- metadata ------------------------------------------------------------------------------- */

static const char *const types[] = {"unknown",        "counter", "gauge", "histogram",
                                    "gaugehistogram", "summary", "info",  "stateset"};
enum { TYPES = sizeof types / sizeof *types };

static mw_str usable(const mw_remote *w, mw_str text)
{
    return text.n <= w->limits.label_bytes && mw_utf8_valid(text) ? text : (mw_str){"", 0};
}

void mw_remote_metadata(mw_remote *w, mw_str name, uint64_t type, mw_str help, mw_str unit)
{
    name = usable(w, name);
    if (!name.n) return;
    mw_appender_set_metadata(w->appender, name, mw_str_of(type < TYPES ? types[type] : ""),
                             usable(w, help), usable(w, unit));
}
