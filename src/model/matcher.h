/* matcher.h - one condition on a label: name = != =~ !~ value.
 *
 * Regular expressions are PCRE2 with match limits, fully anchored, "." matching newlines, as in
 * Prometheus 3.  A matcher is immutable once made; any thread may use it.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_MATCHER_H
#define MW_MODEL_MATCHER_H
#include "base/err.h"
#include "model/labels.h"

typedef enum mw_match_op { MW_MATCH_EQ, MW_MATCH_NE, MW_MATCH_RE, MW_MATCH_NRE } mw_match_op;

typedef struct mw_regex mw_regex;

typedef struct mw_matcher {
    mw_match_op op;
    mw_str name, value; /* owned, NUL-terminated */
    mw_regex *regex;    /* NULL for EQ and NE */
} mw_matcher;

int mw_matcher_init(mw_matcher *m, mw_match_op op, mw_str name, mw_str value, mw_err *err);
void mw_matcher_deinit(mw_matcher *m);

bool mw_matcher_matches(const mw_matcher *m,
                        mw_str value); /* an absent label is the empty string */
bool mw_matchers_match(const mw_matcher *m, size_t n, const mw_labels *ls);
/* May a series called METRIC be among them, whatever other labels it has? */
bool mw_matchers_admit(const mw_matcher *m, size_t n, mw_str metric);
const char *mw_match_op_text(mw_match_op op); /* "=~" */

/* For others that need an anchored regex: NULL after filling ERR.  In the second one "." is no line
 * break, as in Prometheus 2. */
mw_regex *mw_regex_new(mw_str pattern, mw_err *err);
mw_regex *mw_regex_new_of_lines(mw_str pattern, mw_err *err);
/* Not anchored, for mw_regex_find only; as Go's regexp: "." is no line break. */
mw_regex *mw_regex_new_search(mw_str pattern, mw_err *err);
size_t mw_regex_bytes(const mw_regex *re); /* about what it takes from memory */
void mw_regex_free(mw_regex *re);
bool mw_regex_matches(const mw_regex *re, mw_str s);
/* Captures: fills up to N pieces (0 = whole match; absent groups are {NULL,0}); count or 0. */
size_t mw_regex_capture(const mw_regex *re, mw_str s, mw_str *out, size_t n);
/* The same of the first match from byte FROM of S on. */
size_t mw_regex_find(const mw_regex *re, mw_str s, size_t from, mw_str *out, size_t n);
/* The same; *GAVE_UP when nobody knows, because it would take too long. */
size_t mw_regex_find_or(const mw_regex *re, mw_str s, size_t from, mw_str *out, size_t n,
                        bool *gave_up);
size_t mw_regex_groups(const mw_regex *re);          /* how many it has, the whole not counted */
int mw_regex_group(const mw_regex *re, mw_str name); /* number of a named group, or -1 */

#endif
