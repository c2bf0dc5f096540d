/* bench_query.c - what a sample costs on its way through sum by (job) (rate(x[5m])).
 *
 * N series (default 10000), one hour of samples 15 s apart, from memory.  SPDX-License-Identifier:
 * MIT */
#include "../tests/promql/memsource.h"
/* clang-format off */
#include "base/clock.h"
#include "promql/promql.h"
/* clang-format on */

enum { SAMPLES = 240, STEP_MS = 15000 };

static void fill(struct mem_source *m, size_t series)
{
    char job[32], instance[32];
    for (size_t i = 0; i < series; i++) {
        snprintf(job, sizeof job, "job-%zu", i % 10);
        snprintf(instance, sizeof instance, "host-%zu", i);
        mw_label l[] = {{MW_STR("__name__"), MW_STR("http_requests_total")},
                        {MW_STR("job"), mw_str_of(job)},
                        {MW_STR("instance"), mw_str_of(instance)}};
        struct mem_series s = {.labels = mw_labels_new(l, 3, NULL)};
        for (int k = 0; k < SAMPLES; k++) mem_add(&s, (int64_t)k * STEP_MS, (double)(k * 10));
        MW_PUSH(m->series, m->n, m->cap, s);
    }
}

int main(int argc, char **argv)
{
    size_t series = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    struct mem_source m;
    mw_promql *engine = mw_promql_new(NULL);
    mw_promql_query q = {.expr = MW_STR("sum by (job) (rate(http_requests_total[5m]))"),
                         .range = true,
                         .end = (SAMPLES - 1) * STEP_MS,
                         .step = 60000};
    mem_init(&m);
    fill(&m, series);
    for (int round = 0; round < 3; round++) {
        mw_promql_result *r;
        mw_err err;
        mw_err_init(&err);
        int64_t from = mw_mono_ns();
        if (mw_promql_eval(engine, &m.source, &q, &r, &err) != MW_OK)
            return fprintf(stderr, "%s\n", err.msg), 1;
        double ns = (double)(mw_mono_ns() - from);
        printf("sum by (job) (rate(x[5m])): %zu series, %zu samples, %.1f ms, %.2f ns per sample\n",
               series, r->samples_read, ns / 1e6, ns / (double)r->samples_read);
        mw_promql_result_free(r);
    }
    mem_deinit(&m);
    mw_promql_free(engine);
    return 0;
}
