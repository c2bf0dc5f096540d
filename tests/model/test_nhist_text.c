/* test_nhist_text.c - promises of native histograms: told as the Prometheus API tells them.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "model/nhist.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
/* Spans and counts as arrays, as one side of a histogram. */
#define SIDE(spans, counts)                        \
    {                                              \
        spans, counts, COUNT(spans), COUNT(counts) \
    }

static const mw_hspan two[] = {{0, 2}}, all_custom[] = {{0, 4}};
static const double small[] = {1, 2}, bounds[] = {-1, 0.25, 5}, four[] = {1, 2, 3, 4};
static const mw_hspan apart[] = {{0, 2}, {1, 1}}, one[] = {{0, 1}}, last[] = {{1024, 2}},
                      last8[] = {{262144, 2}}, deep[] = {{-1100, 1}}, third[] = {{0, 3}},
                      wide4[] = {{64, 2}}, first8[] = {{1, 2}}, top8[] = {{255, 1}};
static const double three[] = {3, 0, 2}, million[] = {2500000}, ones[] = {1, 1}, once[] = {1},
                    five[] = {5}, tenths[] = {0.1, 0.2, 0.4};
static const double millis[] = {0.001, 1000000};

static const struct telling {
    mw_nhist h;
    const char *json, *text;
} tellings[] = {
    {{0}, "{\"count\":\"0\",\"sum\":\"0\"}", "{count:0, sum:0}"},
    {{.count = 3, .sum = 5, .pos = SIDE(two, small)},
     "{\"count\":\"3\",\"sum\":\"5\",\"buckets\":[[0,\"0.5\",\"1\",\"1\"],[0,\"1\",\"2\",\"2\"]]}",
     "{count:3, sum:5, (0.5,1]:1, (1,2]:2}"},
    /* the most negative first, then the zero bucket; empty ones are left out */
    {{.count = 11,
      .sum = -1.5,
      .zero_threshold = 0.001,
      .zero_count = 3,
      .pos = SIDE(two, small),
      .neg = SIDE(apart, three)},
     "{\"count\":\"11\",\"sum\":\"-1.5\",\"buckets\":[[1,\"-8\",\"-4\",\"2\"],[1,\"-1\",\"-0.5\","
     "\"3\"],[3,\"-0.001\",\"0.001\",\"3\"],[0,\"0.5\",\"1\",\"1\"],[0,\"1\",\"2\",\"2\"]]}",
     "{count:11, sum:-1.5, [-8,-4):2, [-1,-0.5):3, [-0.001,0.001]:3, (0.5,1]:1, (1,2]:2}"},
    /* bounds of its own: the first bucket has both ends, the last one goes to infinity */
    {{.schema = MW_HIST_CUSTOM,
      .count = 10,
      .sum = 2,
      .custom = bounds,
      .n_custom = 3,
      .pos = SIDE(all_custom, four)},
     "{\"count\":\"10\",\"sum\":\"2\",\"buckets\":[[3,\"-Inf\",\"-1\",\"1\"],[0,\"-1\",\"0.25\","
     "\"2\"],[0,\"0.25\",\"5\",\"3\"],[0,\"5\",\"+Inf\",\"4\"]]}",
     "{count:10, sum:2, [-Inf,-1]:1, (-1,0.25]:2, (0.25,5]:3, (5,+Inf]:4}"},
    /* numbers with exponents: in JSON beyond 1e-6 and 1e21, in text beyond 1e-4 and a million */
    {{.schema = MW_HIST_CUSTOM,
      .count = 2500000,
      .sum = 1e21,
      .custom = millis,
      .n_custom = 2,
      .pos = SIDE(one, million)},
     "{\"count\":\"2500000\",\"sum\":\"1e+21\",\"buckets\":[[3,\"-Inf\",\"0.001\",\"2500000\"]]}",
     "{count:2.5e+06, sum:1e+21, [-Inf,0.001]:2.5e+06}"},
    {{.count = 5, .sum = -123456789012, .zero_threshold = 0x1p-128, .zero_count = 5},
     "{\"count\":\"5\",\"sum\":\"-123456789012\",\"buckets\":[[3,\"-2.938735877055719e-39\","
     "\"2.938735877055719e-39\",\"5\"]]}",
     "{count:5, sum:-1.23456789012e+11, [-2.938735877055719e-39,2.938735877055719e-39]:5}"},
    /* what the zero bucket reaches into is cut, in JSON */
    {{.count = 6,
      .zero_threshold = 0.75,
      .zero_count = 2,
      .pos = SIDE(one, once),
      .neg = SIDE(two, small)},
     "{\"count\":\"6\",\"sum\":\"0\",\"buckets\":[[1,\"-2\",\"-1\",\"2\"],[1,\"-1\",\"-0.75\","
     "\"1\"],[3,\"-0.75\",\"0.75\",\"2\"],[0,\"0.75\",\"1\",\"1\"]]}",
     "{count:6, sum:0, [-2,-1):2, [-1,-0.5):1, [-0.75,0.75]:2, (0.5,1]:1}"},
    /* float counts */
    {{.schema = -1, .is_float = true, .count = 0.7, .sum = NAN, .pos = SIDE(third, tenths)},
     "{\"count\":\"0.7\",\"sum\":\"NaN\",\"buckets\":[[0,\"0.25\",\"1\",\"0.1\"],[0,\"1\",\"4\","
     "\"0.2\"],[0,\"4\",\"16\",\"0.4\"]]}",
     "{count:0.7, sum:NaN, (0.25,1]:0.1, (1,4]:0.2, (4,16]:0.4}"},
    /* the last bucket of numbers ends with them; the one behind it is for infinity */
    {{.count = 2, .sum = INFINITY, .pos = SIDE(last, ones)},
     "{\"count\":\"2\",\"sum\":\"+Inf\",\"buckets\":[[0,\"8.98846567431158e+307\","
     "\"1.7976931348623157e+308\",\"1\"],[0,\"1.7976931348623157e+308\",\"+Inf\",\"1\"]]}",
     "{count:2, sum:+Inf, (8.98846567431158e+307,1.7976931348623157e+308]:1, "
     "(1.7976931348623157e+308,+Inf]:1}"},
    {{.schema = -4, .count = 2, .pos = SIDE(wide4, ones)},
     "{\"count\":\"2\",\"sum\":\"0\",\"buckets\":[[0,\"2.7430620343968443e+303\","
     "\"1.7976931348623157e+308\",\"1\"],[0,\"1.7976931348623157e+308\",\"+Inf\",\"1\"]]}",
     NULL},
    {{.schema = 8, .count = 2, .pos = SIDE(last8, ones)},
     NULL,
     "{count:2, sum:0, (1.7928322734501122e+308,1.7976931348623157e+308]:1, "
     "(1.7976931348623157e+308,+Inf]:1}"},
    /* below the smallest number nothing is above zero */
    {{.count = 1, .pos = SIDE(deep, once)}, NULL, "{count:1, sum:0, (0,0):1}"},
    /* bounds to the last digit */
    {{.schema = 8, .count = 2, .pos = SIDE(first8, ones)},
     NULL,
     "{count:2, sum:0, (1,1.0027112750502025]:1, (1.0027112750502025,1.0054299011128027]:1}"},
    {{.schema = 8, .count = 5, .pos = SIDE(top8, five)},
     NULL,
     "{count:5, sum:0, (1.9891988469672657,1.9945921121709396]:5}"},
    {{.schema = 1, .count = 3, .pos = SIDE(two, small)},
     NULL,
     "{count:3, sum:0, (0.7071067811865475,1]:1, (1,1.414213562373095]:2}"},
};

static void assert_text(const mw_buf *b, const char *want)
{
    if (!want) return;
    if (b->n != strlen(want) || memcmp(b->p, want, b->n))
        fail_msg("%.*s\nand not\n%s", (int)b->n, b->p, want);
}

static void json_and_text_are_as_the_api_gives_them(void **state)
{
    for (size_t i = 0; i < COUNT(tellings); i++) {
        mw_buf b = {0};
        mw_err err = {0};
        if (mw_nhist_check(&tellings[i].h, &err)) fail_msg("row %zu: %s", i, err.msg);
        mw_nhist_json(&tellings[i].h, &b);
        assert_text(&b, tellings[i].json);
        mw_buf_reset(&b);
        mw_nhist_text(&tellings[i].h, &b);
        assert_text(&b, tellings[i].text);
        mw_buf_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_and_text_are_as_the_api_gives_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
