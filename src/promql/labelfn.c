/* labelfn.c - functions that make or change labels.  SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "promql/functions.h"
#include "promql/hist.h"

static mw_str text_arg(const struct node *call, size_t i)
{
    return call->call.args[i]->kind == N_STRING ? call->call.args[i]->string : MW_STR("");
}

/* The labels of S with DST set to VALUE, or without DST when VALUE is empty. */
static const mw_labels *with_label(struct ev *e, const struct series *s, mw_str dst, mw_str value)
{
    const mw_labels *from = mw_pq_seen(e, s);
    mw_label *l = mw_pq_alloc(e->run, from->n + 1, sizeof *l);
    size_t n = 0;
    for (uint32_t i = 0; i < from->n; i++)
        if (!mw_str_eq(from->l[i].name, dst)) l[n++] = from->l[i];
    l[n++] = (mw_label){dst, value};
    return mw_pq_labels(e, l, n);
}

static void relabel(struct ev *e, struct series *s, mw_str dst, mw_str value)
{
    s->labels = with_label(e, s, dst, value);
    if (e->run->names_go || mw_str_is(dst, MW_METRIC_NAME)) s->nameless = false;
}

static struct value unique(struct ev *e, struct vec *v)
{
    v->distinct = false;
    mw_pq_merge(e, v, false);
    return mw_pq_vector(*v);
}

static void check_name(struct ev *e, const char *what, const char *fn, mw_str name)
{
    bool old = e->run->opt->closed_ranges; /* Prometheus 2 knows only plain names */
    if (!name.n || !mw_utf8_valid(name) || (old && !mw_label_name_valid(name)))
        mw_pq_throw(e->run, MW_EEXEC, "invalid %s label name in %s(): %.*s", what, fn,
                    MW_STR_ARG(name));
}

/* -- values that are made ------------------------------------------------------------------- */

enum { VALUE_MOST = 1 << 20 };

/* What B holds so far is a value that somebody could have meant; it is not in the arena yet. */
static void check_size(struct ev *e, mw_buf *b, const char *fn)
{
    if (b->n <= VALUE_MOST) return;
    mw_buf_deinit(b);
    mw_pq_throw(e->run, MW_ELIMIT, "%s() makes a label value of more than %d bytes", fn,
                VALUE_MOST);
}

/* The text of B in the arena; B is gone. */
static mw_str keep(struct ev *e, mw_buf *b)
{
    char *kept = mw_arena_strndup(e->run->arena, b->n ? b->p : "", b->n);
    size_t n = b->n;
    mw_buf_deinit(b);
    if (!kept) mw_pq_no_room(e->run);
    mw_pq_tick(e->run, n / 8 + 8);
    return (mw_str){kept, n};
}

/* -- label_replace -------------------------------------------------------------------------- */

/* What follows a "$" in a replacement: its length, and the group it names. */
static size_t reference(mw_str s, mw_str *name)
{
    bool braces = s.n && s.p[0] == '{';
    size_t from = braces, n = from;
    while (n < s.n && (isalnum((unsigned char)s.p[n]) || s.p[n] == '_')) n++;
    *name = (mw_str){s.p + from, n - from};
    if (!name->n || (braces && (n == s.n || s.p[n] != '}'))) return 0;
    return n + braces;
}

static int group_number(const mw_regex *re, mw_str name)
{
    int n = 0;
    for (size_t i = 0; i < name.n; i++) {
        if (!isdigit((unsigned char)name.p[i]) || n > 1000) return mw_regex_group(re, name);
        n = n * 10 + (name.p[i] - '0');
    }
    return n;
}

enum { GROUPS_MAX = 32 };

/* REPLACEMENT with $1, ${1}, $name and ${name} filled in; "$$" is a dollar. */
static mw_str expand(struct ev *e, const mw_regex *re, mw_str tpl, const mw_str *groups, size_t n)
{
    mw_buf b;
    mw_buf_init(&b);
    for (size_t i = 0; i < tpl.n; i++) {
        mw_str name, rest = {tpl.p + i + 1, tpl.n - i - 1};
        if (tpl.p[i] != '$') {
            mw_buf_byte(&b, tpl.p[i]);
            continue;
        }
        if (rest.n && rest.p[0] == '$') {
            mw_buf_byte(&b, '$');
            i++;
            continue;
        }
        size_t used = reference(rest, &name);
        if (!used) {
            mw_buf_byte(&b, '$');
            continue;
        }
        int g = group_number(re, name);
        if (g >= 0 && (size_t)g < n && groups[g].p) mw_buf_str(&b, groups[g]);
        check_size(e, &b, "label_replace");
        i += used;
    }
    return keep(e, &b);
}

mw_regex *mw_pq_regex(struct ev *e, mw_str pattern, const char *fn)
{
    struct run *r = e->run;
    mw_err err;
    mw_err_init(&err);
    mw_regex *re = (r->opt->closed_ranges ? mw_regex_new_of_lines : mw_regex_new)(pattern, &err);
    if (!re)
        mw_pq_throw(r, MW_EEXEC, "invalid regular expression in %s(): %.*s", fn,
                    MW_STR_ARG(pattern));
    MW_PUSH(r->regexes, r->n_regexes, r->regexes_cap, re);
    r->regex_bytes += mw_regex_bytes(re);
    if (r->regex_bytes > PQ_PATTERN_BYTES_MAX)
        mw_pq_throw(r, MW_ELIMIT, "regular expressions need more than %d MiB of memory",
                    PQ_PATTERN_BYTES_MAX >> 20);
    mw_pq_tick(r, 1 << 14); /* to compile one takes its time */
    return re;
}

