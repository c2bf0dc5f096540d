/* histtext.h - native histograms as test scripts write them.
 *
 * `{{schema:1 sum:4 count:3 z_bucket:1 z_bucket_w:0.1 buckets:[1 2] offset:0 n_buckets:[3]
 * custom_values:[1 2] counter_reset_hint:gauge}}`, a series of equal ones `{{..}}x3`, of growing
 * ones `{{..}}+{{..}}x3` or of falling ones `{{..}}-{{..}}x3`.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_PROMQL_HISTTEXT_H
#define MW_TESTS_PROMQL_HISTTEXT_H
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/num.h"
#include "model/nhist_math.h"

enum { HISTTEXT_BUCKETS = 4096 };

static inline const char *histtext_number(const char *p, double *out)
{
    size_t n = strcspn(p, " \t]}");
    return n && mw_double_parse((mw_str){p, n}, out) ? p + n : NULL;
}

/* "[1 2 3]" at P into an array of the arena. */
static inline const char *histtext_list(const char *p, mw_arena *a, const double **out, uint32_t *n)
{
    double *v = mw_arena_array(a, HISTTEXT_BUCKETS, sizeof *v);
    *n = 0;
    *out = v;
    if (*p++ != '[') return NULL;
    for (;;) {
        while (*p == ' ' || *p == '\t') p++;
        if (*p == ']') return p + 1;
        if (*n == HISTTEXT_BUCKETS || !(p = histtext_number(p, &v[*n]))) return NULL;
        ++*n;
    }
}

static inline const char *histtext_hint(const char *p, uint8_t *out)
{
    static const char *const words[] = {"unknown", "reset", "not_reset", "gauge"};
    size_t n = strcspn(p, " \t}");
    for (uint8_t i = 0; i < 4; i++)
        if (strlen(words[i]) == n && !strncmp(p, words[i], n)) return *out = i, p + n;
    return NULL;
}

static inline void histtext_side(mw_arena *a, mw_hside *s, double offset)
{
    if (!s->n_counts) return;
    mw_hspan *span = mw_arena_alloc(a, sizeof *span);
    *span = (mw_hspan){(int32_t)offset, s->n_counts};
    s->spans = span;
    s->n_spans = 1;
}

/* One "key:value" at P. */
static inline const char *histtext_field(const char *p, mw_arena *a, mw_nhist *h, double *schema,
                                         double offsets[2], bool *hinted)
{
    struct {
        const char *key;
        double *number;
    } const numbers[] = {{"schema:", schema},
                         {"sum:", &h->sum},
                         {"count:", &h->count},
                         {"z_bucket:", &h->zero_count},
                         {"z_bucket_w:", &h->zero_threshold},
                         {"offset:", &offsets[0]},
                         {"n_offset:", &offsets[1]}};
    struct {
        const char *key;
        const double **list;
        uint32_t *n;
    } const lists[] = {{"buckets:", &h->pos.counts, &h->pos.n_counts},
                       {"n_buckets:", &h->neg.counts, &h->neg.n_counts},
                       {"custom_values:", &h->custom, &h->n_custom}};
    static const char hint[] = "counter_reset_hint:";
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strncmp(p, numbers[i].key, strlen(numbers[i].key)))
            return histtext_number(p + strlen(numbers[i].key), numbers[i].number);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!strncmp(p, lists[i].key, strlen(lists[i].key)))
            return histtext_list(p + strlen(lists[i].key), a, lists[i].list, lists[i].n);
    *hinted = true;
    return strncmp(p, hint, sizeof hint - 1) ? NULL : histtext_hint(p + sizeof hint - 1, &h->hint);
}

/* The histogram at P, and the text behind it; NULL when it is none.  *HINTED: it has a hint. */
static inline const char *histtext_one(const char *p, mw_arena *a, const mw_nhist **out,
                                       bool *hinted)
{
    mw_nhist *h = mw_arena_zalloc(a, sizeof *h);
    double schema = 0, offsets[2] = {0, 0};
    h->is_float = true;
    *hinted = false;
    *out = h;
    if (strncmp(p, "{{", 2)) return NULL;
    for (p += 2;;) {
        while (*p == ' ' || *p == '\t') p++;
        if (!strncmp(p, "}}", 2)) break;
        if (!(p = histtext_field(p, a, h, &schema, offsets, hinted))) return NULL;
    }
    h->schema = (int8_t)schema;
    histtext_side(a, &h->pos, offsets[0]);
    histtext_side(a, &h->neg, offsets[1]);
    return p + 2;
}

