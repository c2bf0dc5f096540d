/* test_mblock_damage.c - blocks of metrics whose checksums are right and whose bytes are not: they
 * are refused, or read as something else, and never do harm.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <sys/resource.h>

#include "tsdb/mblock_inside.h"
#include "tsdb/mblock_model.h"
#include "tsdb/mblock_varint.h"

enum { ARENA_MAX = 1 << 20, READ_MOST = 80 };

/* -- making blocks -------------------------------------------------------------------------- */

static int no_sync(const mw_io *io, int fd) { return 0; }
static int no_sync_dir(const mw_io *io, const char *path) { return 0; }

typedef struct parts { /* the sections of a good block, to be put together otherwise */
    model m;
    mw_mblock *good;
    mw_str section[MW_MB_SECTIONS];
    size_t opened, refused;
} parts;

static void parts_init(parts *p, const char *name, size_t pods, size_t odd)
{
    mw_err err = {0};
    mw_mblock_meta meta;
    *p = (parts){0};
    model_init(&p->m, name, 5);
    if (pods)
        model_fill_fleet(&p->m, pods, 12, odd);
    else
        model_fill_any(&p->m, 20);
    for (int i = 0; i < 3; i++)
        model_add_run(&p->m.random, &p->m.series[3],
                      p->m.series[3].n ? p->m.series[3].runs[p->m.series[3].n - 1].stats.max_t + 1
                                       : 1700000000000);
    assert_int_equal(model_write(&p->m, &meta, &err), MW_OK);
    p->good = mw_mblock_open(p->m.path, &err);
    if (!p->good) fail_msg("%s", err.msg);
    memcpy(p->section, p->good->section, sizeof p->section);
    strcat(p->m.path, ".bad");
}

static void parts_deinit(parts *p)
{
    mw_mblock_release(p->good);
    unlink(p->m.path);
    *strstr(p->m.path, ".bad") = 0;
    model_deinit(&p->m);
}

static void write_parts(const parts *p)
{
    mw_io io = mw_io_system;
    mw_err err = {0};
    uint64_t bytes;
    io.sync = no_sync;
    io.sync_dir = no_sync_dir;
    mw_block_writer *w = mw_block_create(&io, p->m.path, MW_MBLOCK_KIND, &err);
    for (uint32_t type = MW_MB_SAMPLES; w && type < MW_MB_SECTIONS; type++) {
        if (!p->section[type].p) continue; /* left out */
        mw_block_begin(w, type);
        mw_block_write(w, p->section[type].p, p->section[type].n);
    }
    if (!w || mw_block_finish(w, &bytes, &err)) fail_msg("%s", err.msg);
}

/* -- reading all of one --------------------------------------------------------------------- */

static int read_text(void *arg, mw_str text)
{
    size_t *sum = arg;
    for (size_t i = 0; i < text.n; i++) *sum += (unsigned char)text.p[i];
    return 0;
}

static void read_series(mw_mblock *b, uint32_t id, size_t *sum)
{
    mw_run_ref *runs = NULL;
    size_t n = 0, cap = 0;
    mw_err err = {0};
    mw_arena *arena = mw_arena_new(ARENA_MAX);
    const mw_labels *ls = mw_mblock_labels(b, id, arena);
    for (uint32_t i = 0; ls && i < ls->n; i++) {
        read_text(sum, ls->l[i].value);
        if (i) assert_true(mw_str_cmp(ls->l[i - 1].name, ls->l[i].name) < 0);
    }
    assert_true(mw_mblock_find(b, mw_mblock_key(b, id)) < mw_mblock_meta_of(b)->series);
    int code = mw_mblock_runs(b, id, INT64_MIN, INT64_MAX, &runs, &n, &cap, &err);
    assert_int_equal(code, err.code);
    assert_true(code == MW_OK || code == MW_ECORRUPT);
    for (size_t i = 0; i < n; i++) {
        read_text(sum, runs[i].bytes);
        assert_true(runs[i].stats.n > 0 && runs[i].stats.min_t <= runs[i].stats.max_t);
        assert_true(runs[i].kind == MW_RUN_HISTOGRAMS || runs[i].stats.n <= MW_PACKED_MAX);
        if (i) assert_true(runs[i - 1].stats.max_t <= runs[i].stats.min_t);
    }
    mw_free(runs);
    mw_arena_free(arena);
}

