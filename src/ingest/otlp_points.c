/* otlp_points.c - points of OTLP metrics as samples.
 *
 * A histogram's exemplars belong to the bucket that their value falls into, as in a text
 * exposition.  An exemplar that cannot be kept is counted and no more.
 * SPDX-License-Identifier: MIT */
#include "ingest/otlp_points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "model/sample.h"

enum { EXEMPLARS = 100 }; /* of one point; more than any exporter sends */

mw_label *mw_otlp_find_label(mw_label *l, size_t n, mw_str name)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_eq(l[i].name, name)) return &l[i];
    return NULL;
}

/* -- samples -------------------------------------------------------------------------------- */

/* A series of one point: NAME+SUFFIX, with one more label when KEY is not NULL. */
struct series {
    const char *suffix, *key;
    mw_str value;
};

/* NULL when the arena is full. */
static const mw_labels *labels_of(mw_otlp_sink *s, mw_otlp_target *to, const struct series *of)
{
    mw_label *l = to->labels;
    size_t n = to->n, tail = strlen(of->suffix);
    char *name = mw_arena_alloc(s->work, s->name.n + tail);
    if (!name) return NULL;
    memcpy(name, s->name.p, s->name.n);
    memcpy(name + s->name.n, of->suffix, tail);
    l[n++] = (mw_label){MW_STR(MW_METRIC_NAME), {name, s->name.n + tail}};
    mw_label *same = of->key ? mw_otlp_find_label(l, to->n, mw_str_of(of->key)) : NULL;
    mw_str hidden = same ? same->value : (mw_str){NULL, 0}; /* le and quantile are ours */
    if (same) same->value = (mw_str){"", 0};
    if (of->key) l[n++] = (mw_label){mw_str_of(of->key), of->value};
    const mw_labels *ls = mw_labels_new_in(s->work, l, n, NULL);
    if (same) same->value = hidden;
    return ls;
}

static void note(mw_otlp_target *to, int code, const mw_labels *ls)
{
    if (!code || to->code) return;
    to->code = code;
    to->refused = ls;
}

static void emit(mw_otlp_sink *s, mw_otlp_target *to, const struct series *of, double v)
{
    const mw_labels *ls = labels_of(s, to, of);
    uint64_t ref = 0;
    note(to,
         ls ? mw_appender_add(s->appender, ls, &ref, to->t, to->stale ? mw_stale() : v) : MW_ELIMIT,
         ls);
}

static void emit_plain(mw_otlp_sink *s, mw_otlp_target *to, const char *suffix, double v)
{
    emit(s, to, &(struct series){.suffix = suffix}, v);
}

static void emit_le(mw_otlp_sink *s, mw_otlp_target *to, double bound, double v)
{
    char text[MW_DOUBLE_MAX];
    mw_double_fixed(bound, text);
    emit(s, to, &(struct series){"_bucket", "le", mw_str_of(text)}, v);
}

/* -- exemplars ------------------------------------------------------------------------------ */

static mw_label hex_label(mw_arena *a, const char *name, const uint8_t *id, size_t n)
{
    static const uint8_t none[16];
    char *text = memcmp(id, none, n) ? mw_arena_alloc(a, 2 * n + 1) : NULL;
    if (text) mw_hex(id, n, text);
    return (mw_label){mw_str_of(name), text ? (mw_str){text, 2 * n} : (mw_str){"", 0}};
}

/* The ids, and the attributes when all of them have room beside. */
static const mw_labels *exemplar_labels(mw_arena *a, const mw_otlp_exemplar *e)
{
    mw_label ids[2] = {hex_label(a, "trace_id", e->trace_id, sizeof e->trace_id),
                       hex_label(a, "span_id", e->span_id, sizeof e->span_id)};
    if (e->n_attrs && e->n_attrs <= MW_EXEMPLAR_RUNES) {
        mw_label *l = mw_arena_array(a, e->n_attrs + 2, sizeof *l);
        const mw_labels *all = NULL;
        for (size_t i = 0; l && i < e->n_attrs; i++)
            l[i + 2] = (mw_label){e->attrs[i].key, mw_otlp_attr_text(&e->attrs[i], a)};
        if (l) {
            memcpy(l, ids, sizeof ids);
            all = mw_ingest_exemplar_labels(a, l, e->n_attrs + 2);
        }
        if (all) return all;
    }
    return mw_ingest_exemplar_labels(a, ids, 2);
}

