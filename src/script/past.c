/* past.c - two sets of series read side by side, in the order of their labels.
 *
 * A selection that cannot be about what the rules write goes to the store below as it is. Otherwise
 * both are read; a series that is in both is one, its older samples from below.  Where the older
 * ones end a stale marker stands, so that what nobody writes any more is gone soon.
 * Names and values of labels are those of the store below: rules do not ask for them.
 * SPDX-License-Identifier: MIT */
#include "script/past.h"

#include <string.h>

#include "base/mem.h"

static const int64_t grace_ms = 60000; /* within which a rule writes its series again */

struct past {
    mw_source face; /* first: what the caller holds */
    mw_past_options o;
};

struct side {
    mw_series_set *set;
    mw_series_view view;
    bool there; /* VIEW is to be given */
};

struct merged {
    mw_series_set face; /* first */
    const struct past *past;
    int64_t max_t; /* of the selection */
    struct side base, over;
    const mw_labels *last;
    int64_t *t;
    double *v;
    const mw_nhist **h;
    size_t cap;
};

/* -- which series ------------------------------------------------------------------------------ */

static bool touches(const struct past *p, const mw_select *sel)
{
    for (size_t i = 0; i < p->o.n_written; i++)
        if (mw_matchers_admit(sel->matchers, sel->n, p->o.written[i])) return true;
    for (size_t i = 0; i < p->o.n_forgotten; i++)
        if (mw_matchers_admit(sel->matchers, sel->n, p->o.forgotten[i])) return true;
    return false;
}

static bool is_among(const mw_str *names, size_t n, mw_str name)
{
    for (size_t i = 0; i < n; i++)
        if (mw_str_eq(names[i], name)) return true;
    return false;
}

/* How many samples of V, of the store below, count; *CUT: it ends there, by our doing. */
static size_t counts(const struct past *p, const mw_series_view *v, bool *cut)
{
    mw_str name = mw_labels_find(v->labels, MW_METRIC_NAME);
    *cut = false;
    if (is_among(p->o.forgotten, p->o.n_forgotten, name)) return 0;
    if (!is_among(p->o.written, p->o.n_written, name)) return v->n;
    *cut = true;
    size_t n = v->n;
    while (n && v->t[n - 1] >= p->o.since) n--;
    return n;
}

/* -- both sides together ----------------------------------------------------------------------- */

static int advance(struct side *s, mw_err *err)
{
    s->there = false;
    if (!s->set) return 0;
    int rc = s->set->next(s->set, &s->view, err);
    s->there = rc > 0;
    return rc < 0 ? rc : 0;
}

static void room(struct merged *m, size_t n)
{
    if (n <= m->cap) return;
    m->cap = n + 64;
    m->t = mw_realloc(m->t, m->cap * sizeof *m->t);
    m->v = mw_realloc(m->v, m->cap * sizeof *m->v);
    m->h = mw_realloc(m->h, m->cap * sizeof *m->h);
}

static void add(struct merged *m, size_t at, const mw_series_view *v, size_t n)
{
    if (!n) return;
    memcpy(m->t + at, v->t, n * sizeof *m->t);
    memcpy(m->v + at, v->v, n * sizeof *m->v);
    for (size_t i = 0; i < n; i++) m->h[at + i] = v->h ? v->h[i] : NULL;
}

/* N samples of BELOW, a marker, and all of ABOVE (NULL: nothing) that is not older. */
static void join(struct merged *m, const mw_series_view *below, size_t n,
                 const mw_series_view *above, mw_series_view *out)
{
    size_t more = above ? above->n : 0;
    int64_t end = m->past->o.since + grace_ms;
    room(m, n + more + 1);
    add(m, 0, below, n);
    bool histograms = below->h || (above && above->h);
    if (n && end <= m->max_t && !(more && above->t[0] <= end)) {
        m->t[n] = end;
        m->v[n] = mw_stale();
        m->h[n++] = NULL;
    }
    if (above) add(m, n, above, more);
    *out = (mw_series_view){.labels = below->labels,
                            .n = n + more,
                            .t = m->t,
                            .v = m->v,
                            .h = histograms ? m->h : NULL};
}

static int compare(const struct merged *m)
{
    if (!m->over.there) return -1;
    if (!m->base.there) return 1;
    return mw_labels_cmp(m->base.view.labels, m->over.view.labels);
}

/* The one whose turn it is into OUT; the sides that were given move on with the next call. */
static int merged_next(mw_series_set *set, mw_series_view *out, mw_err *err)
{
    struct merged *m = (struct merged *)set;
    for (;;) {
        int rc = 0;
        if (!m->base.there) rc = advance(&m->base, err);
        if (!rc && !m->over.there) rc = advance(&m->over, err);
        if (rc) return rc;
        if (!m->base.there && !m->over.there) return 0;
        int order = compare(m);
        bool cut = false;
        size_t n = order <= 0 ? counts(m->past, &m->base.view, &cut) : 0;
        if (order > 0)
            *out = m->over.view;
        else if (order == 0 || cut)
            join(m, &m->base.view, n, order == 0 ? &m->over.view : NULL, out);
        else
            *out = m->base.view, out->n = n;
        if (order >= 0) m->over.there = false;
        if (order <= 0) m->base.there = false;
        if (order < 0 && !n && !(m->base.view.n == 0)) continue; /* nothing of it counts */
        m->last = out->labels;
        return 1;
    }
}

static const mw_labels *merged_labels(mw_series_set *set) { return ((struct merged *)set)->last; }

static void merged_close(mw_series_set *set)
{
    struct merged *m = (struct merged *)set;
    if (m->base.set) m->base.set->close(m->base.set);
    if (m->over.set) m->over.set->close(m->over.set);
    mw_free(m->t);
    mw_free(m->v);
    mw_free(m->h);
    mw_free(m);
}

/* -- the source -------------------------------------------------------------------------------- */

static int past_select(mw_source *self, const mw_select *sel, mw_series_set **out, mw_err *err)
{
    struct past *p = (struct past *)self;
    if (!touches(p, sel)) return p->o.base->select(p->o.base, sel, out, err);
    mw_select both = *sel;
    both.digest = MW_DIGEST_NONE;
    both.sorted = true;
    both.newest = both.later = false;
    both.keep = NULL;
    struct merged *m = mw_zalloc(sizeof *m);
    m->face = (mw_series_set){.next = merged_next, .close = merged_close, .labels = merged_labels};
    m->past = p;
    m->max_t = sel->max_t;
    int rc = p->o.base->select(p->o.base, &both, &m->base.set, err);
    if (rc == MW_OK) rc = p->o.over->select(p->o.over, &both, &m->over.set, err);
    if (rc != MW_OK) {
        merged_close(&m->face);
        return rc;
    }
    *out = &m->face;
    return MW_OK;
}

static int past_names(mw_source *self, const mw_select *sel, mw_name_visit *visit, void *arg,
                      mw_err *err)
{
    mw_source *base = ((struct past *)self)->o.base;
    return base->label_names(base, sel, visit, arg, err);
}

static int past_values(mw_source *self, const char *name, const mw_select *sel,
                       mw_name_visit *visit, void *arg, mw_err *err)
{
    mw_source *base = ((struct past *)self)->o.base;
    return base->label_values(base, name, sel, visit, arg, err);
}

mw_source *mw_past_new(const mw_past_options *o)
{
    struct past *p = mw_zalloc(sizeof *p);
    p->o = *o;
    p->face =
        (mw_source){.select = past_select, .label_names = past_names, .label_values = past_values};
    return &p->face;
}

void mw_past_free(mw_source *past) { mw_free(past); }
