/* said.h - errors and notes that a script expects, and whether they were given.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_PROMQL_SAID_H
#define MW_TESTS_PROMQL_SAID_H
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "model/matcher.h"

enum { SAID_FAIL, SAID_WARN, SAID_INFO, SAID_KINDS };

/* What must be said: every one of these, and no other of a kind that has some. */
struct said {
    int kind;
    bool regex;
    char text[512];
};

/* An error as clients see it. */
static void error_text(const mw_err *err, char out[600])
{
    if (err->line)
        snprintf(out, 600, "%d:%d: parse error: %s", err->line, err->col, err->msg);
    else
        snprintf(out, 600, "%s", err->msg);
}

static bool is_said(const struct said *want, const char *got)
{
    if (want->regex) {
        char pattern[600];
        snprintf(pattern, sizeof pattern, ".*(%s).*", want->text);
        mw_regex *re = mw_regex_new(mw_str_of(pattern), NULL);
        bool found = re && mw_regex_matches(re, mw_str_of(got));
        mw_regex_free(re);
        return found;
    }
    const char *place = want->kind == SAID_FAIL ? strstr(got, "parse error: ") : NULL;
    if (place && !strcmp(place + 13, want->text)) return true;
    size_t n = strlen(want->text);
    if (strncmp(got, want->text, n)) return false;
    return !got[n] ||
           (want->kind != SAID_FAIL && (!strncmp(got + n, " (", 2) || !strncmp(got + n, ", ", 2)));
}

#endif
