/* fuzz_mblock.c - a block of metrics made of any bytes: opened, searched and read to the end.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "fuzz/disk.h"
#include "tsdb/mblock.h"

enum { SERIES_MAX = 64, ARENA_MAX = 4 << 20 };

/* -- reading everything --------------------------------------------------------------------- */

static void read_run(const mw_run_ref *r)
{
    if (r->kind != MW_RUN_FLOATS) return;
    MW_ASSERT(r->stats.n <= MW_PACKED_MAX);
    size_t n = r->stats.n;
    int64_t *t = malloc(n * sizeof *t);
    double *v = malloc(n * sizeof *v);
    if (n) mw_packed_decode(r->bytes, n, t, v);
    free(t);
    free(v);
}

static void read_series(mw_mblock *b, uint32_t id)
{
    mw_run_ref *runs = NULL;
    size_t n = 0, cap = 0;
    mw_arena *a = mw_arena_new(ARENA_MAX);
    mw_labels *ls = mw_mblock_labels(b, id, a);
    if (ls) {
        mw_buf text = {0};
        mw_labels_text(ls, &text);
        mw_buf_deinit(&text);
    }
    MW_ASSERT(mw_mblock_find(b, mw_mblock_key(b, id)) != UINT32_MAX);
    mw_err err;
    mw_err_init(&err);
    if (mw_mblock_runs(b, id, INT64_MIN, INT64_MAX, &runs, &n, &cap, &err) != MW_OK)
        MW_ASSERT(err.code == MW_ECORRUPT);
    for (size_t i = 0; i < n; i++) read_run(&runs[i]);
    mw_free(runs);
    mw_arena_free(a);
}

static int visit(void *arg, mw_str name)
{
    size_t *bytes = arg;
    for (size_t i = 0; i < name.n; i++) *bytes += name.p[i] != 0; /* every byte can be read */
    return 0;
}

static void look_up(mw_mblock *b, mw_match_op op, const char *name, const char *value)
{
    mw_matcher m;
    mw_ids ids = {0};
    size_t bytes = 0;
    MW_ASSERT(mw_matcher_init(&m, op, mw_str_of(name), mw_str_of(value), NULL) == MW_OK);
    mw_select sel = {.matchers = &m, .n = 1, .min_t = INT64_MIN, .max_t = INT64_MAX};
    if (mw_mblock_select(b, &sel, &ids, NULL) == MW_OK) {
        for (size_t i = 0; i < ids.n; i++) {
            MW_ASSERT(ids.v[i] < mw_mblock_meta_of(b)->series);
            MW_ASSERT(i == 0 || ids.v[i - 1] < ids.v[i]);
        }
        mw_mblock_names(b, &ids, visit, &bytes);
        mw_mblock_values(b, mw_str_of(name), &ids, visit, &bytes);
    }
    mw_ids_deinit(&ids);
    mw_matcher_deinit(&m);
}

static void read_all(mw_mblock *b)
{
    size_t bytes = 0;
    uint64_t series = mw_mblock_meta_of(b)->series;
    for (uint64_t i = 0; i < series && i < SERIES_MAX; i++) read_series(b, (uint32_t)i);
    if (series > SERIES_MAX) read_series(b, (uint32_t)(series - 1));
    mw_mblock_find(b, (mw_key){1, 2});
    mw_mblock_names(b, NULL, visit, &bytes);
    mw_mblock_values(b, MW_STR("job"), NULL, visit, &bytes);
    look_up(b, MW_MATCH_EQ, MW_METRIC_NAME, "up");
    look_up(b, MW_MATCH_NE, "job", "a");
    look_up(b, MW_MATCH_RE, "job", "a|b.*");
    look_up(b, MW_MATCH_NRE, "nothing", ".+");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[320];
    mw_err err;
    mw_err_init(&err);
    fuzz_put(fuzz_path(path, "m"), data, n);
    mw_mblock *b = mw_mblock_open(path, &err);
    if (b)
        read_all(b);
    else
        MW_ASSERT(err.code == MW_ECORRUPT && err.msg[0]);
    mw_mblock_release(b);
    unlink(path);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static mw_run_ref make_run(mw_buf *bytes, int64_t from, int n, double by)
{
    int64_t t[MW_PACKED_MAX];
    double v[MW_PACKED_MAX];
    mw_run_ref r = {.kind = MW_RUN_FLOATS};
    for (int i = 0; i < n; i++) t[i] = from + i * 15000, v[i] = by * i;
    mw_run_stats_of(t, v, (size_t)n, &r.stats);
    mw_packed_encode(t, v, (size_t)n, bytes);
    r.bytes = (mw_str){bytes->p, bytes->n};
    return r;
}

static void add_series(mw_mblock_writer *w, const char *name, const char *job, int runs)
{
    const mw_label pairs[] = {{MW_STR(MW_METRIC_NAME), mw_str_of(name)},
                              {MW_STR("job"), mw_str_of(job)}};
    mw_labels *ls = mw_labels_new(pairs, 2, NULL);
    mw_buf bytes[4] = {0};
    mw_run_ref run[4];
    for (int i = 0; i < runs; i++)
        run[i] = make_run(&bytes[i], 1700000000000 + i * 600000, 20 + i, 0.5 * i);
    mw_mblock_add(w, ls, (mw_key){ls->hash, (uint32_t)runs}, run, (size_t)runs);
    for (int i = 0; i < runs; i++) mw_buf_deinit(&bytes[i]);
    mw_free(ls);
}

static void write_seeds(void)
{
    static const struct {
        const char *name, *job;
        int runs;
    } series[] = {{"down", "a", 1}, {"up", "a", 2}, {"up", "b", 4}, {"up", "bcd", 1}};
    for (size_t n = 1; n <= 4; n++) {
        char path[320], name[16];
        mw_mblock_meta meta;
        mw_mblock_writer *w = mw_mblock_create(&fuzz_io, fuzz_path(path, "m"), NULL);
        MW_ASSERT(w);
        for (size_t i = 0; i < n; i++) add_series(w, series[i].name, series[i].job, series[i].runs);
        MW_ASSERT(mw_mblock_finish(w, &meta, NULL) == MW_OK);
        snprintf(name, sizeof name, "series%zu", n);
        fuzz_seed_file(name, path);
        unlink(path);
    }
}

FUZZ_INITIALIZE(fuzz_disk_start, write_seeds)
