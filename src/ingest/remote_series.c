/* remote_series.c - labels of a series as remote write 1.0 has them, taken apart and checked.
 *
 *     Label { string name = 1; string value = 2 }
 *
 * This runs once in the life of a series: afterwards the store knows its bytes.
 * SPDX-License-Identifier: MIT */
#include "ingest/remote.h"

int mw_remote_label(mw_remote *w, const mw_pb *outer, mw_str bytes, mw_label *out)
{
    mw_pb r;
    mw_pb_field f;
    int more;
    mw_pb_enter(&r, outer, bytes);
    *out = (mw_label){{"", 0}, {"", 0}};
    while ((more = mw_remote_next(&r, &f, w->err)) == 1) {
        if (f.wire != MW_PB_BYTES) continue;
        if (f.number == 1) out->name = f.bytes;
        if (f.number == 2) out->value = f.bytes;
    }
    return more;
}

/* NULL when a label is right, otherwise what is wrong with it. */
static const char *label_wrong(const mw_remote *w, const mw_label *l)
{
    if (!l->name.n) return "a label without a name";
    if (!mw_utf8_valid(l->name) || !mw_utf8_valid(l->value)) return "a label that is not UTF-8";
    if (l->name.n > w->limits.label_bytes || l->value.n > w->limits.label_bytes)
        return "a label longer than allowed";
    return NULL;
}

/* All of LABELS are read, so that damage is found; what is wrong first counts. */
static int read_labels(mw_remote *w, mw_str labels, size_t *n, const char **wrong)
{
    mw_pb r = {.p = labels.p, .end = labels.p + labels.n, .origin = w->origin};
    mw_pb_field f;
    bool named = false;
    int more;
    *n = 0;
    *wrong = NULL;
    while ((more = mw_remote_next(&r, &f, w->err)) == 1) {
        mw_label l;
        if (f.wire != MW_PB_BYTES || f.number != 1) continue;
        int code = mw_remote_label(w, &r, f.bytes, &l);
        if (code) return code;
        if (*wrong) continue;
        if (*n == w->limits.labels) {
            *wrong = "more labels than allowed";
            continue;
        }
        *wrong = label_wrong(w, &l);
        named |= mw_str_is(l.name, MW_METRIC_NAME) && l.value.n;
        w->labels[(*n)++] = l;
    }
    if (!more && !*wrong && !named) *wrong = "no " MW_METRIC_NAME;
    return more;
}

int mw_remote_identity(mw_remote *w, mw_str labels, const mw_labels **out, mw_err *why)
{
    const char *wrong;
    size_t n;
    mw_arena_reset(w->arena);
    *out = NULL;
    int code = read_labels(w, labels, &n, &wrong);
    if (code) return code;
    if (wrong) return mw_fail(why, MW_EARG, 0, 0, "%s", wrong);
    *out = mw_labels_new_in(w->arena, w->labels, n, why);
    if (*out) return MW_OK;
    return why->code == MW_EARG ? MW_EARG : mw_ingest_arena_full(w->err);
}
