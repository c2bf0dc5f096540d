/* remote_rows.c - samples of many series go to the store together.
 *
 *     Sample { double value = 1; int64 timestamp = 2 }
 *
 * Rows carry the key of their series.  Those that the store does not know are added by labels in a
 * second round, in the order of the body; all rows of such a series are in that round, so that none
 * overtakes another.  When the bytes of its labels are not the canonical ones, the store is told
 * that they mean the same series.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "ingest/remote.h"

enum { SAMPLES = 2, ROWS = 4096, SCRATCH = 256 << 10 };

/* -- the request ---------------------------------------------------------------------------- */

void mw_remote_open(mw_remote *w, mw_ingest *in, mw_str body, mw_remote_extras *read_extras,
                    mw_ingest_result *result, mw_err *err)
{
    *result = (mw_ingest_result){0};
    *w = (mw_remote){
        .tsdb = in->tsdb,
        .appender = mw_appender_new(in->tsdb),
        .limits = mw_ingest_limits_of(in),
        .result = result,
        .err = err,
        .origin = body.p,
        .read_extras = read_extras,
        .arena = mw_ingest_arena(body.n),
        .values = mw_ingest_arena(body.n),
        .cap = body.n / 16 < ROWS ? body.n / 16 + 1 : ROWS,
    };
    w->labels = mw_alloc((w->limits.labels + 1) * sizeof *w->labels);
    w->rows = mw_alloc(w->cap * sizeof *w->rows);
    w->of = mw_alloc(w->cap * sizeof *w->of);
}

int mw_remote_close(mw_remote *w, int code)
{
    int flushed = mw_remote_flush(w);
    int committed = mw_appender_commit(w->appender, w->err);
    if (committed) mw_result_lost(w->result);
    mw_appender_free(w->appender);
    mw_arena_free(w->arena);
    mw_arena_free(w->values);
    mw_buf_deinit(&w->scratch);
    mw_buf_deinit(&w->canonical);
    mw_free(w->labels);
    mw_free(w->rows);
    mw_free(w->of);
    mw_free(w->extras);
    return code ? code : flushed ? flushed : committed;
}

int mw_remote_scratch(mw_remote *w, size_t n, char **out)
{
    int code = MW_OK;
    if (!w->scratch.cap || n > w->scratch.cap - w->scratch.n) {
        if (w->scratch.n) code = mw_remote_flush(w); /* nothing points into it any more */
        mw_buf_reset(&w->scratch);
        mw_buf_room(&w->scratch, n > SCRATCH ? n : SCRATCH);
    }
    *out = w->scratch.p + w->scratch.n;
    w->scratch.n += n;
    return code;
}

/* -- flushing ------------------------------------------------------------------------------- */

static bool canonical(mw_remote *w, const mw_labels *ls, mw_str raw)
{
    mw_buf_reset(&w->canonical);
    mw_tsdb_canonical(ls, &w->canonical);
    return mw_str_eq(raw, (mw_str){w->canonical.p, w->canonical.n});
}

/* Rows from *AT on belong to a series that the store does not know.  *AT moves behind them. */
static int add_unknown(mw_remote *w, size_t *at)
{
    mw_str raw = w->of[*at];
    mw_key key = w->rows[*at].key;
    const mw_labels *ls;
    uint64_t ref = 0;
    mw_err why;
    mw_err_init(&why);
    int code = mw_remote_identity(w, raw, &ls, &why);
    if (code && code != MW_EARG) return code;
    for (; *at < w->n && w->of[*at].p == raw.p && w->of[*at].n == raw.n; ++*at) {
        const mw_row *row = &w->rows[*at];
        if (row->code != MW_ENOENT) break;
        if (ls)
            mw_result_sample(w->result, mw_appender_add(w->appender, ls, &ref, row->t, row->v), ls,
                             row->t);
        else
            mw_result_reject(w->result, 1, MW_EARG, "a series has %s", why.msg);
    }
    if (ref && !canonical(w, ls, raw)) mw_appender_alias(w->appender, key, ref);
    return MW_OK;
}

