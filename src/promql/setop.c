/* setop.c - and, or, unless.
 *
 * Per match group and step it only matters whether the other side has any row there.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "promql/eval.h"

/* For each group and step: does a row of SIDE have a value there? */
static bool *presence(struct ev *e, const struct vec *side, const struct groups *g, size_t offset)
{
    bool *there = mw_pq_alloc(e->run, g->n * e->n + 1, sizeof *there);
    memset(there, 0, g->n * e->n * sizeof *there);
    for (size_t i = 0; i < side->n; i++) {
        bool *row = there + g->of[offset + i] * e->n;
        for (size_t k = 0; k < e->n; k++) row[k] |= !mw_pq_absent(side->s[i].v[k]);
        for (size_t k = 0; side->s[i].h && k < e->n; k++) row[k] |= side->s[i].h[k] != NULL;
        mw_pq_tick(e->run, e->n);
    }
    return there;
}

/* Keep the steps of SIDE's rows where the other side's presence is WANTED. */
static void keep(struct ev *e, struct vec *side, const struct groups *g, size_t offset,
                 const bool *there, bool wanted)
{
    for (size_t i = 0; i < side->n; i++) {
        const bool *row = there + g->of[offset + i] * e->n;
        for (size_t k = 0; k < e->n; k++)
            if (row[k] != wanted) side->s[i].v[k] = mw_pq_none();
        for (size_t k = 0; side->s[i].h && k < e->n; k++)
            if (row[k] != wanted) side->s[i].h[k] = NULL;
        mw_pq_tick(e->run, e->n);
    }
}

struct vec mw_pq_set_op(struct ev *e, enum binop op, struct vec l, struct vec r,
                        const struct grouping *by)
{
    struct groups g = mw_pq_group(e, &l, &r, by);
    if (op != OP_OR) {
        keep(e, &l, &g, 0, presence(e, &r, &g, l.n), op == OP_AND);
        return l;
    }
    keep(e, &r, &g, l.n, presence(e, &l, &g, 0), false);
    struct vec out = {.cap = l.n + r.n, .n = l.n + r.n};
    out.s = mw_pq_alloc(e->run, out.n, sizeof *out.s);
    if (l.n) memcpy(out.s, l.s, l.n * sizeof *l.s);
    if (r.n) memcpy(out.s + l.n, r.s, r.n * sizeof *r.s);
    mw_pq_merge(e, &out, false);
    return out;
}
