/* hints.c - what a person can do about a slow query: rows of conditions and what to say.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "promql/explain.h"
#include "promql/functions.h"
#include "promql/print.h"

enum {
    MANY_SERIES = 50000,
    MANY_INNER_STEPS = 1000,
    MANY_STEPS = 2000,
    WINDOWS_PER_STEP = 50,
    SELECTORS_MAX = 256
};

static void say(mw_buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(mw_buf *out, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (out->p[out->n - 1] != '[') mw_buf_byte(out, ',');
    mw_buf_json(out, (mw_str){text, n < (int)sizeof text ? (size_t)n : sizeof text - 1});
}

/* -- matchers ------------------------------------------------------------------------------- */

static bool finds(const mw_matcher *m) { return m->op == MW_MATCH_EQ && m->value.n; }

static void hint_equality(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    (void)x, (void)steps;
    if (n->kind != N_SELECTOR) return;
    for (size_t i = 0; i < n->sel.n_matchers; i++)
        if (finds(&n->sel.matchers[i])) return;
    say(out, "this selector has no equality matcher: it looks through all values of its labels; "
             "name the metric or a label with =");
}

static bool has_meta(mw_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr("\\.+*?()|[]{}^$", s.p[i])) return true;
    return false;
}

static void hint_patterns(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    (void)x, (void)steps;
    for (size_t i = 0; n->kind == N_SELECTOR && i < n->sel.n_matchers; i++) {
        const mw_matcher *m = &n->sel.matchers[i];
        if (m->op != MW_MATCH_RE) continue;
        mw_str name = {m->name.p, m->name.n < 60 ? m->name.n : 60};
        if (!has_meta(m->value))
            say(out, "the pattern for %.*s is a plain text: = finds it at once", MW_STR_ARG(name));
        else if (mw_str_is(m->value, ".*"))
            say(out, "the pattern for %.*s fits everything: leave it out", MW_STR_ARG(name));
        else if (mw_str_starts(m->value, ".*"))
            say(out,
                "the pattern for %.*s begins with .*: every value is tried; begin with what is "
                "known",
                MW_STR_ARG(name));
    }
}

static void hint_series(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    (void)steps;
    const struct trace_row *row = &x->trace->row[n->id];
    if (n->kind != N_SELECTOR || !row->calls || row->series / row->calls < MANY_SERIES) return;
    say(out,
        "this selector reads %zu series: narrow it by a label, or record what is made of it with "
        "a rule",
        row->series / row->calls);
}

static bool same_selector(const struct node *a, const struct node *b)
{
    mw_buf x = {0}, y = {0};
    mw_pq_print_bare(&x, a);
    mw_pq_print_bare(&y, b);
    bool same = x.n == y.n && !memcmp(x.p, y.p, x.n);
    mw_buf_deinit(&x);
    mw_buf_deinit(&y);
    return same;
}

/* How often a selector that reads as SEL was read below N; SEEN_FIRST: also before SEL. */
static size_t count_reads(const struct explain *x, const struct node *n, const struct node *sel,
                          bool *seen_first)
{
    const struct node *child[PQ_ARGS_MAX];
    if (n->kind == N_SELECTOR) {
        const struct trace_row *row = &x->trace->row[n->id];
        bool same = row->calls && !row->recalled && same_selector(n, sel);
        if (same && n->id < sel->id) *seen_first = true;
        return same;
    }
    size_t count = mw_pq_children(n, child, PQ_ARGS_MAX), found = 0;
    for (size_t i = 0; i < count; i++) found += count_reads(x, child[i], sel, seen_first);
    return found;
}

static void hint_repeated(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    (void)steps;
    bool seen_first = false;
    if (n->kind != N_SELECTOR || !x->analyzed || x->trace->n > SELECTORS_MAX) return;
    size_t times = count_reads(x, x->root, n, &seen_first);
    if (times > 1 && !seen_first)
        say(out,
            "this selector is read %zu times, because different things are made of it: an "
            "expression that needs it once, or a rule that records it, reads less",
            times);
}

/* -- steps and windows ---------------------------------------------------------------------- */

static void hint_subquery(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    if (n->kind != N_SUBQUERY) return;
    size_t inner = mw_pq_inner_steps(x, n, steps);
    if (inner >= MANY_INNER_STEPS)
        say(out,
            "this subquery evaluates %zu steps: use a larger step, or record its expression "
            "with a rule",
            inner);
}

static void hint_window(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    if (n->kind != N_SELECTOR || !n->sel.ranged || steps < 2 || n->fixed || !x->query->range)
        return;
    int64_t times = n->sel.when.range_ms / x->query->step;
    if (times >= WINDOWS_PER_STEP && steps == x->steps)
        say(out,
            "each sample is in %lld windows, because the range is that many steps long: a larger "
            "step or a shorter range looks at fewer",
            (long long)times);
}

static void hint_matching(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    (void)steps;
    if (n->kind != N_BINARY || !x->analyzed || PQ_IS_COMPARE(n->bin.op) || PQ_IS_SET(n->bin.op) ||
        n->bin.lhs->type != MW_VALUE_VECTOR || n->bin.rhs->type != MW_VALUE_VECTOR)
        return;
    size_t l = x->trace->row[n->bin.lhs->id].rows, r = x->trace->row[n->bin.rhs->id].rows;
    size_t least = l < r ? l : r, got = x->trace->row[n->id].rows;
    if (least >= 10 && got * 10 < least)
        say(out,
            "few rows find a match on the other side (%zu and %zu become %zu): select only those "
            "that do, or match on (...) fewer labels",
            l, r, got);
}

/* -- all of them ---------------------------------------------------------------------------- */

void mw_pq_say_hints(const struct explain *x, const struct node *n, size_t steps, mw_buf *out)
{
    static void (*const hints[])(const struct explain *, const struct node *, size_t, mw_buf *) = {
        hint_equality, hint_patterns, hint_series,  hint_repeated,
        hint_subquery, hint_window,   hint_matching};
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) hints[i](x, n, steps, out);
}

void mw_pq_say_query_hints(const struct explain *x, mw_buf *out)
{
    if (x->steps > MANY_STEPS)
        say(out, "%zu steps are more than a screen has points: a larger step takes less", x->steps);
    if (x->root->fixed && x->steps > 1)
        say(out, "the answer is the same at every step: an instant query gives it");
}
