/* index_match.c - which series a selector means, and the names and values among them.
 *
 * Conditions: one that refuses the empty string needs the label, so its series are the union over
 * the values it accepts.  One that accepts the empty string accepts series without the label too,
 * so it takes away the union over the values it refuses.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/index_inside.h"

enum { CANCEL_EVERY = 256, FEW = 64 };

/* -- matching ------------------------------------------------------------------------------- */

static bool cancelled(const mw_select *sel)
{
    return sel->cancel && __atomic_load_n(sel->cancel, __ATOMIC_RELAXED);
}

/* The union over the values of E that M accepts (or refuses); false when cancelled. */
static bool collect(const name_entry *e, const mw_matcher *m, bool accepted, const mw_select *sel,
                    mw_ids *out)
{
    for (size_t i = 0; i < e->n; i++) {
        if (i % CANCEL_EVERY == 0 && cancelled(sel)) return false;
        const mw_pair *p = e->pairs[i];
        if (mw_matcher_matches(m, mw_pair_value(p)) == accepted)
            mw_ids_append(out, mw_postings_ids(&p->ids), p->ids.n);
    }
    mw_ids_sort(out);
    return true;
}

/* A condition with one value to look at: the pair, or NULL when no series has it. */
static bool single_pair(const mw_index *ix, const mw_matcher *m, mw_pair **pair)
{
    if ((m->op != MW_MATCH_EQ && m->op != MW_MATCH_NE) || m->value.n == 0) return false;
    const name_entry *e = mw_index_find_name(ix, m->name);
    *pair = e ? mw_index_find_pair(ix, e, m->value) : NULL;
    return true;
}

/* The same for a set of few series: they are looked for in the lists of the values, which may be
 * far longer than all that is wanted of them. */
static bool narrow_few(const name_entry *e, const mw_matcher *m, bool accepted,
                       const mw_select *sel, mw_ids *set)
{
    bool found[FEW] = {0};
    for (size_t i = 0; i < e->n; i++) {
        if (i % CANCEL_EVERY == 0 && cancelled(sel)) return false;
        const mw_pair *p = e->pairs[i];
        if (mw_matcher_matches(m, mw_pair_value(p)) == accepted)
            mw_ids_find(set, mw_postings_ids(&p->ids), p->ids.n, found);
    }
    size_t kept = 0;
    for (size_t i = 0; i < set->n; i++)
        if (found[i] == accepted) set->v[kept++] = set->v[i];
    set->n = kept;
    return true;
}

static bool narrow(const mw_index *ix, const mw_matcher *m, const mw_select *sel, mw_ids *set)
{
    mw_pair *pair;
    bool without = mw_matcher_matches(m, MW_STR(""));
    void (*apply)(mw_ids *, const uint32_t *, size_t) = without ? mw_ids_drop : mw_ids_keep;
    if (single_pair(ix, m, &pair)) {
        apply(set, pair ? mw_postings_ids(&pair->ids) : NULL, pair ? pair->ids.n : 0);
        return true;
    }
    mw_ids some = {0};
    const name_entry *e = mw_index_find_name(ix, m->name);
    if (e && set->n <= FEW) return narrow_few(e, m, !without, sel, set);
    bool go_on = !e || collect(e, m, !without, sel, &some);
    if (go_on) apply(set, some.v, some.n);
    mw_ids_deinit(&some);
    return go_on;
}

/* The condition to start from: an exact one with the fewest series, if there is any. */
static const mw_matcher *best_start(const mw_index *ix, const mw_select *sel, mw_pair **pair)
{
    const mw_matcher *best = NULL;
    for (size_t i = 0; i < sel->n; i++) {
        mw_pair *p;
        if (sel->matchers[i].op != MW_MATCH_EQ || !single_pair(ix, &sel->matchers[i], &p)) continue;
        if (best && p && p->ids.n >= (*pair)->ids.n) continue;
        best = &sel->matchers[i];
        *pair = p;
        if (!p) return best;
    }
    return best;
}

