/* fuzz_matcher.c - matchers: the pattern up to the first newline, behind it the values.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/fuzz.h"
#include "model/matcher.h"

static void match(mw_str pattern, mw_str value)
{
    mw_matcher m[4];
    bool yes[4];
    mw_err err;
    mw_err_init(&err);
    if (mw_matcher_init(&m[MW_MATCH_RE], MW_MATCH_RE, MW_STR("l"), pattern, &err) != MW_OK) {
        MW_ASSERT(err.code != MW_OK && err.msg[0]);
        return;
    }
    mw_matcher_init(&m[MW_MATCH_NRE], MW_MATCH_NRE, MW_STR("l"), pattern, NULL);
    mw_matcher_init(&m[MW_MATCH_EQ], MW_MATCH_EQ, MW_STR("l"), pattern, NULL);
    mw_matcher_init(&m[MW_MATCH_NE], MW_MATCH_NE, MW_STR("l"), pattern, NULL);
    for (int i = 0; i < 4; i++) {
        yes[i] = mw_matcher_matches(&m[i], value);
        mw_matcher_deinit(&m[i]);
    }
    MW_ASSERT(yes[MW_MATCH_EQ] == mw_str_eq(pattern, value));
    MW_ASSERT(yes[MW_MATCH_EQ] != yes[MW_MATCH_NE] && yes[MW_MATCH_RE] != yes[MW_MATCH_NRE]);
}

static void capture(mw_str pattern, mw_str value)
{
    mw_regex *re = mw_regex_new(pattern, NULL);
    if (!re) return;
    mw_str piece[10];
    size_t n = mw_regex_capture(re, value, piece, 10);
    for (size_t i = 0; i < n && i < 10; i++)
        if (piece[i].p)
            MW_ASSERT(piece[i].p >= value.p && piece[i].p + piece[i].n <= value.p + value.n);
    mw_regex_group(re, MW_STR("name"));
    mw_regex_free(re);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_str pattern = {(const char *)data, n}, value = {"", 0};
    const char *cut = n ? memchr(data, '\n', n) : NULL;
    if (cut) {
        pattern.n = (size_t)(cut - pattern.p);
        value = (mw_str){cut + 1, n - pattern.n - 1};
    }
    match(pattern, value);
    capture(pattern, value);
    return 0;
}

FUZZ_INITIALIZE(NULL, NULL)
