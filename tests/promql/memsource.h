/* memsource.h - an mw_source over plain arrays, and the series notation that fills it.
 *
 * `up{job="a"} 0+10x3 _ stale 7` gives 0 10 20 30, a gap, a stale marker and 7, one per step.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_PROMQL_MEMSOURCE_H
#define MW_TESTS_PROMQL_MEMSOURCE_H
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "histtext.h"
#include "model/source.h"

struct mem_series {
    mw_labels *labels;
    int64_t *t;
    double *v;
    const mw_nhist **h; /* borrowed; beside each float NULL */
    size_t n, cap_t, cap_v, cap_h;
    bool any_h;
};

struct mem_source {
    mw_source source; /* first */
    struct mem_series *series;
    size_t n, cap;
    size_t open;          /* sets not closed yet */
    mw_arena *histograms; /* that were written in the notation */
};

struct mem_set {
    mw_series_set set; /* first */
    struct mem_source *source;
    mw_select copy;
    size_t at, end;
};

/* -- reading -------------------------------------------------------------------------------- */

static int mem_next(mw_series_set *set, mw_series_view *out, mw_err *err)
{
    struct mem_set *m = (struct mem_set *)set;
    while (m->at < m->end) {
        const struct mem_series *s = &m->source->series[m->at++];
        size_t lo = 0, hi = s->n;
        if (!mw_matchers_match(m->copy.matchers, m->copy.n, s->labels)) continue;
        for (size_t step = s->n; step; step /= 2) /* first sample at or after min_t */
            while (lo + step <= s->n && s->t[lo + step - 1] < m->copy.min_t) lo += step;
        while (hi > lo && s->t[hi - 1] > m->copy.max_t) hi--;
        if (lo == hi) continue;
        const mw_labels *ls = s->labels;
        if (m->copy.arena) ls = mw_labels_new_in(m->copy.arena, ls->l, ls->n, err);
        if (!ls) return err->code;
        *out = (mw_series_view){ls, hi - lo, s->t + lo, s->v + lo, s->any_h ? s->h + lo : NULL, 0};
        return 1;
    }
    return 0;
}

static void mem_close(mw_series_set *set)
{
    struct mem_set *m = (struct mem_set *)set;
    __atomic_fetch_sub(&m->source->open, 1, __ATOMIC_RELAXED);
    mw_free(m);
}

/* Labels are there at once, whether they were wanted or not. */
static const mw_labels *mem_later(mw_series_set *set)
{
    struct mem_set *m = (struct mem_set *)set;
    return m->source->series[m->at - 1].labels;
}

static mw_series_set *mem_piece(mw_series_set *set, size_t i, size_t n, mw_arena *arena)
{
    struct mem_set *whole = (struct mem_set *)set, *m = mw_zalloc(sizeof *m);
    *m = (struct mem_set){.set = {.next = mem_next, .close = mem_close, .labels = mem_later},
                          .source = whole->source,
                          .copy = whole->copy,
                          .at = whole->source->n * i / n,
                          .end = whole->source->n * (i + 1) / n};
    m->copy.arena = arena;
    whole->at = whole->end;
    __atomic_fetch_add(&m->source->open, 1, __ATOMIC_RELAXED);
    return &m->set;
}

static int mem_select(mw_source *self, const mw_select *sel, mw_series_set **out, mw_err *err)
{
    struct mem_set *m = mw_zalloc(sizeof *m);
    (void)err;
    struct mem_source *source = (struct mem_source *)self;
    *m = (struct mem_set){
        .set = {.next = mem_next, .close = mem_close, .labels = mem_later, .piece = mem_piece},
        .source = source,
        .copy = *sel,
        .end = source->n};
    m->set.at_most = source->n;
    __atomic_fetch_add(&source->open, 1, __ATOMIC_RELAXED);
    *out = &m->set;
    return MW_OK;
}

static bool mem_has_label(mw_source *self, mw_str name)
{
    const struct mem_source *m = (const struct mem_source *)self;
    for (size_t i = 0; i < m->n; i++)
        for (uint32_t k = 0; k < m->series[i].labels->n; k++)
            if (mw_str_eq(m->series[i].labels->l[k].name, name)) return true;
    return false;
}

static void mem_init(struct mem_source *m)
{
    *m = (struct mem_source){.source = {.select = mem_select, .has_label = mem_has_label},
                             .histograms = mw_arena_new(0)};
}