static void select_one(mw_mblock *b, mw_match_op op, mw_str name, const char *value, size_t *sum)
{
    mw_matcher m[2];
    mw_ids ids = {0};
    mw_err err = {0};
    mw_matcher_init(&m[0], op, name, mw_str_of(value), NULL);
    mw_matcher_init(&m[1], MW_MATCH_NE, MW_STR("status"), MW_STR("200"), NULL);
    for (size_t n = 1; n <= 2; n++) {
        mw_select sel = {.matchers = m, .n = n};
        int code = mw_mblock_select(b, &sel, &ids, &err);
        assert_true(code == MW_OK || code == MW_ECORRUPT);
        for (size_t i = 0; i < ids.n; i++) {
            assert_true(ids.v[i] < mw_mblock_meta_of(b)->series);
            assert_true(i == 0 || ids.v[i - 1] < ids.v[i]);
        }
        mw_mblock_names(b, &ids, read_text, sum);
        mw_mblock_values(b, name, &ids, read_text, sum);
    }
    mw_ids_deinit(&ids);
    mw_matcher_deinit(&m[0]);
    mw_matcher_deinit(&m[1]);
}

static void read_all(mw_mblock *b)
{
    static const char *const names[] = {"__name__", "job", "pod", "node", "nothing"};
    size_t sum = 0;
    uint64_t n = mw_mblock_meta_of(b)->series;
    for (uint64_t i = 0; i < n && i < READ_MOST; i++) read_series(b, (uint32_t)i, &sum);
    read_series(b, (uint32_t)(n - 1), &sum);
    mw_mblock_find(b, (mw_key){1, 2});
    mw_mblock_names(b, NULL, read_text, &sum);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        mw_str name = mw_str_of(names[i]);
        mw_mblock_values(b, name, NULL, read_text, &sum);
        select_one(b, MW_MATCH_EQ, name, i ? "job-1" : "metric_1", &sum);
        select_one(b, MW_MATCH_EQ, name, "", &sum);
        select_one(b, MW_MATCH_RE, name, ".*1.*", &sum);
        select_one(b, MW_MATCH_NRE, name, "job-[0-4]|.*1", &sum);
    }
}

/* Puts the parts together and reads what comes out. */
static int try(parts *p)
{
    mw_err err = {0};
    write_parts(p);
    mw_mblock *b = mw_mblock_open(p->m.path, &err);
    if (b)
        read_all(b);
    else
        assert_true(err.code == MW_ECORRUPT && err.msg[0]);
    p->opened += b != NULL;
    p->refused += b == NULL;
    mw_mblock_release(b);
    unlink(p->m.path);
    return b ? MW_OK : err.code;
}

/* With BYTES, of exactly N, as section TYPE. */
static int try_with(parts *p, uint32_t type, const char *bytes, size_t n)
{
    mw_str was = p->section[type];
    p->section[type] = (mw_str){bytes, n};
    int code = try(p);
    p->section[type] = was;
    return code;
}

/* -- damage --------------------------------------------------------------------------------- */

static void each_byte(parts *p, uint32_t type, size_t stride)
{
    mw_str s = p->section[type];
    char *bad = mw_alloc(s.n + 1);
    memcpy(bad, s.p, s.n);
    for (size_t at = 0; at < s.n; at += stride) {
        const char with[] = {0, 127, (char)255, (char)(s.p[at] + 1), (char)(s.p[at] ^ 64)};
        for (size_t i = 0; i < sizeof with; i++) {
            bad[at] = with[i];
            try_with(p, type, bad, s.n);
        }
        bad[at] = s.p[at];
    }
    mw_free(bad);
}

static void a_changed_byte_anywhere_does_no_harm(void **state)
{
    for (size_t pods = 0; pods < 9; pods += 4) {
        parts p;
        parts_init(&p, "byte", pods, pods == 8 ? 7 : 0);
        for (uint32_t type = MW_MB_META; type < MW_MB_SECTIONS; type++) {
            size_t n = p.section[type].n;
            each_byte(&p, type, type == MW_MB_KEYS ? 64 : 1 + n / 50);
        }
        assert_true(p.opened > 0 && p.refused > 0);
        parts_deinit(&p);
    }
}

static void a_section_cut_short_or_too_long_does_no_harm(void **state)
{
    parts p;
    parts_init(&p, "cut", 6, 11);
    for (uint32_t type = MW_MB_SAMPLES; type < MW_MB_SECTIONS; type++) {
        mw_str s = p.section[type];
        size_t step = 1 + s.n / 100;
        for (size_t n = 0; n < s.n; n += step) try_with(&p, type, s.p, n);
        char *longer = mw_zalloc(s.n + 9);
        memcpy(longer, s.p, s.n);
        try_with(&p, type, longer, s.n + 1);
        try_with(&p, type, longer, s.n + 9);
        mw_free(longer);
    }
    parts_deinit(&p);
}