static int resolve(const mw_index *ix, const mw_select *sel, mw_ids *out, mw_err *err)
{
    mw_pair *pair = NULL;
    const mw_matcher *start = best_start(ix, sel, &pair);
    const mw_postings none = {0}, *from = !start ? &ix->all : pair ? &pair->ids : &none;
    mw_ids_append(out, mw_postings_ids(from), from->n);
    /* Exact ones first: after them there may be few left for the others to look at. */
    for (size_t i = 0; i < 2 * sel->n && out->n; i++) {
        const mw_matcher *m = &sel->matchers[i % sel->n];
        if (m == start || (m->op == MW_MATCH_EQ) != (i < sel->n)) continue;
        if (cancelled(sel) || !narrow(ix, m, sel, out))
            return mw_fail(err, MW_ECANCEL, 0, 0, "the query was cancelled");
    }
    return MW_OK;
}

int mw_index_select(mw_index *ix, const mw_select *sel, mw_ids *out, uint64_t *last_birth,
                    mw_err *err)
{
    mw_index_read_lock(ix);
    int rc = resolve(ix, sel, out, err);
    *last_birth = __atomic_load_n(&ix->births, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&ix->lock);
    return rc;
}

/* -- names and values ----------------------------------------------------------------------- */

static mw_str copy(mw_arena *arena, mw_str s)
{
    return (mw_str){mw_arena_strndup(arena, s.p, s.n), s.n};
}

static bool pair_in(const mw_pair *p, const mw_ids *among)
{
    if (!p->ids.n) return false;
    return !among || mw_ids_meet(among, mw_postings_ids(&p->ids), p->ids.n);
}

/* A list that is being made: of what series AMONG have, or all when it is NULL. */
typedef struct listing {
    const mw_select *sel;
    const mw_ids *among;
    mw_arena *arena;
    mw_str_list *out;
} listing;

static void list(const listing *l, mw_str s)
{
    MW_PUSH(l->out->v, l->out->n, l->out->cap, copy(l->arena, s));
}

static int given_up(mw_err *err)
{
    return mw_fail(err, MW_ECANCEL, 0, 0, "the query was cancelled");
}

/* Both of them: false when cancelled. */
static bool list_name(const listing *l, const name_entry *e)
{
    for (size_t i = 0; i < e->n; i++) {
        if (i % CANCEL_EVERY == 0 && cancelled(l->sel)) return false;
        if (!pair_in(e->pairs[i], l->among)) continue;
        list(l, (mw_str){e->text, e->len});
        break;
    }
    return true;
}

static bool list_values(const listing *l, const name_entry *e)
{
    for (size_t i = 0; e && i < e->n; i++) {
        if (i % CANCEL_EVERY == 0 && cancelled(l->sel)) return false;
        if (pair_in(e->pairs[i], l->among)) list(l, mw_pair_value(e->pairs[i]));
    }
    return true;
}

static bool list_names(const listing *l, const mw_index *ix)
{
    for (size_t i = 0; i < ix->name_heads; i++)
        for (const name_entry *e = ix->names[i]; e; e = e->next)
            if (!list_name(l, e)) return false;
    return true;
}

int mw_index_names(mw_index *ix, const mw_select *sel, mw_arena *arena, mw_str_list *out,
                   mw_err *err)
{
    mw_ids ids = {0};
    mw_index_read_lock(ix);
    int rc = sel->n ? resolve(ix, sel, &ids, err) : MW_OK;
    listing l = {sel, sel->n ? &ids : NULL, arena, out};
    if (rc == MW_OK && !list_names(&l, ix)) rc = given_up(err);
    pthread_rwlock_unlock(&ix->lock);
    mw_ids_deinit(&ids);
    return rc;
}

int mw_index_values(mw_index *ix, const char *name, const mw_select *sel, mw_arena *arena,
                    mw_str_list *out, mw_err *err)
{
    mw_ids ids = {0};
    mw_index_read_lock(ix);
    int rc = sel->n ? resolve(ix, sel, &ids, err) : MW_OK;
    listing l = {sel, sel->n ? &ids : NULL, arena, out};
    if (rc == MW_OK && !list_values(&l, mw_index_find_name(ix, mw_str_of(name))))
        rc = given_up(err);
    pthread_rwlock_unlock(&ix->lock);
    mw_ids_deinit(&ids);
    return rc;
}