static void mem_deinit(struct mem_source *m)
{
    for (size_t i = 0; i < m->n; i++) {
        mw_free(m->series[i].labels);
        mw_free(m->series[i].t);
        mw_free(m->series[i].v);
        mw_free(m->series[i].h);
    }
    mw_free(m->series);
    mw_arena_free(m->histograms);
}

/* -- writing -------------------------------------------------------------------------------- */

/* Takes LABELS. */
static struct mem_series *mem_series_get(struct mem_source *m, mw_labels *labels)
{
    for (size_t i = 0; i < m->n; i++)
        if (mw_labels_eq(m->series[i].labels, labels)) {
            mw_free(labels);
            return &m->series[i];
        }
    MW_PUSH(m->series, m->n, m->cap, ((struct mem_series){.labels = labels}));
    return &m->series[m->n - 1];
}

static void mem_add_sample(struct mem_series *s, int64_t t, double v, const mw_nhist *h)
{
    size_t n = s->n, n_h = s->n;
    s->any_h |= h != NULL;
    if (n && s->t[n - 1] == t) {
        s->v[n - 1] = v;
        s->h[n - 1] = h;
        return;
    }
    MW_PUSH(s->t, n, s->cap_t, t);
    MW_PUSH(s->h, n_h, s->cap_h, h);
    MW_PUSH(s->v, s->n, s->cap_v, v);
    for (size_t i = s->n - 1; i && s->t[i] < s->t[i - 1]; i--) { /* a load may begin again at 0 */
        int64_t swap_t = s->t[i];
        double swap_v = s->v[i];
        const mw_nhist *swap_h = s->h[i];
        s->t[i] = s->t[i - 1], s->v[i] = s->v[i - 1], s->h[i] = s->h[i - 1];
        s->t[i - 1] = swap_t, s->v[i - 1] = swap_v, s->h[i - 1] = swap_h;
    }
}

static __attribute__((unused)) void mem_add(struct mem_series *s, int64_t t, double v)
{
    mem_add_sample(s, t, v, NULL);
}

/* H must live as long as the source. */
static __attribute__((unused)) void mem_add_histogram(struct mem_series *s, int64_t t,
                                                      const mw_nhist *h)
{
    mem_add_sample(s, t, h->sum, h);
}

/* -- notation ------------------------------------------------------------------------------- */

static const char *mem_blank(const char *p)
{
    while (*p == ' ' || *p == '\t') p++;
    return p;
}

/* A quoted or plain word at P into OUT (256 bytes); NULL when there is none. */
static const char *mem_word(const char *p, char *out, bool colon)
{
    size_t n = 0;
    char q = *p;
    if (q == '"' || q == '\'' || q == '`') {
        for (p++; *p && *p != q && n < 255; p++) {
            if (*p == '\\' && q != '`' && p[1]) {
                p++;
                out[n++] = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p;
            } else
                out[n++] = *p;
        }
        out[n] = 0;
        return *p == q ? p + 1 : NULL;
    }
    for (; isalnum((unsigned char)*p) || *p == '_' || *p == '.' || (colon && *p == ':'); p++)
        if (n < 255) out[n++] = *p;
    out[n] = 0;
    return n ? p : NULL;
}

enum { MEM_LABELS_MAX = 32 };

/* A series name at P: its labels (freed with mw_free) and the rest; NULL when it is none. */
static mw_labels *mem_labels(const char *p, const char **rest)
{
    static const char metric[] = MW_METRIC_NAME;
    char names[MEM_LABELS_MAX][256], values[MEM_LABELS_MAX][256];
    mw_label l[MEM_LABELS_MAX];
    size_t n = 0;
    const char *q;
    if (*p != '{') {
        if (!(p = mem_word(p, values[0], true))) return NULL;
        strcpy(names[0], metric);
        n = 1;
    }
    p = mem_blank(p);
    if (*p == '{' && p[1] != '{') {
        for (p = mem_blank(p + 1); *p && *p != '}';) {
            if (n == MEM_LABELS_MAX || !(p = mem_word(p, names[n], false))) return NULL;
            p = mem_blank(p);
            if (*p == '=') {
                if (!(q = mem_word(mem_blank(p + 1), values[n], false))) return NULL;
                p = q;
            } else {
                strcpy(values[n], names[n]);
                strcpy(names[n], metric);
            }
            n++;
            p = mem_blank(p);
            if (*p == ',') p = mem_blank(p + 1);
        }
        if (*p++ != '}') return NULL;
    }
    for (size_t i = 0; i < n; i++) l[i] = (mw_label){mw_str_of(names[i]), mw_str_of(values[i])};
    *rest = p;
    return mw_labels_new(l, n, NULL);
}

