/* fuzz_nhist.c - native histograms: any bytes are decoded; what came out can be told, and written
 * again as it was.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "fuzz/fuzz.h"
#include "model/nhist.h"

static void tell(const mw_nhist *h)
{
    mw_buf b = {0};
    mw_json j;
    mw_nhist_json(h, &b);
    mw_json_init(&j, (mw_str){b.p, b.n}, NULL, NULL);
    mw_json_skip(&j);
    MW_ASSERT(mw_json_end(&j) == MW_OK);
    mw_buf_reset(&b);
    mw_nhist_text(h, &b);
    MW_ASSERT(b.n);
    mw_nhist_is_stale(h);
    mw_buf_deinit(&b);
}

static void write_again(const mw_nhist *h, mw_arena *a)
{
    mw_buf once = {0}, twice = {0};
    mw_nhist *back = NULL;
    mw_nhist_encode(h, &once);
    MW_ASSERT(mw_nhist_decode((mw_str){once.p, once.n}, a, &back, NULL) == MW_OK);
    mw_nhist_encode(back, &twice);
    MW_ASSERT(once.n == twice.n && !memcmp(once.p, twice.p, once.n));
    mw_buf_deinit(&once);
    mw_buf_deinit(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_arena *a = mw_arena_new(1 << 20);
    mw_nhist *h = NULL;
    mw_err err;
    mw_err_init(&err);
    int code = mw_nhist_decode((mw_str){(const char *)data, n}, a, &h, &err);
    MW_ASSERT(code == err.code);
    MW_ASSERT(code == MW_OK || code == MW_EPARSE || code == MW_ELIMIT);
    if (code == MW_OK && mw_nhist_check(h, NULL) == MW_OK) {
        tell(h);
        mw_arena *more = mw_arena_new(0);
        write_again(h, more);
        mw_arena_free(more);
    }
    mw_arena_free(a);
    return 0;
}

/* -- seeds ---------------------------------------------------------------------------------- */

static void write_seeds(void)
{
    static const mw_hspan spans[] = {{-2, 2}, {3, 1}};
    static const double counts[] = {4, 2, 3}, fractions[] = {4.5, 0.25, 3}, bounds[] = {0.1, 1};
    mw_hside none = {0}, some = {spans, counts, 2, 3}, other = {spans, fractions, 2, 3};
    const mw_nhist seeds[] = {
        {.schema = 0},
        {.schema = 3,
         .count = 10,
         .sum = 1.5,
         .zero_threshold = 1e-128,
         .zero_count = 1,
         .pos = some},
        {.schema = -4,
         .hint = MW_RESET_GAUGE,
         .is_float = true,
         .count = 15.5,
         .sum = -2,
         .pos = other,
         .neg = other},
        {.schema = MW_HIST_CUSTOM,
         .count = 9,
         .sum = 3,
         .custom = bounds,
         .n_custom = 2,
         .pos = {(mw_hspan[]){{0, 3}}, counts, 1, 3},
         .neg = none},
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        char name[16];
        mw_buf b = {0};
        mw_nhist_encode(&seeds[i], &b);
        snprintf(name, sizeof name, "hist%zu", i);
        fuzz_seed(name, b.p, b.n);
        mw_buf_deinit(&b);
    }
}

FUZZ_INITIALIZE(NULL, write_seeds)