typedef void histtext_put(void *arg, const mw_nhist *h, bool hinted);

/* One item of a series at P, each of its histograms given to PUT; the text behind it or NULL. */
static inline const char *histtext_item(const char *p, mw_arena *a, histtext_put *put, void *arg)
{
    const mw_nhist *h, *by = NULL;
    bool hinted;
    unsigned long times = 0;
    char sign = 0;
    if (!(p = histtext_one(p, a, &h, &hinted))) return NULL;
    if (*p == '+' || *p == '-') {
        sign = *p;
        if (!(p = histtext_one(p + 1, a, &by, &hinted)) || *p != 'x') return NULL;
    }
    if (*p == 'x') times = strtoul(p + 1, (char **)&p, 10);
    if (*p && !isspace((unsigned char)*p)) return NULL;
    mw_nwork *w = mw_nwork_new(a);
    put(arg, h, hinted);
    for (; times; times--) {
        if (by) {
            mw_nwork_set(w, h);
            if (sign == '+' ? mw_nwork_add(w, by) & MW_NHIST_MIXED
                            : mw_nwork_sub(w, by) & MW_NHIST_MIXED)
                return NULL;
            h = mw_nwork_take(w, a, false);
        }
        put(arg, h, hinted);
    }
    return p;
}

/* -- as a store hands them out -------------------------------------------------------------- */

/* Prometheus keeps counters in chunks without resets: within one it says "not reset", of the first
 * it says nothing.  BEFORE is the sample before H, or NULL. */
static inline mw_reset_hint histtext_stored_hint(const mw_nhist *h, const mw_nhist *before)
{
    if (h->hint == MW_RESET_GAUGE) return MW_RESET_GAUGE;
    if (!before || before->hint == MW_RESET_GAUGE || h->hint == MW_RESET_YES)
        return MW_RESET_UNKNOWN;
    if (mw_nhist_is_stale(before) || h->schema != before->schema ||
        h->zero_threshold != before->zero_threshold || !mw_nhist_same_bounds(h, before))
        return MW_RESET_UNKNOWN;
    mw_nhist plain = *h;
    plain.hint = MW_RESET_UNKNOWN;
    return mw_nhist_was_reset(&plain, before) ? MW_RESET_UNKNOWN : MW_RESET_NO;
}

/* -- comparing ------------------------------------------------------------------------------ */

static inline bool histtext_near(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (a == b) return true;
    if (isinf(a) || isinf(b)) return false;
    double sum = fabs(a) + fabs(b), diff = fabs(a - b);
    if (a == 0 || b == 0 || sum < 2.3e-308) return diff < 1e-6 * 2.3e-308;
    return diff / sum < 1e-6;
}

static inline bool histtext_same_side(const mw_hside *a, const mw_hside *b)
{
    if (a->n_counts != b->n_counts || a->n_spans != b->n_spans) return false;
    for (uint32_t i = 0; i < a->n_spans; i++)
        if (a->spans[i].offset != b->spans[i].offset || a->spans[i].length != b->spans[i].length)
            return false;
    for (uint32_t i = 0; i < a->n_counts; i++)
        if (!histtext_near(a->counts[i], b->counts[i])) return false;
    return true;
}

/* Up to rounding, and empty buckets; the hint only when it was written. */
static inline bool histtext_equal(const mw_nhist *want, const mw_nhist *got, bool hinted)
{
    mw_arena *a = mw_arena_new(0);
    mw_nwork *w = mw_nwork_new(a);
    mw_nwork_set(w, want);
    const mw_nhist *x = mw_nwork_take(w, a, true);
    mw_nwork_set(w, got);
    const mw_nhist *y = mw_nwork_take(w, a, true);
    bool same = x->schema == y->schema && histtext_near(x->count, y->count) &&
                histtext_near(x->sum, y->sum) && x->zero_threshold == y->zero_threshold &&
                histtext_near(x->zero_count, y->zero_count) && mw_nhist_same_bounds(x, y) &&
                histtext_same_side(&x->pos, &y->pos) && histtext_same_side(&x->neg, &y->neg) &&
                (!hinted || want->hint == got->hint);
    mw_arena_free(a);
    return same;
}

#endif
