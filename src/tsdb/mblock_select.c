/* mblock_select.c - which series of a block the matchers accept.
 *
 * The exact condition with the fewest series gives the first set; the others narrow it.  A
 * condition is tried on values, never on series.  Its series are put together as bits, or, when
 * few are left, their values are looked up one by one and the lists are not read at all.
 *
 * Conditions that accept the empty string accept series without the label: they take away the
 * series of the values they refuse, as in the index of the memory.
 *
 * Lists are bytes that may be forged: each name has a budget of one value per series, so that no
 * file costs more than an honest one of its size.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/mblock_inside.h"
#include "tsdb/mblock_list.h"

enum {
    CANCEL_EVERY = 256, /* values */
    FEW = 64,           /* one of so many series is few: its values are looked up */
    FEW_OF_LIST = 32
};

typedef struct search {
    const mw_mblock *b;
    const mw_select *sel;
    mw_err *err;
    mw_ids *set;
    bool all; /* the set is every series, not yet written down */
    uint64_t *bits;
    size_t words;
    mw_ids ids; /* scratch */
} search;

static int damaged(const search *s) { return mw_mb_damaged(s->b, s->err, "lists of series"); }

static int check_cancel(const search *s)
{
    if (!s->sel->cancel || !__atomic_load_n(s->sel->cancel, __ATOMIC_RELAXED)) return MW_OK;
    return mw_fail(s->err, MW_ECANCEL, 0, 0, "the query was cancelled");
}

/* -- lists ---------------------------------------------------------------------------------- */

static uint64_t *clear_bits(search *s)
{
    if (s->bits) return memset(s->bits, 0, s->words * sizeof *s->bits);
    return s->bits = mw_array(s->words, sizeof *s->bits);
}

/* The list of a leader's value: of series, never of leaders again. */
static bool leader_list(const search *s, uint32_t value, mw_str *list, uint32_t *n)
{
    mw_str text, rest;
    unsigned code;
    return mw_mb_value(s->b, &s->b->names[s->b->leader], value, &text, list) &&
           mw_mb_list_head(*list, s->b->series, n, &code, &rest) && *n > 0;
}

/* LEADERS is the inner list of a union of N series. */
static bool mark_union(search *s, mw_str leaders, uint32_t n)
{
    uint64_t sum = 0;
    uint32_t count, part;
    unsigned code;
    mw_str list, rest;
    if (s->b->leader == UINT32_MAX) return false;
    uint32_t limit = s->b->names[s->b->leader].n;
    if (!mw_mb_list_head(leaders, limit, &count, &code, &rest) || count > n) return false;
    s->ids.n = 0;
    if (!mw_mb_list_get(leaders, limit, &s->ids)) return false;
    for (size_t i = 0; i < s->ids.n; i++) {
        if (!leader_list(s, s->ids.v[i], &list, &part) || (sum += part) > n) return false;
        if (!mw_mb_list_mark(list, s->b->series, s->bits)) return false;
    }
    return sum == n;
}

/* Adds the series of LIST to the bits; they are taken from BUDGET. */
static bool mark(search *s, mw_str list, uint64_t *budget)
{
    uint32_t n;
    unsigned code;
    mw_str rest;
    if (!mw_mb_list_head(list, s->b->series, &n, &code, &rest) || n > *budget) return false;
    *budget -= n;
    if (code == MW_MB_UNION) return mark_union(s, rest, n);
    return mw_mb_list_mark(list, s->b->series, s->bits);
}

/* The series of LIST as numbers, into OUT. */
static bool write_down(search *s, mw_str list, mw_ids *out)
{
    uint32_t n;
    unsigned code;
    mw_str rest;
    uint64_t budget = s->b->series;
    if (!mw_mb_list_head(list, s->b->series, &n, &code, &rest)) return false;
    if (code != MW_MB_UNION) return mw_mb_list_get(list, s->b->series, out);
    clear_bits(s);
    if (!mark(s, list, &budget)) return false;
    mw_mb_bits_ids(s->bits, s->b->series, out);
    return true;
}

