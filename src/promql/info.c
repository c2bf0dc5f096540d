/* info.c - info(): labels of what describes a target, such as target_info, beside its samples.
 *
 * A description belongs to a series when both have the same instance and the same job.  Which one
 * is the newest, and so which labels there are, may differ from step to step: a row of the result
 * begins anew whenever other descriptions are met, and rows that end up alike are merged.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/functions.h"

static const mw_str identifying[] = {{"instance", 8}, {"job", 3}};
enum { IDENTIFYING = 2 };

struct info {
    struct ev *e;
    const mw_matcher *names; /* which descriptions: conditions on the metric name */
    size_t n_names;
    const mw_matcher **data; /* which labels, and conditions on them */
    size_t n_data;
    struct vec base, found;      /* found: the value is the time of the sample */
    bool *plain;                 /* rows of base that are descriptions themselves */
    struct groups g;             /* of base, then of found */
    size_t *first, *next;        /* rows of found in a group, plus one */
    size_t *chosen, *chosen_now; /* of one row of base: rows of found, one per name */
    mw_label *labels;
    struct vec out;
};

/* -- what is asked for ---------------------------------------------------------------------- */

/* The first selector in N, and in W the time at which it looks, subqueries around it included. */
static bool find_time(const struct node *n, struct when *w)
{
    bool found = false;
    switch (n->kind) {
    case N_SELECTOR:
        *w = (struct when){.at = n->sel.when.at, .at_ms = n->sel.when.at_ms};
        w->offset_ms = n->sel.when.offset_ms;
        return true;
    case N_SUBQUERY:
        if (!find_time(n->sel.sub, w)) return false;
        if (w->at) return true;
        w->offset_ms += n->sel.when.offset_ms;
        w->at = n->sel.when.at;
        w->at_ms = n->sel.when.at_ms;
        return true;
    case N_CALL:
        for (size_t i = 0; i < n->call.n_args && !found; i++) found = find_time(n->call.args[i], w);
        return found;
    case N_AGGREGATE:
        return find_time(n->agg.arg, w) || (n->agg.param && find_time(n->agg.param, w));
    case N_BINARY: return find_time(n->bin.lhs, w) || find_time(n->bin.rhs, w);
    case N_UNARY: return find_time(n->unary.inner, w);
    default: return false;
    }
}

static mw_matcher name_is(struct ev *e, mw_match_op op, mw_str value)
{
    mw_matcher m = {.op = op, .name = MW_STR(MW_METRIC_NAME), .value = value};
    if (op == MW_MATCH_RE) m.regex = mw_pq_regex(e, value, "info");
    return m;
}

/* Conditions on names as they are meant: only negative ones still want names that end in _info,
 * none at all means target_info. */
static void read_selector(struct info *i, const struct node *labels)
{
    struct ev *e = i->e;
    size_t n = labels ? labels->sel.n_matchers : 0;
    mw_matcher *names = mw_pq_alloc(e->run, n + 1, sizeof *names);
    i->data = mw_pq_alloc(e->run, n, sizeof *i->data);
    bool positive = false;
    for (size_t k = 0; k < n; k++) {
        const mw_matcher *m = &labels->sel.matchers[k];
        if (!mw_str_is(m->name, MW_METRIC_NAME)) {
            i->data[i->n_data++] = m;
            continue;
        }
        names[i->n_names++] = *m;
        positive |= m->op == MW_MATCH_EQ || m->op == MW_MATCH_RE;
    }
    if (!i->n_names)
        names[i->n_names++] = name_is(e, MW_MATCH_EQ, MW_STR("target_info"));
    else if (!positive)
        names[i->n_names++] = name_is(e, MW_MATCH_RE, MW_STR(".+_info"));
    i->names = names;
}

static void find_plain(struct info *i)
{
    i->plain = mw_pq_alloc(i->e->run, i->base.n, sizeof *i->plain);
    for (size_t k = 0; k < i->base.n; k++) {
        mw_str name = mw_pq_label(mw_pq_seen(i->e, &i->base.s[k]), MW_STR(MW_METRIC_NAME));
        i->plain[k] = true;
        for (size_t m = 0; m < i->n_names; m++)
            i->plain[k] &= mw_matcher_matches(&i->names[m], name.p ? name : MW_STR(""));
    }
}

/* -- fetching descriptions ------------------------------------------------------------------ */

/* The only value that NAME has in the rows to be described; .n is 0 when there are several.  Sets
 * *ANY when there is one at all. */