/* The store knows the series of row AT and does not take the sample. */
static void refuse(mw_remote *w, size_t at)
{
    const mw_row *row = &w->rows[at];
    const mw_labels *ls = NULL;
    mw_err why;
    mw_err_init(&why);
    if (w->result->first.code == MW_OK) mw_remote_identity(w, w->of[at], &ls, &why);
    if (ls)
        mw_result_sample(w->result, row->code, ls, row->t);
    else
        mw_result_reject(w->result, 1, row->code, "%s", mw_code_text(row->code));
}

static int flush_rows(mw_remote *w)
{
    int code = MW_OK;
    if (w->n) mw_appender_rows(w->appender, w->rows, w->n);
    for (size_t i = 0; i < w->n;) {
        if (w->rows[i].code == MW_OK)
            w->result->accepted++, i++;
        else if (w->rows[i].code != MW_ENOENT)
            refuse(w, i++);
        else if (code)
            i++; /* behind the damage */
        else if ((code = add_unknown(w, &i)))
            i++;
    }
    w->n = 0;
    return code;
}

static int flush_extra(mw_remote *w, const mw_remote_extra *x)
{
    const mw_labels *ls;
    mw_err why;
    mw_err_init(&why);
    int code = mw_remote_identity(w, x->labels, &ls, &why);
    if (code && code != MW_EARG) return code;
    if (ls) return w->read_extras(w, x->series, ls);
    mw_result_reject(w->result, x->histograms, MW_EARG, "a series has %s", why.msg);
    w->result->exemplars_rejected += x->exemplars;
    return MW_OK;
}

int mw_remote_flush(mw_remote *w)
{
    int code = flush_rows(w);
    for (size_t i = 0; i < w->n_extras && !code; i++) code = flush_extra(w, &w->extras[i]);
    w->n_extras = 0;
    return code;
}

/* -- collecting ----------------------------------------------------------------------------- */

static double double_at(const char *p)
{
    uint64_t bits;
    memcpy(&bits, p, sizeof bits);
    return mw_pb_double(le64toh(bits));
}

/* A sample as everybody writes it: both fields, in order.  False sends the caller the long way. */
static bool quick_sample(mw_str b, mw_row *out)
{
    uint64_t t = 0;
    if (b.n < 11 || b.n > 20 || b.p[0] != 0x09 || b.p[9] != 0x10 || b.p[b.n - 1] & 0x80)
        return false;
    for (size_t i = 10, shift = 0; i < b.n; i++, shift += 7) {
        if (i + 1 < b.n && !(b.p[i] & 0x80)) return false;
        if (shift == 63 && b.p[i] > 1) return false;
        t |= (uint64_t)(b.p[i] & 0x7f) << shift;
    }
    out->t = (int64_t)t;
    out->v = double_at(b.p + 1);
    return true;
}

static int read_sample(mw_remote *w, const mw_pb *outer, mw_str bytes, mw_row *out)
{
    mw_pb r;
    mw_pb_field f;
    int more;
    if (quick_sample(bytes, out)) return MW_OK;
    mw_pb_enter(&r, outer, bytes);
    out->t = 0;
    out->v = 0;
    while ((more = mw_pb_next(&r, &f, w->err)) == 1) {
        if (f.number == 1 && f.wire == MW_PB_FIXED64) out->v = mw_pb_double(f.u);
        if (f.number == 2 && f.wire == MW_PB_VARINT) out->t = (int64_t)f.u;
    }
    return more;
}

int mw_remote_samples(mw_remote *w, mw_pb r, mw_str labels)
{
    const mw_key key = mw_tsdb_key(w->tsdb, labels.p, labels.n);
    mw_pb_field f;
    int more, code;
    while ((more = mw_remote_next(&r, &f, w->err)) == 1) {
        if (f.number != SAMPLES || f.wire != MW_PB_BYTES) continue;
        if (w->n == w->cap && (code = mw_remote_flush(w))) return code;
        mw_row *row = &w->rows[w->n];
        if ((code = read_sample(w, &r, f.bytes, row))) return code;
        row->ref = 0;
        row->key = key;
        w->of[w->n++] = labels;
    }
    return more;
}

int mw_remote_add_extra(mw_remote *w, mw_remote_extra extra)
{
    int code = w->n_extras == ROWS ? mw_remote_flush(w) : MW_OK;
    if (!code) MW_PUSH(w->extras, w->n_extras, w->extras_cap, extra);
    return code;
}