/* -- the set -------------------------------------------------------------------------------- */

static void write_all(search *s)
{
    mw_grow(&s->set->v, &s->set->cap, s->b->series, sizeof *s->set->v);
    for (uint32_t i = 0; i < s->b->series; i++) s->set->v[i] = i;
    s->set->n = s->b->series;
    s->all = false;
}

/* Only those with a bit stay, or only those without. */
static void apply_bits(search *s, bool with)
{
    if (s->all) {
        for (size_t i = 0; !with && i < s->words; i++) s->bits[i] = ~s->bits[i];
        if (!with && s->b->series % 64)
            s->bits[s->words - 1] &= UINT64_MAX >> (64 - s->b->series % 64);
        mw_mb_bits_ids(s->bits, s->b->series, s->set);
        s->all = false;
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < s->set->n; i++) {
        uint32_t id = s->set->v[i];
        s->set->v[kept] = id;
        kept += (s->bits[id >> 6] >> (id & 63) & 1) == with;
    }
    s->set->n = kept;
}

static int apply_list(search *s, mw_str list, bool with)
{
    uint32_t n;
    unsigned code;
    mw_str rest;
    uint64_t budget = s->b->series;
    if (!mw_mb_list_head(list, s->b->series, &n, &code, &rest)) return damaged(s);
    if (s->all || n > s->words || code == MW_MB_UNION) {
        clear_bits(s);
        if (!mark(s, list, &budget)) return damaged(s);
        apply_bits(s, with);
        return MW_OK;
    }
    s->ids.n = 0;
    if (!mw_mb_list_get(list, s->b->series, &s->ids)) return damaged(s);
    (with ? mw_ids_keep : mw_ids_drop)(s->set, s->ids.v, s->ids.n);
    return MW_OK;
}

/* -- conditions ----------------------------------------------------------------------------- */

/* One condition with what is known of its label.  verdict: by value, 0 not tried, 1 refused, 2
 * accepted; NULL: only ONE is of interest, MATCH says whether it is accepted. */
typedef struct condition {
    const mw_matcher *m;
    const mw_mb_name *name; /* NULL: no series has the label */
    bool without;           /* accepts series without the label */
    bool exact;             /* EQ or NE with a text */
    bool there;             /* exact: some series has the text as value number ONE */
    uint32_t one;
    uint32_t n; /* exact: series of ONE */
    mw_str list;
    unsigned char *verdict;
} condition;

static int understand(const search *s, const mw_matcher *m, condition *c)
{
    mw_str text, rest;
    unsigned code;
    *c = (condition){.m = m, .name = mw_mb_name_find(s->b, m->name)};
    c->without = mw_matcher_matches(m, MW_STR(""));
    c->exact = (m->op == MW_MATCH_EQ || m->op == MW_MATCH_NE) && m->value.n;
    if (!c->exact || !c->name) return MW_OK;
    int rc = mw_mb_value_find(s->b, c->name, m->value, &c->one);
    if (rc == MW_ENOENT) return MW_OK;
    c->there = true;
    if (rc || !mw_mb_value(s->b, c->name, c->one, &text, &c->list) ||
        !mw_mb_list_head(c->list, s->b->series, &c->n, &code, &rest))
        return damaged(s);
    return MW_OK;
}

/* The bits of the values that C accepts (or refuses). */
static int collect(search *s, const condition *c, bool accepted)
{
    uint64_t budget = s->b->series;
    clear_bits(s);
    for (uint32_t i = 0; i < c->name->n; i++) {
        mw_str text, list;
        if (i % CANCEL_EVERY == 0 && check_cancel(s)) return MW_ECANCEL;
        if (!mw_mb_value(s->b, c->name, i, &text, &list)) return damaged(s);
        if (mw_matcher_matches(c->m, text) != accepted) continue;
        if (!mark(s, list, &budget)) return damaged(s);
    }
    return MW_OK;
}

