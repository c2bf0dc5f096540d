/* test_slab.c - promises of the memory for very many small pieces.  SPDX-License-Identifier: MIT */
#include "test.h"

#include <pthread.h>
#include <stdio.h>

#include "base/slab.h"
#include "mutate.h"

typedef struct piece {
    uint8_t *p;
    size_t size;
    uint8_t fill;
} piece;

enum { PIECES = 4000, STEPS = 200000 };

static void fill(piece *x, uint8_t with)
{
    x->fill = with;
    memset(x->p, with, x->size);
}

static void expect_filled(const piece *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x->p[i] != x->fill) fail_msg("byte %zu of a piece of %zu was overwritten", i, x->size);
}

/* Small ones mostly, some around the limit, some beyond it. */
static size_t some_size(mutator *m)
{
    size_t r = mutator_next(m) % 100;
    if (r < 80) return mutator_next(m) % 200;
    return r < 95 ? mutator_next(m) % (MW_SLAB_MOST + 64) : mutator_next(m) % 20000;
}

static void change(mw_slab *s, mutator *m, piece *x)
{
    if (!x->p) {
        x->size = some_size(m);
        x->p = mw_slab_take(s, x->size);
        assert_int_equal((uintptr_t)x->p % 16, 0);
        if (s && x->size && x->size % 64 == 0 && x->size <= MW_SLAB_MOST)
            assert_int_equal((uintptr_t)x->p % 64, 0);
    } else if (mutator_next(m) % 3) {
        expect_filled(x, x->size);
        mw_slab_give(s, x->p, x->size);
        *x = (piece){0};
        return;
    } else {
        size_t from = x->size, to = some_size(m);
        x->p = mw_slab_resize(s, x->p, from, to);
        x->size = to;
        expect_filled(x, from < to ? from : to);
    }
    fill(x, (uint8_t)mutator_next(m));
}

static void churn(mw_slab *s, uint32_t seed)
{
    mutator m = {seed};
    piece *all = calloc(PIECES, sizeof *all);
    for (int i = 0; i < STEPS; i++) change(s, &m, &all[mutator_next(&m) % PIECES]);
    for (int i = 0; i < PIECES; i++) {
        if (all[i].p) expect_filled(&all[i], all[i].size);
        mw_slab_give(s, all[i].p, all[i].size);
    }
    free(all);
}

static void pieces_keep_their_bytes_and_never_overlap(void **state)
{
    mw_slab *s = mw_slab_new();
    churn(s, 1);
    churn(s, 2);
    mw_slab_free(s);
    churn(NULL, 3);
}

struct worker {
    pthread_t thread;
    mw_slab *slab;
    uint32_t seed;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    churn(w->slab, w->seed);
    return NULL;
}

static void threads_may_share_one(void **state)
{
    struct worker w[4];
    mw_slab *s = mw_slab_new();
    for (uint32_t i = 0; i < 4; i++) {
        w[i] = (struct worker){.slab = s, .seed = 10 + i};
        assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(w[i].thread, NULL);
    mw_slab_free(s);
}

static size_t pages_mapped(void)
{
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%zu", &pages), 1);
    fclose(f);
    return pages;
}

static void what_was_given_back_serves_other_sizes_and_returns_to_the_system(void **state)
{
    enum { MANY = 400000, SIZE = 160 }; /* 64 MB */
    mw_slab *s = mw_slab_new();
    void **all = calloc(MANY, sizeof *all);
    size_t before = pages_mapped();
    for (int i = 0; i < MANY; i++) all[i] = mw_slab_take(s, SIZE);
    size_t full = pages_mapped();
    assert_true(full - before > (size_t)MANY * SIZE / 4096);
    assert_true(full - before < (size_t)MANY * SIZE / 4096 * 21 / 20 + 2048);
    for (int i = 0; i < MANY / 2; i++) mw_slab_give(s, all[i], SIZE);
    for (int i = 0; i < MANY / 2; i++) all[i] = mw_slab_take(s, SIZE - 16);
    assert_true(pages_mapped() <= full);
    for (int i = 0; i < MANY; i++) mw_slab_give(s, all[i], i < MANY / 2 ? SIZE - 16 : SIZE);
    assert_true(pages_mapped() - before < (8 << 20) / 4096);
    free(all);
    mw_slab_free(s);
}

static void nothing_is_a_piece_too(void **state)
{
    mw_slab *s = mw_slab_new();
    mw_slab_give(s, NULL, 100);
    void *p = mw_slab_take(s, 0), *q = mw_slab_take(s, 0);
    assert_ptr_not_equal(p, q);
    mw_slab_give(s, p, 0);
    mw_slab_give(s, q, 0);
    p = mw_slab_resize(s, NULL, 0, 8);
    assert_non_null(p);
    p = mw_slab_resize(s, p, 8, MW_SLAB_MOST + 1);
    mw_slab_give(s, p, MW_SLAB_MOST + 1);
    mw_slab_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_keep_their_bytes_and_never_overlap),
        cmocka_unit_test(threads_may_share_one),
        cmocka_unit_test(what_was_given_back_serves_other_sizes_and_returns_to_the_system),
        cmocka_unit_test(nothing_is_a_piece_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