struct value mw_pq_call_label_replace(struct ev *e, const struct node *call)
{
    struct vec v = mw_pq_eval_vec(e, call->call.args[0]);
    mw_str dst = text_arg(call, 1), tpl = text_arg(call, 2), src = text_arg(call, 3),
           groups[GROUPS_MAX];
    mw_regex *re = mw_pq_regex(e, text_arg(call, 4), "label_replace");
    check_name(e, "destination", "label_replace", dst);
    for (size_t i = 0; i < v.n; i++) {
        struct series *s = &v.s[i];
        mw_str value = mw_pq_label(mw_pq_seen(e, s), src);
        if (!value.p) value = MW_STR("");
        mw_pq_tick(e->run, 8192); /* a pattern may take its time */
        size_t n = mw_regex_capture(re, value, groups, GROUPS_MAX);
        if (n) relabel(e, s, dst, expand(e, re, tpl, groups, n < GROUPS_MAX ? n : GROUPS_MAX));
    }
    return unique(e, &v);
}

struct value mw_pq_call_label_join(struct ev *e, const struct node *call)
{
    struct vec v = mw_pq_eval_vec(e, call->call.args[0]);
    mw_str dst = text_arg(call, 1), sep = text_arg(call, 2);
    check_name(e, "destination", "label_join", dst);
    for (size_t k = 3; k < call->call.n_args; k++)
        check_name(e, "source", "label_join", text_arg(call, k));
    mw_buf b;
    for (size_t i = 0; i < v.n; i++) {
        const mw_labels *ls = mw_pq_seen(e, &v.s[i]);
        mw_buf_init(&b);
        for (size_t k = 3; k < call->call.n_args; k++) {
            mw_str part = mw_pq_label(ls, text_arg(call, k));
            if (k > 3) mw_buf_str(&b, sep);
            if (part.n) mw_buf_str(&b, part);
            check_size(e, &b, "label_join");
        }
        relabel(e, &v.s[i], dst, keep(e, &b));
    }
    return unique(e, &v);
}

/* -- absent --------------------------------------------------------------------------------- */

/* What a missing series would have been called: labels that the selector fixes to one value. */
static const mw_labels *imagined(struct ev *e, const struct node *n)
{
    if (n->kind != N_SELECTOR) return mw_pq_labels(e, NULL, 0);
    const mw_matcher *m = n->sel.matchers;
    mw_label *l = mw_pq_alloc(e->run, n->sel.n_matchers, sizeof *l);
    size_t kept = 0;
    for (size_t i = 0; i < n->sel.n_matchers; i++) {
        bool once = m[i].op == MW_MATCH_EQ && !mw_str_is(m[i].name, MW_METRIC_NAME);
        for (size_t k = 0; k < n->sel.n_matchers; k++)
            once &= k == i || !mw_str_eq(m[i].name, m[k].name);
        if (once) l[kept++] = (mw_label){m[i].name, m[i].value};
    }
    return mw_pq_labels(e, l, kept);
}

/* 1 at the steps where nothing is THERE. */
static struct value where_absent(struct ev *e, const struct node *arg, const bool *there)
{
    struct vec out = {.distinct = true};
    struct series *s = mw_pq_add(e, &out, imagined(e, arg));
    for (size_t k = 0; k < e->n; k++)
        if (!there[k]) s->v[k] = 1;
    return mw_pq_vector(out);
}

static bool *nowhere(struct ev *e)
{
    bool *there = mw_pq_alloc(e->run, e->n, sizeof *there);
    memset(there, 0, e->n * sizeof *there);
    return there;
}

struct value mw_pq_call_absent(struct ev *e, const struct node *call)
{
    struct vec v = mw_pq_eval_vec(e, call->call.args[0]);
    bool *there = nowhere(e);
    for (size_t i = 0; i < v.n; i++)
        for (size_t k = 0; k < e->n; k++) there[k] |= mw_pq_there(&v.s[i], k);
    mw_pq_tick(e->run, v.n * e->n);
    return where_absent(e, call->call.args[0], there);
}

struct seen {
    const struct node *range;
    bool *there;
};

static void look(struct ev *e, const struct samples *s, void *arg)
{
    struct seen *seen = arg;
    const struct when *w = &seen->range->sel.when;
    int64_t open = e->run->opt->closed_ranges ? 0 : 1;
    for (size_t k = 0, i = 0; k < e->n; k++) {
        int64_t to = mw_pq_time(e, w, k), from = to - w->range_ms + open;
        while (i < s->n && s->t[i] < from) i++;
        seen->there[k] |= i < s->n && s->t[i] <= to;
    }
    mw_pq_tick(e->run, e->n);
}

struct value mw_pq_call_absent_over_time(struct ev *e, const struct node *call)
{
    struct seen seen = {call->call.args[0], nowhere(e)};
    mw_pq_each_range(e, seen.range, NULL, look, &seen);
    return where_absent(e, seen.range, seen.there);
}