static void emit_exemplar(mw_otlp_sink *s, const mw_labels *ls, const mw_otlp_exemplar *e,
                          int64_t t)
{
    const mw_labels *own = ls && e->has & MW_OTLP_VALUE ? exemplar_labels(s->work, e) : NULL;
    mw_exemplar x = {.labels = own, .v = e->value, .t = e->t_ns > 0 ? e->t_ns / 1000000 : t};
    mw_result_exemplar(s->result, own ? mw_appender_add_exemplar(s->appender, ls, &x) : MW_ELIMIT);
}

static int by_time(const void *a, const void *b)
{
    const mw_otlp_exemplar *x = *(const mw_otlp_exemplar *const *)a,
                           *y = *(const mw_otlp_exemplar *const *)b;
    return (x->t_ns > y->t_ns) - (x->t_ns < y->t_ns);
}

/* The bound of the first bucket that V falls into. */
static double bound_of(const mw_otlp_point *in, double v)
{
    size_t low = 0, high = in->n_bounds;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (in->bounds[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low < in->n_bounds ? in->bounds[low] : INFINITY;
}

/* In order of time, which the store wants within a series.  BUCKETS: they go to buckets. */
static void emit_exemplars(mw_otlp_sink *s, mw_otlp_target *to, const mw_otlp_point *in,
                           bool buckets)
{
    const mw_otlp_exemplar *order[EXEMPLARS] = {NULL};
    size_t n = in->n_exemplars < EXEMPLARS ? in->n_exemplars : EXEMPLARS;
    s->result->exemplars_rejected += in->n_exemplars - n;
    for (size_t i = 0; i < n; i++) order[i] = &in->exemplars[i];
    qsort(order, n, sizeof *order, by_time);
    for (size_t i = 0; i < n; i++) {
        char le[MW_DOUBLE_MAX];
        struct series of = {.suffix = ""};
        if (buckets) {
            mw_double_fixed(bound_of(in, order[i]->value), le);
            of = (struct series){"_bucket", "le", mw_str_of(le)};
        }
        emit_exemplar(s, labels_of(s, to, &of), order[i], to->t);
    }
}

/* -- kinds ---------------------------------------------------------------------------------- */

const char *mw_otlp_put_number(mw_otlp_sink *s, mw_otlp_target *to, const mw_otlp_point *in)
{
    if (!(in->has & MW_OTLP_VALUE) && !to->stale) return "has no value";
    emit_plain(s, to, "", in->value);
    emit_exemplars(s, to, in, false);
    return NULL;
}

const char *mw_otlp_put_histogram(mw_otlp_sink *s, mw_otlp_target *to, const mw_otlp_point *in)
{
    double total = 0;
    if (in->n_buckets ? in->n_buckets != in->n_bounds + 1 : in->n_bounds != 0)
        return "needs one bucket count more than bounds";
    for (size_t i = 1; i < in->n_bounds; i++)
        if (!(in->bounds[i] > in->bounds[i - 1])) return "has bounds that do not rise";
    for (size_t i = 0; i < in->n_bounds; i++) {
        total += (double)in->buckets[i];
        if (!isinf(in->bounds[i])) emit_le(s, to, in->bounds[i], total);
    }
    emit_le(s, to, INFINITY, (double)in->count);
    if (in->has & MW_OTLP_VALUE || to->stale) emit_plain(s, to, "_sum", in->value);
    emit_plain(s, to, "_count", (double)in->count);
    emit_exemplars(s, to, in, true);
    return NULL;
}

const char *mw_otlp_put_exponential(mw_otlp_sink *s, mw_otlp_target *to, const mw_otlp_point *in)
{
    mw_nhist h;
    uint64_t ref = 0;
    const char *wrong = mw_otlp_native(in, s->work, &h);
    if (wrong) return wrong;
    const mw_labels *ls = labels_of(s, to, &(struct series){.suffix = ""});
    to->native = true;
    note(to, ls ? mw_appender_add_histogram(s->appender, ls, &ref, to->t, &h) : MW_ELIMIT, ls);
    emit_exemplars(s, to, in, false);
    return NULL;
}

const char *mw_otlp_put_summary(mw_otlp_sink *s, mw_otlp_target *to, const mw_otlp_point *in)
{
    for (size_t i = 0; i < in->n_quantiles; i++) {
        char text[MW_DOUBLE_MAX];
        mw_double_fixed(in->quantiles[i].quantile, text);
        emit(s, to, &(struct series){"", "quantile", mw_str_of(text)}, in->quantiles[i].value);
    }
    emit_plain(s, to, "_sum", in->value);
    emit_plain(s, to, "_count", (double)in->count);
    return NULL;
}