static void a_block_without_one_of_its_sections_does_no_harm(void **state)
{
    parts p;
    parts_init(&p, "without", 4, 0);
    for (uint32_t type = MW_MB_SAMPLES; type < MW_MB_SECTIONS; type++) {
        int code = try_with(&p, type, NULL, 0);
        if (type == MW_MB_META || type == MW_MB_KEYS || type == MW_MB_SERIES_INDEX ||
            type == MW_MB_FIGURE_INDEX || type == MW_MB_VALUE_INDEX || type == MW_MB_NAMES ||
            type == MW_MB_SHAPES || type == MW_MB_LEAD)
            assert_int_equal(code, MW_ECORRUPT);
    }
    assert_int_equal(try(&p), MW_OK);
    parts_deinit(&p);
}

static void sections_of_other_blocks_do_no_harm(void **state)
{
    parts p, q;
    parts_init(&p, "mine", 6, 0);
    parts_init(&q, "other", 9, 5);
    for (uint32_t type = MW_MB_SAMPLES; type < MW_MB_SECTIONS; type++) {
        try_with(&p, type, q.section[type].p, q.section[type].n);
        for (uint32_t from = MW_MB_SAMPLES; from < MW_MB_SECTIONS; from++)
            try_with(&p, type, p.section[from].p, p.section[from].n);
    }
    parts_deinit(&p);
    parts_deinit(&q);
}

static void mutated_sections_do_no_harm(void **state)
{
    for (size_t pods = 0; pods < 9; pods += 4) {
        parts p;
        parts_init(&p, "mutated", pods, pods == 8 ? 7 : 0);
        for (int round = 0; round < 700; round++) {
            uint32_t type = MW_MB_META + (uint32_t)mutator_below(&p.m.random, 11);
            size_t n;
            char *bad = mutate(&p.m.random, p.section[type].p, p.section[type].n, &n);
            try_with(&p, type, bad, n);
            free(bad);
        }
        parts_deinit(&p);
    }
}

static void random_sections_do_no_harm(void **state)
{
    parts p;
    parts_init(&p, "random", 6, 0);
    for (int round = 0; round < 1500; round++) {
        uint32_t type = MW_MB_META + (uint32_t)mutator_below(&p.m.random, 11);
        size_t n = p.section[type].n, most = mutator_below(&p.m.random, 2) ? 256 : 8;
        if (mutator_below(&p.m.random, 3) == 0) n = mutator_below(&p.m.random, 200);
        char *bad = malloc(n + 1);
        for (size_t i = 0; i < n; i++) bad[i] = (char)mutator_below(&p.m.random, most);
        try_with(&p, type, bad, n);
        free(bad);
    }
    parts_deinit(&p);
}

/* -- damage with a plan --------------------------------------------------------------------- */

/* A number of KEYS that the file really holds, and figures and series that say nothing of them. */
static void counts_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint32_t as;
    } wrong[] = {{0, 2}, {4, 0}, {4, 1}, {4, UINT32_MAX}, {4, UINT32_MAX - 1}, {20, 0x7fffffff}};
    parts p;
    parts_init(&p, "counts", 4, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char meta[MW_MB_META_BYTES];
        memcpy(meta, p.section[MW_MB_META].p, sizeof meta);
        mw_le32_put(meta + wrong[i].at, wrong[i].as);
        assert_int_equal(try_with(&p, MW_MB_META, meta, sizeof meta), MW_ECORRUPT);
    }
    parts_deinit(&p);
}

static void numbers_of_things_that_cannot_be_there_are_refused(void **state)
{
    static const uint32_t types[] = {MW_MB_NAMES, MW_MB_SHAPES, MW_MB_LEAD};
    static const uint64_t counts[] = {1000000, UINT32_MAX, (uint64_t)1 << 32, INT64_MAX,
                                      UINT64_MAX};
    parts p;
    parts_init(&p, "numbers", 4, 0);
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            mw_buf b = {0};
            mw_mb_put(&b, counts[i]);
            mw_buf_add(&b, p.section[types[t]].p, p.section[types[t]].n);
            assert_int_equal(try_with(&p, types[t], b.p, b.n), MW_ECORRUPT);
            mw_buf_deinit(&b);
        }
    parts_deinit(&p);
}

/* Every value begins at the front and ends at the back: labels would be as long as they like. */
static void values_that_lie_over_each_other_are_refused(void **state)
{
    parts p;
    parts_init(&p, "over", 4, 0);
    size_t n = p.section[MW_MB_VALUE_INDEX].n;
    char *index = mw_zalloc(n);
    for (size_t i = 4; i < n; i += 8) mw_le32_put(index + i, (uint32_t)p.section[MW_MB_VALUES].n);
    assert_int_equal(try_with(&p, MW_MB_VALUE_INDEX, index, n), MW_ECORRUPT);
    mw_free(index);
    parts_deinit(&p);
}

