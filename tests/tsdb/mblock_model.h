/* mblock_model.h - series as a plain array, to hold a block of metrics against.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_TSDB_MBLOCK_MODEL_H
#define MW_TESTS_TSDB_MBLOCK_MODEL_H
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "mutate.h"
#include "tsdb/mblock.h"

typedef struct model_series {
    mw_labels *labels;
    mw_key key;
    mw_run_ref *runs;
    size_t n;
} model_series;

typedef struct model {
    mutator random;
    model_series *series;
    size_t n, cap;
    char path[64];
} model;

static inline void model_init(model *m, const char *name, uint64_t seed)
{
    *m = (model){.random = {seed * 0x9e3779b97f4a7c15u + 1}};
    snprintf(m->path, sizeof m->path, "/tmp/mw-mblock-%d-%s.blk", (int)getpid(), name);
    unlink(m->path);
}

static inline void model_deinit(model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        for (size_t r = 0; r < m->series[i].n; r++) free((char *)m->series[i].runs[r].bytes.p);
        free(m->series[i].runs);
        mw_free(m->series[i].labels);
    }
    mw_free(m->series);
    unlink(m->path);
}

/* -- runs ----------------------------------------------------------------------------------- */

static inline double model_value(mutator *r)
{
    static const double odd[] = {0,       -0.0,      1e300, 0.1,     -123.456, 1e15,
                                 0x1p53,  INFINITY,  -5,    1.0 / 3, 99.99,    12345678,
                                 -0x1p60, -INFINITY, 1e-9,  5e-324};
    return odd[mutator_below(r, sizeof odd / sizeof *odd)];
}