static mw_str only_value(const struct info *i, mw_str name, bool *any)
{
    mw_str only = {NULL, 0};
    *any = false;
    for (size_t k = 0; k < i->base.n; k++) {
        mw_str v = i->plain[k] ? (mw_str){NULL, 0} : mw_pq_label(i->base.s[k].labels, name);
        if (!v.n) continue;
        if (*any && !mw_str_eq(only, v)) return (mw_str){NULL, 0};
        only = v;
        *any = true;
    }
    return only;
}

/* The times of the newest samples of S at each step into ROW; whether there are any. */
static bool times_of(struct ev *e, const struct when *w, const mw_series_view *s, double *row)
{
    char text[200];
    bool any = false;
    int64_t back = e->lookback - (e->run->opt->closed_ranges ? 0 : 1);
    for (size_t step = 0, k = 0; step < e->n; step++) {
        int64_t t = mw_pq_time(e, w, step);
        while (k < s->n && s->t[k] <= t) k++;
        if (!k || s->t[k - 1] < t - back || mw_pq_absent(s->v[k - 1])) continue;
        if (s->h && s->h[k - 1]) {
            mw_pq_series_text(s->labels, text, sizeof text);
            mw_pq_throw(e->run, MW_EEXEC, "this should be an info metric, with float samples: %s",
                        text);
        }
        row[step] = (double)s->t[k - 1];
        any = true;
    }
    mw_pq_tick(e->run, e->n);
    return any;
}

static void collect(struct info *i, const struct node *sel)
{
    struct ev *e = i->e;
    const struct when *w = &sel->sel.when;
    mw_series_view s;
    double *row = NULL;
    mw_pq_open(e, sel, NULL);
    while (mw_pq_next_series(e, &s)) {
        if (!row) row = mw_pq_row(e);
        if (!times_of(e, w, &s, row)) continue;
        mw_pq_add_row(e, &i->found, s.labels, row);
        row = NULL;
    }
}

static void fetch(struct info *i, const struct node *arg)
{
    struct ev *e = i->e;
    struct node *sel = mw_pq_alloc(e->run, 1, sizeof *sel);
    mw_matcher *m = mw_pq_alloc(e->run, i->n_names + i->n_data + IDENTIFYING, sizeof *m);
    size_t n = 0;
    bool any, some = false;
    for (size_t k = 0; k < IDENTIFYING; k++) {
        mw_str only = only_value(i, identifying[k], &any);
        some |= any;
        if (any && only.n) m[n++] = (mw_matcher){MW_MATCH_EQ, identifying[k], only, NULL};
    }
    if (!some) return;
    for (size_t k = 0; k < i->n_names; k++) m[n++] = i->names[k];
    for (size_t k = 0; k < i->n_data; k++) m[n++] = *i->data[k];
    *sel = (struct node){.kind = N_SELECTOR, .pos = arg->pos, .sel = {.matchers = m}};
    sel->sel.n_matchers = n;
    find_time(arg, &sel->sel.when);
    collect(i, sel);
}

static void find_pairs(struct info *i)
{
    struct ev *e = i->e;
    struct grouping by = {.names = {identifying, IDENTIFYING}};
    i->g = mw_pq_group(e, &i->base, &i->found, &by);
    i->first = mw_pq_alloc(e->run, i->g.n, sizeof *i->first);
    i->next = mw_pq_alloc(e->run, i->found.n, sizeof *i->next);
    memset(i->first, 0, i->g.n * sizeof *i->first);
    for (size_t k = i->found.n; k-- > 0;) {
        size_t g = i->g.of[i->base.n + k];
        i->next[k] = i->first[g];
        i->first[g] = k + 1;
    }
}

/* -- one row -------------------------------------------------------------------------------- */

static mw_str name_of(const struct info *i, size_t found) { return mw_pq_name(&i->found.s[found]); }

static void two_at_once(const struct info *i, size_t a, size_t b, size_t step)
{
    char x[200], y[200];
    long long t = (long long)i->found.s[a].v[step];
    mw_pq_series_text(i->found.s[a].labels, x, sizeof x);
    mw_pq_series_text(i->found.s[b].labels, y, sizeof y);
    mw_pq_throw(i->e->run, MW_EEXEC,
                "found duplicate series for info metric: existing %s @ %lld, new %s @ %lld", x, t,
                y, t);
}