static bool accepts(const search *s, condition *c, uint32_t value, bool *damage)
{
    mw_str text;
    if (c->exact) return (c->there && value == c->one) == (c->m->op == MW_MATCH_EQ);
    if (!c->verdict[value]) {
        if (!mw_mb_value(s->b, c->name, value, &text, NULL)) return *damage = true, false;
        c->verdict[value] = mw_matcher_matches(c->m, text) ? 2 : 1;
    }
    return c->verdict[value] == 2;
}

static uint32_t column_of(const mw_mblock *b, const mw_mb_shape *shape, uint32_t name)
{
    uint32_t i = 0;
    while (i < shape->n && b->columns[shape->first + i].name != name) i++;
    return i;
}

/* Looks at the value of each series of the set, which are few. */
static int narrow_few(search *s, condition *c)
{
    size_t kept = 0;
    bool damage = false;
    mw_mb_walk w;
    uint32_t name = (uint32_t)(c->name - s->b->names);
    uint32_t *value = mw_array((size_t)s->b->widest + 1, sizeof *value);
    if (!c->exact) c->verdict = mw_array((size_t)c->name->n + 1, 1);
    mw_mb_walk_start(&w, s->b);
    for (size_t i = 0; i < s->set->n && !damage; i++) {
        const mw_mb_shape *shape = mw_mb_walk_read(&w, s->set->v[i], value);
        damage |= !shape;
        if (damage) break;
        uint32_t at = column_of(s->b, shape, name);
        s->set->v[kept] = s->set->v[i];
        kept += at < shape->n ? accepts(s, c, value[at], &damage) : c->without;
    }
    s->set->n = kept;
    mw_free(c->verdict);
    mw_free(value);
    return damage ? damaged(s) : MW_OK;
}

static int narrow(search *s, condition *c)
{
    bool nowhere = !c->name || (c->exact && !c->there);
    if (nowhere) {
        if (c->without) return MW_OK; /* every series is accepted */
        s->all = false;
        s->set->n = 0;
        return MW_OK;
    }
    uint64_t of = c->exact ? c->n / FEW_OF_LIST : s->b->series / FEW;
    if (!s->all && s->set->n < of) return narrow_few(s, c);
    if (c->exact) return apply_list(s, c->list, !c->without);
    int rc = collect(s, c, !c->without);
    if (rc == MW_OK) apply_bits(s, !c->without);
    return rc;
}

/* -- select --------------------------------------------------------------------------------- */

/* The condition to start from: an exact one with the fewest series, if there is any. */
static const condition *best_start(const condition *c, size_t n)
{
    const condition *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (c[i].exact && !c[i].without && (!best || c[i].n < best->n)) best = &c[i];
    return best;
}

static int resolve(search *s, condition *c, size_t n)
{
    const condition *start = best_start(c, n);
    s->all = !start;
    if (start && start->there && !write_down(s, start->list, s->set)) return damaged(s);
    for (size_t i = 0; i < n && (s->all || s->set->n); i++) {
        if (&c[i] == start) continue;
        int rc = check_cancel(s);
        if (rc == MW_OK) rc = narrow(s, &c[i]);
        if (rc) return rc;
    }
    if (s->all) write_all(s);
    return MW_OK;
}

int mw_mblock_select(mw_mblock *b, const mw_select *sel, mw_ids *out, mw_err *err)
{
    search s = {.b = b, .sel = sel, .err = err, .set = out, .words = ((size_t)b->series + 63) / 64};
    condition *c = mw_array(sel->n + 1, sizeof *c);
    int rc = MW_OK;
    out->n = 0;
    for (size_t i = 0; i < sel->n && rc == MW_OK; i++)
        rc = understand(&s, &sel->matchers[i], &c[i]);
    if (rc == MW_OK) rc = resolve(&s, c, sel->n);
    if (rc) out->n = 0;
    mw_free(s.bits);
    mw_ids_deinit(&s.ids);
    mw_free(c);
    return rc;
}
