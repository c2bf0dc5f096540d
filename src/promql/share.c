/* share.c - expressions that stand in a query more than once are computed once.
 *
 * Two nodes are the same when their text is.  The first use leaves a copy of what it came to, the
 * last use takes it; both must compute the same steps, which those within a subquery do not.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/functions.h"

struct shared {
    const struct node *first;
    size_t uses; /* still to come */
    bool filled;
    struct ev of; /* the steps that value has */
    struct value value;
};

/* -- finding them --------------------------------------------------------------------------- */

enum { NODES_MAX = 256 }; /* each is compared with all before it */

struct finder {
    struct run *run;
    struct node *seen[NODES_MAX];
    size_t n;
};

static bool is_same(const struct run *r, const struct node *a, const struct node *b)
{
    size_t n = a->end - a->pos;
    return a->kind == b->kind && b->end - b->pos == n &&
           !memcmp(r->src.p + a->pos, r->src.p + b->pos, n);
}

static void note_use(struct finder *f, struct node *first, struct node *again)
{
    if (!first->shared) {
        first->shared = mw_pq_alloc(f->run, 1, sizeof *first->shared);
        *first->shared = (struct shared){.first = first, .uses = 1};
    }
    first->shared->uses++;
    again->shared = first->shared;
}

static void visit(struct finder *f, struct node *n);

static void visit_children(struct finder *f, struct node *n)
{
    switch (n->kind) {
    case N_CALL:
        for (size_t i = 0; i < n->call.n_args; i++) visit(f, n->call.args[i]);
        break;
    case N_AGGREGATE:
        if (n->agg.param) visit(f, n->agg.param);
        visit(f, n->agg.arg);
        break;
    case N_BINARY:
        visit(f, n->bin.lhs);
        visit(f, n->bin.rhs);
        break;
    case N_UNARY: visit(f, n->unary.inner); break;
    case N_SUBQUERY: visit(f, n->sel.sub); break;
    default: break;
    }
}

static void visit(struct finder *f, struct node *n)
{
    n->shared = NULL;
    if (n->type == MW_VALUE_VECTOR) {
        for (size_t i = 0; i < f->n; i++)
            if (is_same(f->run, f->seen[i], n)) {
                note_use(f, f->seen[i], n);
                return; /* what is below is not computed again */
            }
        if (f->n < NODES_MAX) f->seen[f->n++] = n;
    }
    visit_children(f, n);
}

void mw_pq_share(struct run *r, struct node *root)
{
    struct finder f = {.run = r};
    visit(&f, root);
}

/* -- using them ----------------------------------------------------------------------------- */

static struct value copy_of(struct ev *e, const struct value *v)
{
    struct value out = *v;
    struct vec *vec = &out.vec;
    vec->cap = vec->n;
    vec->s = mw_pq_alloc(e->run, vec->n, sizeof *vec->s);
    for (size_t i = 0; i < vec->n; i++) {
        struct series *s = &vec->s[i];
        *s = v->vec.s[i];
        s->v = memcpy(mw_pq_alloc(e->run, e->n, sizeof *s->v), s->v, e->n * sizeof *s->v);
        if (!s->h) continue;
        s->h = memcpy(mw_pq_alloc(e->run, e->n, sizeof *s->h), s->h, e->n * sizeof *s->h);
    }
    return out;
}

static bool same_steps(const struct ev *a, const struct ev *b)
{
    return a->start == b->start && a->step == b->step && a->n == b->n &&
           a->lookback == b->lookback && a->hints == b->hints;
}

bool mw_pq_known(const struct ev *e, const struct node *n)
{
    return n->shared && n->shared->filled && !e->run->piece && same_steps(&n->shared->of, e);
}

void mw_pq_pass(const struct ev *e, const struct node *n)
{
    if (n->shared && !e->run->piece) n->shared->uses -= n->shared->uses > 0;
}

bool mw_pq_recall(struct ev *e, const struct node *n, struct value *out)
{
    struct shared *s = n->shared;
    if (!s || e->run->piece) return false;
    mw_pq_pass(e, n);
    if (!mw_pq_known(e, n)) return false;
    *out = s->uses ? copy_of(e, &s->value) : s->value;
    s->filled = s->uses > 0;
    return true;
}

void mw_pq_remember(struct ev *e, const struct node *n, const struct value *v)
{
    struct shared *s = n->shared;
    if (!s || e->run->piece || s->filled || !s->uses || v->type != MW_VALUE_VECTOR) return;
    s->value = copy_of(e, v);
    s->of = *e;
    s->filled = true;
}