/* The newest description of each name in GROUP at STEP into chosen_now; their number. */
static size_t choose(struct info *i, size_t group, size_t step)
{
    size_t n = 0;
    for (size_t k = i->first[group]; k; k = i->next[k - 1]) {
        mw_pq_tick(i->e->run, n + 1);
        double t = i->found.s[k - 1].v[step];
        size_t at = 0;
        if (mw_pq_absent(t)) continue;
        while (at < n && !mw_str_eq(name_of(i, i->chosen_now[at]), name_of(i, k - 1))) at++;
        double before = at < n ? i->found.s[i->chosen_now[at]].v[step] : t - 1;
        if (before == t) two_at_once(i, i->chosen_now[at], k - 1, step);
        if (before < t) i->chosen_now[at] = k - 1;
        n += at == n;
    }
    return n;
}

static bool wanted(const struct info *i, mw_str name)
{
    if (mw_str_is(name, MW_METRIC_NAME)) return false;
    for (size_t k = 0; k < i->n_data; k++)
        if (mw_str_eq(i->data[k]->name, name)) return true;
    return !i->n_data;
}

static size_t add_labels(struct info *i, const mw_labels *base, const mw_labels *more, size_t n)
{
    for (uint32_t k = 0; k < more->n; k++) {
        const mw_label *l = &more->l[k];
        size_t at = base->n;
        if (!wanted(i, l->name)) continue;
        while (at < n && !mw_str_eq(i->labels[at].name, l->name)) at++;
        if (at < n && !mw_str_eq(i->labels[at].value, l->value))
            mw_pq_throw(i->e->run, MW_EEXEC, "conflicting label: %.*s", MW_STR_ARG(l->name));
        if (at == n && !mw_pq_label(base, l->name).p) i->labels[n++] = *l;
    }
    return n;
}

/* The labels of base row ROW with those of the N chosen. */
static const mw_labels *described(struct info *i, size_t row, size_t n)
{
    const mw_labels *base = i->base.s[row].labels;
    size_t most = base->n, kept = most;
    for (size_t k = 0; k < n; k++) most += i->found.s[i->chosen[k]].labels->n;
    i->labels = mw_pq_alloc(i->e->run, most, sizeof *i->labels);
    if (base->n) memcpy(i->labels, base->l, base->n * sizeof *base->l);
    for (size_t k = 0; k < n; k++)
        kept = add_labels(i, base, i->found.s[i->chosen[k]].labels, kept);
    return mw_pq_labels(i->e, i->labels, kept);
}

static bool may_be_alone(const struct info *i)
{
    for (size_t k = 0; k < i->n_data; k++)
        if (!mw_matcher_matches(i->data[k], MW_STR(""))) return false;
    return true;
}

static void put(struct info *i, struct series *out, const struct series *from, size_t step)
{
    struct ev *e = i->e;
    out->v[step] = from->v[step];
    if (!from->h || !from->h[step]) return;
    if (!out->h)
        out->h = memset(mw_pq_alloc(e->run, e->n, sizeof *out->h), 0, e->n * sizeof *out->h);
    out->h[step] = from->h[step];
}

static void describe(struct info *i, size_t row, bool alone)
{
    const struct series *from = &i->base.s[row];
    size_t group = i->g.of[row], met = SIZE_MAX;
    for (size_t k = 0; k < i->e->n; k++) {
        if (mw_pq_absent(from->v[k]) && !(from->h && from->h[k])) continue;
        size_t n = choose(i, group, k);
        if (!n && !alone) continue;
        if (n != met || memcmp(i->chosen, i->chosen_now, n * sizeof *i->chosen)) {
            memcpy(i->chosen, i->chosen_now, n * sizeof *i->chosen);
            met = n;
            mw_pq_add(i->e, &i->out, described(i, row, n))->nameless = from->nameless;
        }
        put(i, &i->out.s[i->out.n - 1], from, k);
    }
    mw_pq_tick(i->e->run, i->e->n);
}

struct value mw_pq_call_info(struct ev *e, const struct node *call)
{
    struct info i = {.e = e, .base = mw_pq_eval_vec(e, call->call.args[0])};
    read_selector(&i, call->call.n_args > 1 ? call->call.args[1] : NULL);
    find_plain(&i);
    fetch(&i, call->call.args[0]);
    find_pairs(&i);
    i.chosen = mw_pq_alloc(e->run, i.found.n, sizeof *i.chosen);
    i.chosen_now = mw_pq_alloc(e->run, i.found.n, sizeof *i.chosen_now);
    bool alone = may_be_alone(&i);
    for (size_t k = 0; k < i.base.n; k++) {
        if (i.plain[k])
            mw_pq_add_row(e, &i.out, i.base.s[k].labels, NULL), i.out.s[i.out.n - 1] = i.base.s[k];
        else
            describe(&i, k, alone);
    }
    mw_pq_merge(e, &i.out, false);
    return mw_pq_vector(i.out);
}