static inline double model_stale(void)
{
    uint64_t bits = 0x7ff0000000000002u;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline void model_figures(mutator *r, mw_run_stats *s)
{
    double a = mutator_below(r, 3) ? (double)mutator_below(r, 100000) : model_value(r);
    double b = mutator_below(r, 3) ? a + (double)mutator_below(r, 5000) : model_value(r);
    if (a > b) a = b;
    s->first = s->last = s->min = s->max = a;
    switch (mutator_below(r, 6)) {
    case 0: s->last = s->max = b; break;
    case 1: s->first = s->max = b; break;
    case 2:
        s->max = b;
        s->first = s->last = a / 2 + b / 2;
        break;
    case 3:
        s->max = b;
        s->last = model_stale();
        break;
    case 4:
        if (mutator_below(r, 4) == 0) s->first = s->last = s->min = s->max = model_stale();
        break;
    }
}

static inline void model_add_run(mutator *r, model_series *s, int64_t from)
{
    static const size_t sizes[] = {0, 1, 20, 127, 128, 300, 70000};
    mw_run_ref run = {.kind = mutator_below(r, 8) ? MW_RUN_FLOATS : MW_RUN_HISTOGRAMS};
    size_t n = sizes[mutator_below(r, mutator_below(r, 50) ? 6 : 7)];
    char *bytes = malloc(n + 1);
    for (size_t i = 0; i < n; i++) bytes[i] = (char)mutator_next(r);
    run.bytes = (mw_str){bytes, n};
    run.stats.n = mutator_below(r, 3) ? 120 : 1 + (uint32_t)mutator_below(r, MW_PACKED_MAX);
    run.stats.min_t = from + (int64_t)mutator_below(r, 15000);
    run.stats.max_t = run.stats.min_t + (mutator_below(r, 3) ? 119 * 15000 : 7);
    if (run.kind == MW_RUN_FLOATS) {
        model_figures(r, &run.stats);
        if (mutator_below(r, 3) == 0) run.stats.resets = (uint32_t)mutator_below(r, run.stats.n);
    }
    s->runs = realloc(s->runs, (s->n + 1) * sizeof *s->runs);
    s->runs[s->n++] = run;
}

/* -- series --------------------------------------------------------------------------------- */

static inline void model_add(model *m, const mw_label *l, size_t n)
{
    model_series s = {.labels = mw_labels_new(l, n, NULL)};
    s.key = (mw_key){mutator_next(&m->random), (uint32_t)mutator_next(&m->random)};
    size_t runs = mutator_below(&m->random, 10) ? 1 : mutator_below(&m->random, 6);
    int64_t from = 1700000000000 - (int64_t)mutator_below(&m->random, 2) * 7200000;
    for (size_t i = 0; i < runs; i++) {
        model_add_run(&m->random, &s, from);
        from = s.runs[i].stats.max_t + 1;
    }
    MW_PUSH(m->series, m->n, m->cap, s);
}

static inline int model_by_labels(const void *a, const void *b)
{
    return mw_labels_cmp(((const model_series *)a)->labels, ((const model_series *)b)->labels);
}

/* In order, each label set once. */
static inline void model_sort(model *m)
{
    size_t kept = 0;
    qsort(m->series, m->n, sizeof *m->series, model_by_labels);
    for (size_t i = 0; i < m->n; i++) {
        if (kept && mw_labels_eq(m->series[kept - 1].labels, m->series[i].labels)) {
            for (size_t r = 0; r < m->series[i].n; r++) free((char *)m->series[i].runs[r].bytes.p);
            free(m->series[i].runs);
            mw_free(m->series[i].labels);
        } else {
            m->series[kept++] = m->series[i];
        }
    }
    m->n = kept;
}

/* Anything: 1 to 30 labels of few or many values, UTF-8, long ones, all bytes. */
static inline void model_fill_any(model *m, size_t n)
{
    static const char *const names[] = {"__name__", "a", "job", "le", "\xc3\xa9t\xc3\xa9", "z.z"};
    char text[40][2][400];
    for (size_t i = 0; i < n; i++) {
        mw_label l[40];
        size_t count = 0, want = mutator_below(&m->random, 4) ? 5 : 30;
        for (size_t k = 0; k < want; k++) {
            if (want == 5 && mutator_below(&m->random, 3) == 0) continue;
            char *name = text[count][0], *value = text[count][1];
            if (k < 6)
                snprintf(name, 400, "%s", names[k]);
            else
                snprintf(name, 400, "label_%zu", k);
            size_t len = (size_t)snprintf(value, 400, "v%zu", mutator_below(&m->random, 1 + k * k));
            if (mutator_below(&m->random, 40) == 0)
                for (len = 0; len < 300; len++) value[len] = (char)mutator_next(&m->random);
            l[count++] = (mw_label){mw_str_of(name), {value, len}};
        }
        model_add(m, l, count);
    }
    model_sort(m);
}

/* A fleet: a pod settles its instance, job, namespace, node and cluster, except for one series in
 * ODD (0: never). */
static inline void model_fill_fleet(model *m, size_t pods, size_t a_pod, size_t odd)
{
    for (size_t i = 0; i < pods * a_pod; i++) {
        size_t pod = i / a_pod, k = i % a_pod, settles = odd && i % odd == 0 ? i : pod;
        char t[9][40];
        snprintf(t[0], 40, "metric_%zu", k % 7);
        snprintf(t[1], 40, "c%zu", settles % 4);
        snprintf(t[2], 40, "10.0.%zu.%zu:8080", pod / 250, pod % 250);
        snprintf(t[3], 40, "job-%zu", settles % 10);
        snprintf(t[4], 40, "ns-%zu", settles % 5);
        snprintf(t[5], 40, "node-%zu", settles / 25);
        snprintf(t[6], 40, "pod-%zx", pod * 2654435761u % 65536);
        snprintf(t[7], 40, "/path/%zu", k / 7);
        snprintf(t[8], 40, "%zu", 200 + k % 3);
        mw_label l[] = {
            {MW_STR("__name__"), mw_str_of(t[0])},  {MW_STR("cluster"), mw_str_of(t[1])},
            {MW_STR("instance"), mw_str_of(t[2])},  {MW_STR("job"), mw_str_of(t[3])},
            {MW_STR("namespace"), mw_str_of(t[4])}, {MW_STR("node"), mw_str_of(t[5])},
            {MW_STR("pod"), mw_str_of(t[6])},       {MW_STR("handler"), mw_str_of(t[7])},
            {MW_STR("status"), mw_str_of(t[8])}};
        model_add(m, l, k % 7 < 4 ? 9 : k % 7 < 6 ? 8 : 7);
    }
    model_sort(m);
}

/* -- to and from a block -------------------------------------------------------------------- */

static inline int model_write(const model *m, mw_mblock_meta *meta, mw_err *err)
{
    mw_mblock_writer *w = mw_mblock_create(&mw_io_system, m->path, err);
    if (!w) return err->code;
    for (size_t i = 0; i < m->n; i++)
        mw_mblock_add(w, m->series[i].labels, m->series[i].key, m->series[i].runs, m->series[i].n);
    return mw_mblock_finish(w, meta, err);
}

#endif
