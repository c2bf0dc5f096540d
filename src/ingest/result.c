/* result.c - limits and counts.  SPDX-License-Identifier: MIT */
#include "ingest/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static size_t or_default(size_t v, size_t def) { return v ? v : def; }

mw_ingest_limits mw_ingest_limits_of(const mw_ingest *in)
{
    return (mw_ingest_limits){
        .body = or_default(in->limits.body, 64 << 20),
        .ratio = or_default(in->limits.ratio, 1000),
        .labels = or_default(in->limits.labels, 64),
        .label_bytes = or_default(in->limits.label_bytes, 4096),
        .attrs = or_default(in->limits.attrs, 256),
    };
}

int mw_ingest_count_fits(const mw_ingest_limits *limits, size_t n, mw_err *err)
{
    if (n <= limits->labels) return MW_OK;
    return mw_fail(err, MW_ELIMIT, 0, 0, "%zu labels, at most %zu are allowed", n, limits->labels);
}

int mw_ingest_shown(mw_str s)
{
    size_t n = s.n < 60 ? s.n : 60;
    while (n && n < s.n && (s.p[n] & 0xc0) == 0x80) n--;
    return (int)n;
}

int mw_ingest_label_fits(const mw_ingest_limits *limits, const mw_label *l, mw_err *err)
{
    if (l->name.n <= limits->label_bytes && l->value.n <= limits->label_bytes) return MW_OK;
    return mw_fail(err, MW_ELIMIT, 0, 0,
                   "a label longer than allowed: \"%.*s\" has %zu bytes, its limit is %zu",
                   mw_ingest_shown(l->name), l->name.p,
                   l->name.n > l->value.n ? l->name.n : l->value.n, limits->label_bytes);
}

/* -- memory of one request ------------------------------------------------------------------ */

enum { PER_BYTE = 24, AT_LEAST = 1 << 20 };

mw_arena *mw_ingest_arena(size_t n) { return mw_arena_new(n * PER_BYTE + AT_LEAST); }

int mw_ingest_arena_full(mw_err *err)
{
    return mw_fail(err, MW_ETOOBIG, 0, 0,
                   "the body unfolds into more than %d times its size in memory", PER_BYTE);
}

void *mw_push_in(mw_arena *a, void *items, size_t *n, size_t size)
{
    char *p;
    memcpy(&p, items, sizeof p);
    if ((*n & (*n - 1)) == 0) { /* none, or a power of two: full */
        char *bigger = mw_arena_array(a, *n ? *n * 2 : 1, size);
        if (!bigger) return NULL;
        if (*n) memcpy(bigger, p, *n * size);
        p = bigger;
        memcpy(items, &p, sizeof p);
    }
    return p + (*n)++ * size;
}

/* -- counting ------------------------------------------------------------------------------- */

void mw_result_reject(mw_ingest_result *r, uint64_t n, int code, const char *fmt, ...)
{
    r->rejected += n;
    if (!n || r->first.code != MW_OK) return;
    char text[sizeof r->first.msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mw_fail(&r->first, code, 0, 0, "%s", text);
}

static void reject_labelled(mw_ingest_result *r, int code, const mw_labels *ls, int64_t t,
                            const char *why)
{
    if (r->first.code != MW_OK) {
        r->rejected++;
        return;
    }
    mw_buf text;
    mw_buf_init(&text);
    mw_labels_text(ls, &text);
    mw_result_reject(r, 1, code, "%s: %.300s at %lld ms", why, text.p, (long long)t);
    mw_buf_deinit(&text);
}

void mw_result_labelled(mw_ingest_result *r, int code, const mw_labels *ls, int64_t t,
                        const char *fmt, ...)
{
    char why[120];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    reject_labelled(r, code, ls, t, why);
}

static const char *reason_of(int code)
{
    if (code == MW_EBUSY) return "no room for a new series by limits.memory at the moment";
    return code == MW_ELIMIT ? "no room for a new series by limits.series or limits.memory"
                             : mw_code_text(code);
}

void mw_result_sample(mw_ingest_result *r, int code, const mw_labels *ls, int64_t t)
{
    r->again += code == MW_EBUSY;
    if (code == MW_OK)
        r->accepted++;
    else
        reject_labelled(r, code, ls, t, reason_of(code));
}

void mw_result_histogram(mw_ingest_result *r, int code, const mw_labels *ls, int64_t t)
{
    r->histograms += code == MW_OK;
    mw_result_sample(r, code, ls, t);
}

void mw_result_exemplar(mw_ingest_result *r, int code)
{
    if (code == MW_OK)
        r->exemplars++;
    else
        r->exemplars_rejected++;
}

void mw_result_lost(mw_ingest_result *r) { r->accepted = r->histograms = r->exemplars = 0; }

/* -- exemplars ------------------------------------------------------------------------------ */

static size_t runes(mw_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

const mw_labels *mw_ingest_exemplar_labels(mw_arena *a, const mw_label *l, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        if (!mw_utf8_valid(l[i].name) || !mw_utf8_valid(l[i].value)) return NULL;
        total += runes(l[i].name) + runes(l[i].value);
        if (total > MW_EXEMPLAR_RUNES) return NULL;
    }
    return mw_labels_new_in(a, l, n, NULL);
}
