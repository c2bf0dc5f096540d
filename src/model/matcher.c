/* matcher.c - conditions on labels.
 *
 * A plain text without metacharacters never reaches the regex engine, nor does an alternation of
 * plain texts (a|b|c): both compare bytes.  PCRE2 matching is bounded by a match limit, so that no
 * pattern takes long; a match that hits the limit counts as no match.
 * SPDX-License-Identifier: MIT */
#include "model/matcher.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/mem.h"

enum { MATCH_LIMIT = 100000, PATTERN_MAX = 16384, HEAP_LIMIT_KIB = 20000 };

struct mw_regex {
    pcre2_code *code; /* NULL when LITERALS decide */
    pcre2_match_context *limits;
    mw_str *literals;
    size_t n, cap;
    char *text;
};

/* -- compiling ------------------------------------------------------------------------------ */

/* The alternatives of PATTERN when it is only plain texts joined by "|". */
static bool split_literals(mw_regex *re, mw_str pattern)
{
    if (memchr(pattern.p ? pattern.p : "", 0, pattern.n)) return false;
    for (size_t i = 0; i < pattern.n; i++)
        if (strchr(".+*?()[]{}^$\\", pattern.p[i])) return false;
    re->text = mw_strndup(pattern.p ? pattern.p : "", pattern.n);
    mw_str rest = {re->text, pattern.n};
    for (;;) {
        const char *bar = rest.n ? memchr(rest.p, '|', rest.n) : NULL;
        size_t n = bar ? (size_t)(bar - rest.p) : rest.n;
        MW_PUSH(re->literals, re->n, re->cap, ((mw_str){rest.p, n}));
        if (!bar) return true;
        rest = (mw_str){bar + 1, rest.n - n - 1};
    }
}

/* TEXT, which has PATTERN behind FRONT bytes. */
static pcre2_code *compile_text(mw_str text, mw_str pattern, size_t front, mw_err *err)
{
    static const uint32_t opts =
        PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_INVALID_UTF;
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR why[160];
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)text.p, text.n, opts, &code, &at, NULL);
    if (re) return re;
    pcre2_get_error_message(code, why, sizeof why);
    mw_fail(err, MW_EPARSE, 0, 0, "invalid regular expression \"%.*s\": %s at offset %d",
            MW_STR_ARG(pattern), why, at > front ? (int)(at - front) : 0);
    return NULL;
}

/* Behind the class of characters that begins at I. */
static size_t class_end(mw_str p, size_t i)
{
    i += i + 1 < p.n && p.p[i + 1] == '^' ? 2 : 1;
    if (i < p.n && p.p[i] == ']') i++;
    while (i < p.n && p.p[i] != ']') {
        const char *posix = i + 1 < p.n && p.p[i] == '[' && p.p[i + 1] == ':'
                                ? memmem(p.p + i + 2, p.n - i - 2, ":]", 2)
                                : NULL;
        i = posix ? (size_t)(posix - p.p) + 2 : i + (p.p[i] == '\\' ? 2 : 1);
    }
    return i < p.n ? i + 1 : p.n;
}

/* Behind the text between \Q and \E whose \Q is at I. */
static size_t literal_end(mw_str p, size_t i)
{
    const char *end = memmem(p.p + i, p.n - i, "\\E", 2);
    return end ? (size_t)(end - p.p) + 2 : p.n;
}

/* PATTERN with \D, \S and \W in brackets.  Without, the machine code that PCRE2 10.42 makes of them
 * (with PCRE2_MATCH_INVALID_UTF) takes no character beyond ASCII. */
static void add_pattern(mw_buf *b, mw_str p)
{
    for (size_t i = 0; i < p.n;) {
        char next = i + 1 < p.n ? p.p[i + 1] : 0;
        size_t end = i + 1;
        if (p.p[i] == '[')
            end = class_end(p, i);
        else if (p.p[i] == '\\')
            end = next == 'Q' ? literal_end(p, i) : i + 1 < p.n ? i + 2 : p.n;
        bool negated = p.p[i] == '\\' && next && strchr("DSW", next);
        if (negated) mw_buf_text(b, "[");
        mw_buf_str(b, (mw_str){p.p + i, end - i});
        if (negated) mw_buf_text(b, "]");
        i = end;
    }
}