/* -- counting ------------------------------------------------------------------------------- */

static uint64_t series_of(const name_entry *e)
{
    uint64_t n = 0;
    for (size_t i = 0; i < e->n; i++) n += e->pairs[i]->ids.n;
    return n;
}

size_t mw_index_counts(mw_index *ix, const char *label, mw_arena *arena, mw_index_count **out)
{
    size_t n = 0, cap = 0;
    mw_index_count *rows = NULL;
    mw_index_read_lock(ix);
    const name_entry *only = label ? mw_index_find_name(ix, mw_str_of(label)) : NULL;
    for (size_t i = 0; only && i < only->n; i++) {
        const mw_pair *p = only->pairs[i];
        MW_PUSH(rows, n, cap, ((mw_index_count){copy(arena, mw_pair_value(p)), p->ids.n}));
    }
    for (size_t i = 0; !label && i < ix->name_heads; i++)
        for (const name_entry *e = ix->names[i]; e; e = e->next)
            MW_PUSH(rows, n, cap,
                    ((mw_index_count){copy(arena, (mw_str){e->text, e->len}), series_of(e)}));
    pthread_rwlock_unlock(&ix->lock);
    *out = rows;
    return n;
}

/* A heap with the least of the most at its top: there may be far more pairs than anybody asks for.
 */
typedef struct pair_heap {
    struct best {
        const name_entry *name;
        const mw_pair *pair;
    } * best;
    size_t n, limit;
} pair_heap;

static uint32_t weight_of(const pair_heap *h, size_t i) { return h->best[i].pair->ids.n; }

static void swap_best(pair_heap *h, size_t a, size_t b)
{
    struct best keep = h->best[a];
    h->best[a] = h->best[b];
    h->best[b] = keep;
}

static void sink(pair_heap *h)
{
    for (size_t i = 0, child; (child = 2 * i + 1) < h->n; i = child) {
        if (child + 1 < h->n && weight_of(h, child + 1) < weight_of(h, child)) child++;
        if (weight_of(h, i) <= weight_of(h, child)) return;
        swap_best(h, i, child);
    }
}

static void offer(pair_heap *h, const name_entry *name, const mw_pair *pair)
{
    if (h->n == h->limit) {
        if (pair->ids.n <= weight_of(h, 0)) return;
        h->best[0] = (struct best){name, pair};
        sink(h);
        return;
    }
    size_t i = h->n++;
    h->best[i] = (struct best){name, pair};
    for (; i && weight_of(h, i) < weight_of(h, (i - 1) / 2); i = (i - 1) / 2)
        swap_best(h, i, (i - 1) / 2);
}

static mw_str joined(mw_arena *arena, const name_entry *e, mw_str value)
{
    char *text = mw_arena_alloc(arena, e->len + value.n + 2);
    memcpy(text, e->text, e->len);
    text[e->len] = '=';
    memcpy(text + e->len + 1, value.p, value.n);
    text[e->len + 1 + value.n] = 0;
    return (mw_str){text, e->len + 1 + value.n};
}

size_t mw_index_pair_counts(mw_index *ix, size_t limit, mw_arena *arena, mw_index_count **out)
{
    pair_heap h = {.best = mw_array(limit + 1, sizeof *h.best), .limit = limit};
    mw_index_read_lock(ix);
    for (size_t i = 0; limit && i < ix->name_heads; i++)
        for (const name_entry *e = ix->names[i]; e; e = e->next)
            for (size_t k = 0; k < e->n; k++) offer(&h, e, e->pairs[k]);
    *out = mw_array(h.n + 1, sizeof **out);
    for (size_t i = 0; i < h.n; i++)
        (*out)[i] = (mw_index_count){joined(arena, h.best[i].name, mw_pair_value(h.best[i].pair)),
                                     weight_of(&h, i)};
    pthread_rwlock_unlock(&ix->lock);
    mw_free(h.best);
    return h.n;
}

uint64_t mw_index_bytes(mw_index *ix)
{
    pthread_rwlock_rdlock(&ix->lock); /* sorted or not */
    uint64_t bytes = ix->bytes;
    pthread_rwlock_unlock(&ix->lock);
    return bytes;
}
