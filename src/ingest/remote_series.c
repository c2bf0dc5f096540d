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

/* False after telling WHY when a label is wrong. */
static bool label_right(const mw_remote *w, const mw_label *l, mw_err *why)
{
    const char *wrong = NULL;
    if (!l->name.n) wrong = "a label without a name";
    if (!mw_utf8_valid(l->name) || !mw_utf8_valid(l->value)) wrong = "a label that is not UTF-8";
    if (wrong) return mw_fail(why, MW_EARG, 0, 0, "%s", wrong), false;
    if (l->name.n <= w->limits.label_bytes && l->value.n <= w->limits.label_bytes) return true;
    mw_fail(why, MW_EARG, 0, 0, "a label longer than allowed (%zu bytes): \"%.*s\"",
            w->limits.label_bytes, l->name.n < 60 ? (int)l->name.n : 60, l->name.p);
    return false;
}

static void keep_label(mw_remote *w, const mw_label *l, size_t *n, mw_err *why)
{
    if (why->code) return;
    if (*n == w->limits.labels)
        mw_fail(why, MW_EARG, 0, 0, "more labels than allowed (%zu)", w->limits.labels);
    else if (label_right(w, l, why))
        w->labels[(*n)++] = *l;
}

/* All of LABELS are read, so that damage is found; what is wrong first is told. */
static int read_labels(mw_remote *w, mw_str labels, size_t *n, mw_err *why)
{
    mw_pb r = {.p = labels.p, .end = labels.p + labels.n, .origin = w->origin};
    mw_pb_field f;
    bool named = false;
    int more;
    *n = 0;
    while ((more = mw_remote_next(&r, &f, w->err)) == 1) {
        mw_label l;
        if (f.wire != MW_PB_BYTES || f.number != 1) continue;
        int code = mw_remote_label(w, &r, f.bytes, &l);
        if (code) return code;
        named |= mw_str_is(l.name, MW_METRIC_NAME) && l.value.n;
        keep_label(w, &l, n, why);
    }
    if (!more && !named) mw_fail(why, MW_EARG, 0, 0, "no " MW_METRIC_NAME);
    return more;
}

int mw_remote_identity(mw_remote *w, mw_str labels, const mw_labels **out, mw_err *why)
{
    size_t n;
    mw_arena_reset(w->arena);
    *out = NULL;
    int code = read_labels(w, labels, &n, why);
    if (code || why->code) return code ? code : MW_EARG;
    *out = mw_labels_new_in(w->arena, w->labels, n, why);
    if (*out) return MW_OK;
    return why->code == MW_EARG ? MW_EARG : mw_ingest_arena_full(w->err);
}