/* The figures of all series, the first one's as RUNS say. */
static int try_figures(parts *p, const mw_run_ref *runs, size_t n)
{
    mw_buf b = {0}, index = {0};
    for (uint32_t i = 0; i < p->good->series; i++) {
        if (i % MW_MB_FIGURE_GROUP == 0) {
            mw_le32_put(mw_buf_room(&index, 4), (uint32_t)b.n);
            index.n += 4;
            mw_mb_put(&b, 0);
        }
        mw_mb_figures_put(&p->good->usual, runs, i ? 0 : n, &b);
    }
    mw_str was = p->section[MW_MB_FIGURE_INDEX];
    p->section[MW_MB_FIGURE_INDEX] = (mw_str){index.p, index.n};
    assert_int_equal(try_with(p, MW_MB_FIGURES, b.p, b.n), MW_OK);
    mw_str figures = p->section[MW_MB_FIGURES];
    p->section[MW_MB_FIGURES] = (mw_str){b.p, b.n};
    write_parts(p);
    mw_err err = {0};
    mw_run_ref *got = NULL;
    size_t k = 0, cap = 0;
    mw_mblock *block = mw_mblock_open(p->m.path, &err);
    int code = mw_mblock_runs(block, 0, INT64_MIN, INT64_MAX, &got, &k, &cap, &err);
    if (code == MW_OK) assert_int_equal(k, n);
    mw_free(got);
    mw_mblock_release(block);
    p->section[MW_MB_FIGURE_INDEX] = was;
    p->section[MW_MB_FIGURES] = figures;
    mw_buf_deinit(&b);
    mw_buf_deinit(&index);
    return code;
}

static void runs_that_cannot_be_are_refused(void **state)
{
    parts p;
    parts_init(&p, "runs", 4, 0);
    const mw_mblock_meta *meta = mw_mblock_meta_of(p.good);
    mw_run_ref good = {.stats = {.n = 10, .min_t = meta->min_t, .max_t = meta->min_t + 90}};
    mw_run_ref runs[2] = {good, good};
    good.bytes.n = 8;
    runs[1].stats.min_t += 100, runs[1].stats.max_t += 100;
    assert_int_equal(try_figures(&p, runs, 2), MW_OK);
    runs[1].stats.min_t = meta->min_t + 80; /* before the end of the first */
    assert_int_equal(try_figures(&p, runs, 2), MW_ECORRUPT);
    runs[1].stats.min_t = meta->min_t + 100;
    runs[1].stats.max_t = meta->max_t + 1;
    assert_int_equal(try_figures(&p, runs, 2), MW_ECORRUPT);
    runs[0].stats.min_t--;
    assert_int_equal(try_figures(&p, runs, 1), MW_ECORRUPT);
    runs[0] = good;
    runs[0].bytes.n = p.section[MW_MB_SAMPLES].n;
    assert_int_equal(try_figures(&p, runs, 1), MW_OK);
    runs[0].bytes.n++;
    assert_int_equal(try_figures(&p, runs, 1), MW_ECORRUPT);
    runs[0].bytes.n = SIZE_MAX;
    assert_int_equal(try_figures(&p, runs, 1), MW_ECORRUPT);
    runs[0] = good;
    runs[0].stats.n = MW_PACKED_MAX + 1;
    assert_int_equal(try_figures(&p, runs, 1), MW_ECORRUPT);
    runs[0].kind = MW_RUN_HISTOGRAMS;
    assert_int_equal(try_figures(&p, runs, 1), MW_OK);
    runs[0].stats.n = 0;
    assert_int_equal(try_figures(&p, runs, 1), MW_ECORRUPT);
    runs[0] = good;
    runs[0].stats.resets = 11;
    assert_int_equal(try_figures(&p, runs, 1), MW_ECORRUPT);
    parts_deinit(&p);
}

/* An allocation that only a forged number asks for ends the test. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit most = {1u << 30, 1u << 30};
    setrlimit(RLIMIT_AS, &most);
#endif
}

int main(void)
{
    limit_memory();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_byte_anywhere_does_no_harm),
        cmocka_unit_test(a_section_cut_short_or_too_long_does_no_harm),
        cmocka_unit_test(a_block_without_one_of_its_sections_does_no_harm),
        cmocka_unit_test(sections_of_other_blocks_do_no_harm),
        cmocka_unit_test(mutated_sections_do_no_harm),
        cmocka_unit_test(random_sections_do_no_harm),
        cmocka_unit_test(counts_that_do_not_fit_are_refused),
        cmocka_unit_test(numbers_of_things_that_cannot_be_there_are_refused),
        cmocka_unit_test(values_that_lie_over_each_other_are_refused),
        cmocka_unit_test(runs_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