/* On its own first: what closes the brackets around it would match more than it may. */
static int compile(mw_regex *re, mw_str pattern, const char *front, const char *back, mw_err *err)
{
    pcre2_code *alone = compile_text(pattern, pattern, 0, err);
    pcre2_code_free(alone);
    if (!alone) return MW_EPARSE;
    mw_buf b;
    mw_buf_init(&b);
    mw_buf_text(&b, front);
    add_pattern(&b, pattern);
    mw_buf_text(&b, back);
    re->code = compile_text((mw_str){b.p, b.n}, pattern, strlen(front), err);
    mw_buf_deinit(&b);
    if (!re->code) return MW_EPARSE;
    pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
    re->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(re->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(re->limits, HEAP_LIMIT_KIB);
    return MW_OK;
}

static bool too_long(mw_str pattern, mw_err *err)
{
    if (pattern.n <= PATTERN_MAX) return false;
    mw_fail(err, MW_ETOOBIG, 0, 0, "regular expression of %zu bytes; at most %d are allowed",
            pattern.n, PATTERN_MAX);
    return true;
}

static mw_regex *new_regex(mw_str pattern, const char *front, mw_err *err)
{
    if (too_long(pattern, err)) return NULL;
    mw_regex *re = mw_zalloc(sizeof *re);
    if (split_literals(re, pattern) || compile(re, pattern, front, ")$", err) == MW_OK) return re;
    mw_regex_free(re);
    return NULL;
}

mw_regex *mw_regex_new(mw_str pattern, mw_err *err) { return new_regex(pattern, "^(?s:", err); }

mw_regex *mw_regex_new_of_lines(mw_str pattern, mw_err *err)
{
    return new_regex(pattern, "^(?:", err);
}

mw_regex *mw_regex_new_search(mw_str pattern, mw_err *err)
{
    if (too_long(pattern, err)) return NULL;
    mw_regex *re = mw_zalloc(sizeof *re);
    if (compile(re, pattern, "(?:", ")", err) == MW_OK) return re;
    mw_regex_free(re);
    return NULL;
}

size_t mw_regex_bytes(const mw_regex *re)
{
    size_t bytes = sizeof *re + re->cap * sizeof *re->literals, code = 0, machine = 0;
    if (!re->code) return bytes;
    pcre2_pattern_info(re->code, PCRE2_INFO_SIZE, &code);
    pcre2_pattern_info(re->code, PCRE2_INFO_JITSIZE, &machine);
    return bytes + code + machine;
}

void mw_regex_free(mw_regex *re)
{
    if (!re) return;
    pcre2_code_free(re->code);
    pcre2_match_context_free(re->limits);
    mw_free(re->literals);
    mw_free(re->text);
    mw_free(re);
}

/* -- matching ------------------------------------------------------------------------------- */

static bool is_literal(const mw_regex *re, mw_str s)
{
    for (size_t i = 0; i < re->n; i++)
        if (mw_str_eq(re->literals[i], s)) return true;
    return false;
}

size_t mw_regex_capture(const mw_regex *re, mw_str s, mw_str *out, size_t n)
{
    if (!s.p) s.p = "";
    if (!re->code) {
        if (!is_literal(re, s)) return 0;
        if (n) out[0] = s;
        return 1;
    }
    return mw_regex_find(re, s, 0, out, n);
}

size_t mw_regex_find_or(const mw_regex *re, mw_str s, size_t from, mw_str *out, size_t n,
                        bool *gave_up)
{
    if (!s.p) s.p = "";
    pcre2_match_data *md = pcre2_match_data_create_from_pattern(re->code, NULL);
    int rc = pcre2_match(re->code, (PCRE2_SPTR)s.p, s.n, from, 0, md, re->limits);
    const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(md);
    for (size_t i = 0; rc > 0 && i < n; i++) {
        bool set = i < (size_t)rc && ov[2 * i] != PCRE2_UNSET;
        out[i] = set ? (mw_str){s.p + ov[2 * i], ov[2 * i + 1] - ov[2 * i]} : (mw_str){NULL, 0};
    }
    pcre2_match_data_free(md);
    *gave_up = rc < 0 && rc != PCRE2_ERROR_NOMATCH;
    return rc > 0 ? (size_t)rc : 0;
}

size_t mw_regex_find(const mw_regex *re, mw_str s, size_t from, mw_str *out, size_t n)
{
    bool gave_up;
    return mw_regex_find_or(re, s, from, out, n, &gave_up);
}

bool mw_regex_matches(const mw_regex *re, mw_str s) { return mw_regex_capture(re, s, NULL, 0) > 0; }

size_t mw_regex_groups(const mw_regex *re)
{
    uint32_t n = 0;
    if (re->code) pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &n);
    return n;
}

int mw_regex_group(const mw_regex *re, mw_str name)
{
    char z[128];
    if (!re->code || name.n >= sizeof z) return -1;
    memcpy(z, name.p, name.n);
    z[name.n] = 0;
    int n = pcre2_substring_number_from_name(re->code, (PCRE2_SPTR)z);
    return n < 0 ? -1 : n;
}

/* -- matchers ------------------------------------------------------------------------------- */

int mw_matcher_init(mw_matcher *m, mw_match_op op, mw_str name, mw_str value, mw_err *err)
{
    *m = (mw_matcher){.op = op};
    if (op == MW_MATCH_RE || op == MW_MATCH_NRE) {
        m->regex = mw_regex_new(value, err);
        if (!m->regex) return MW_EPARSE;
    }
    m->name = (mw_str){mw_strndup(name.p, name.n), name.n};
    m->value = (mw_str){mw_strndup(value.p ? value.p : "", value.n), value.n};
    return MW_OK;
}

void mw_matcher_deinit(mw_matcher *m)
{
    mw_free((char *)m->name.p);
    mw_free((char *)m->value.p);
    mw_regex_free(m->regex);
    *m = (mw_matcher){0};
}

bool mw_matcher_matches(const mw_matcher *m, mw_str value)
{
    switch (m->op) {
    case MW_MATCH_EQ: return mw_str_eq(m->value, value);
    case MW_MATCH_NE: return !mw_str_eq(m->value, value);
    case MW_MATCH_RE: return mw_regex_matches(m->regex, value);
    case MW_MATCH_NRE: return !mw_regex_matches(m->regex, value);
    }
    return false;
}

bool mw_matchers_match(const mw_matcher *m, size_t n, const mw_labels *ls)
{
    for (size_t i = 0; i < n; i++)
        if (!mw_matcher_matches(&m[i], mw_labels_find(ls, m[i].name.p))) return false;
    return true;
}

bool mw_matchers_admit(const mw_matcher *m, size_t n, mw_str metric)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_is(m[i].name, MW_METRIC_NAME) && !mw_matcher_matches(&m[i], metric))
            return false;
    return true;
}

const char *mw_match_op_text(mw_match_op op)
{
    static const char *const texts[] = {"=", "!=", "=~", "!~"};
    return texts[op];
}