struct mem_values {
    double *v;
    bool *there;
    const mw_nhist **h; /* NULL where the value is a number */
    bool *hinted;       /* the histogram was written with a hint */
    size_t n, cap_v, cap_there, cap_h, cap_hinted;
};

static void mem_put_one(struct mem_values *out, double v, bool there, const mw_nhist *h,
                        bool hinted)
{
    size_t n[3] = {out->n, out->n, out->n};
    MW_PUSH(out->v, n[0], out->cap_v, v);
    MW_PUSH(out->h, n[1], out->cap_h, h);
    MW_PUSH(out->hinted, n[2], out->cap_hinted, hinted);
    MW_PUSH(out->there, out->n, out->cap_there, there);
}

static void mem_put(struct mem_values *out, double v, bool there, size_t times, double by)
{
    for (size_t i = 0; i < times; i++, v += by) mem_put_one(out, v, there, NULL, false);
}

static void mem_put_histogram(void *out, const mw_nhist *h, bool hinted)
{
    mem_put_one(out, h->sum, true, h, hinted);
}

static void mem_values_free(struct mem_values *v)
{
    mw_free(v->v);
    mw_free(v->there);
    mw_free(v->h);
    mw_free(v->hinted);
}

/* One item such as 3, _x4, stale, 1+2x10, 5x3; false when it is none of them. */
static bool mem_item(mw_str item, struct mem_values *out)
{
    char text[128], *x, *sign = NULL;
    double v, by = 0;
    if (item.n >= sizeof text) return false;
    memcpy(text, item.p, item.n);
    text[item.n] = 0;
    if (!strcmp(text, "stale")) return mem_put(out, mw_stale(), true, 1, 0), true;
    x = strrchr(text, 'x');
    size_t times = x ? (size_t)strtoul(x + 1, NULL, 10) : 0;
    if (x) *x = 0;
    if (!strcmp(text, "_")) return mem_put(out, 0, false, x ? times : 1, 0), true;
    for (char *p = text + 1; x && *text && *p; p++)
        if ((*p == '+' || *p == '-') && p[-1] != 'e' && p[-1] != 'E') sign = p;
    if (sign && !mw_double_parse(mw_str_of(sign), &by)) return false;
    if (sign) *sign = 0;
    if (!mw_double_parse(mw_str_of(text), &v)) return false;
    mem_put(out, v, true, times + 1, by);
    return true;
}

/* The values of a line from P on, histograms in ARENA; false when one of them is not understood. */
static bool mem_parse_values(const char *p, mw_arena *arena, struct mem_values *out)
{
    *out = (struct mem_values){.n = 0};
    for (p = mem_blank(p); *p; p = mem_blank(p)) {
        if (!strncmp(p, "{{", 2)) {
            if (!(p = histtext_item(p, arena, mem_put_histogram, out)))
                return mem_values_free(out), false;
            continue;
        }
        size_t n = strcspn(p, " \t");
        if (!mem_item((mw_str){p, n}, out)) return mem_values_free(out), false;
        p += n;
    }
    return true;
}

/* Hints as a store would have made them of what was written. */
static void mem_store_hints(struct mem_source *m, struct mem_series *s)
{
    const mw_nhist *before = NULL;
    for (size_t i = 0; i < s->n; before = s->h[i++]) {
        if (!s->h[i]) continue;
        mw_nhist *copy = mw_arena_alloc(m->histograms, sizeof *copy);
        *copy = *s->h[i];
        copy->hint = (uint8_t)histtext_stored_hint(s->h[i], before);
        s->h[i] = copy;
    }
}

/* Load one line of notation, a value every STEP milliseconds from 0 on. */
static __attribute__((unused)) bool mem_load(struct mem_source *m, const char *line, int64_t step)
{
    struct mem_values values;
    const char *rest;
    mw_labels *labels = mem_labels(mem_blank(line), &rest);
    if (!labels) return false;
    if (!mem_parse_values(rest, m->histograms, &values)) return mw_free(labels), false;
    struct mem_series *s = mem_series_get(m, labels);
    for (size_t i = 0; i < values.n; i++)
        if (values.there[i]) mem_add_sample(s, (int64_t)i * step, values.v[i], values.h[i]);
    if (s->any_h) mem_store_hints(m, s);
    mem_values_free(&values);
    return true;
}

#endif
