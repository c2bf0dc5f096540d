/* index.c - names, pairs and their postings.
 *
 * Two hash tables with chains: names by text, pairs by (name, value).  A name lists its pairs, so
 * that a regular expression is tried once per value and not once per series.  ALL lists every
 * series, for conditions that only exclude.
 *
 * Conditions: one that refuses the empty string needs the label, so its series are the union over
 * the values it accepts.  One that accepts the empty string accepts series without the label too,
 * so it takes away the union over the values it refuses.
 * SPDX-License-Identifier: MIT */
#include "tsdb/index.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "tsdb/tally.h"

typedef struct name_entry name_entry;

struct mw_pair {
    mw_pair *next;
    name_entry *name;
    mw_postings ids;
    uint32_t hash, at; /* at: where name->pairs has it */
    uint32_t n;
    char value[];
};

struct name_entry {
    name_entry *next;
    mw_pair **pairs;
    size_t n, cap;
    uint32_t hash, len;
    char text[];
};

struct mw_index {
    pthread_rwlock_t lock;
    mw_pair **pairs;
    name_entry **names;
    size_t n_pairs, pair_heads, n_names, name_heads; /* heads: powers of two */
    mw_postings all;
    uint64_t births, bytes;
};

enum { FIRST_HEADS = 64, CANCEL_EVERY = 256 };

/* -- tables --------------------------------------------------------------------------------- */

mw_index *mw_index_new(void)
{
    mw_index *ix = mw_zalloc(sizeof *ix);
    pthread_rwlock_init(&ix->lock, NULL);
    ix->pair_heads = ix->name_heads = FIRST_HEADS;
    ix->pairs = mw_array(ix->pair_heads, sizeof(mw_pair *));
    ix->names = mw_array(ix->name_heads, sizeof(name_entry *));
    ix->bytes = mw_heap_cost(sizeof *ix) + 2 * mw_heap_cost(FIRST_HEADS * sizeof(void *));
    return ix;
}

static void free_pair(mw_pair *p)
{
    mw_postings_deinit(&p->ids);
    mw_free(p);
}

void mw_index_free(mw_index *ix)
{
    if (!ix) return;
    for (size_t i = 0; i < ix->name_heads; i++) {
        for (name_entry *e = ix->names[i], *next; e; e = next) {
            next = e->next;
            for (size_t k = 0; k < e->n; k++) free_pair(e->pairs[k]);
            mw_free(e->pairs);
            mw_free(e);
        }
    }
    mw_postings_deinit(&ix->all);
    mw_free(ix->pairs);
    mw_free(ix->names);
    pthread_rwlock_destroy(&ix->lock);
    mw_free(ix);
}

static uint32_t hash_name(mw_str name) { return (uint32_t)mw_hash(name.p, name.n); }
static uint32_t hash_pair(const name_entry *e, mw_str value)
{
    return (uint32_t)mw_hash_seed(value.p, value.n, e->hash);
}

static name_entry *find_name(const mw_index *ix, mw_str name)
{
    uint32_t hash = hash_name(name);
    for (name_entry *e = ix->names[hash & (ix->name_heads - 1)]; e; e = e->next)
        if (e->hash == hash && mw_str_eq((mw_str){e->text, e->len}, name)) return e;
    return NULL;
}

static mw_pair *find_pair(const mw_index *ix, const name_entry *e, mw_str value)
{
    uint32_t hash = hash_pair(e, value);
    for (mw_pair *p = ix->pairs[hash & (ix->pair_heads - 1)]; p; p = p->next)
        if (p->hash == hash && p->name == e && mw_str_eq(mw_pair_value(p), value)) return p;
    return NULL;
}

static void widen_names(mw_index *ix)
{
    if (ix->n_names < ix->name_heads) return;
    size_t heads = ix->name_heads * 2;
    name_entry **to = mw_array(heads, sizeof *to);
    for (size_t i = 0; i < ix->name_heads; i++) {
        for (name_entry *e = ix->names[i], *next; e; e = next) {
            next = e->next;
            e->next = to[e->hash & (heads - 1)];
            to[e->hash & (heads - 1)] = e;
        }
    }
    ix->bytes += mw_heap_cost(heads * sizeof *to) - mw_heap_cost(ix->name_heads * sizeof *to);
    mw_free(ix->names);
    ix->names = to;
    ix->name_heads = heads;
}

static void widen_pairs(mw_index *ix)
{
    if (ix->n_pairs < ix->pair_heads) return;
    size_t heads = ix->pair_heads * 2;
    mw_pair **to = mw_array(heads, sizeof *to);
    for (size_t i = 0; i < ix->pair_heads; i++) {
        for (mw_pair *p = ix->pairs[i], *next; p; p = next) {
            next = p->next;
            p->next = to[p->hash & (heads - 1)];
            to[p->hash & (heads - 1)] = p;
        }
    }
    ix->bytes += mw_heap_cost(heads * sizeof *to) - mw_heap_cost(ix->pair_heads * sizeof *to);
    mw_free(ix->pairs);
    ix->pairs = to;
    ix->pair_heads = heads;
}

static name_entry *get_name(mw_index *ix, mw_str name)
{
    name_entry *e = find_name(ix, name);
    if (e) return e;
    widen_names(ix);
    e = mw_zalloc(sizeof *e + name.n + 1);
    memcpy(e->text, name.p, name.n);
    e->len = (uint32_t)name.n;
    e->hash = hash_name(name);
    e->next = ix->names[e->hash & (ix->name_heads - 1)];
    ix->names[e->hash & (ix->name_heads - 1)] = e;
    ix->n_names++;
    ix->bytes += mw_heap_cost(sizeof *e + name.n + 1);
    return e;
}

static void list_pair(mw_index *ix, name_entry *e, mw_pair *p)
{
    size_t before = mw_heap_cost(e->cap * sizeof(mw_pair *));
    p->at = (uint32_t)e->n;
    MW_PUSH(e->pairs, e->n, e->cap, p);
    ix->bytes += mw_heap_cost(e->cap * sizeof(mw_pair *)) - before;
}

static mw_pair *get_pair(mw_index *ix, mw_str name, mw_str value)
{
    name_entry *e = get_name(ix, name);
    mw_pair *p = find_pair(ix, e, value);
    if (p) return p;
    widen_pairs(ix);
    p = mw_zalloc(sizeof *p + value.n + 1);
    memcpy(p->value, value.p, value.n);
    p->n = (uint32_t)value.n;
    p->name = e;
    p->hash = hash_pair(e, value);
    p->next = ix->pairs[p->hash & (ix->pair_heads - 1)];
    ix->pairs[p->hash & (ix->pair_heads - 1)] = p;
    ix->n_pairs++;
    ix->bytes += mw_heap_cost(sizeof *p + value.n + 1);
    list_pair(ix, e, p);
    return p;
}

mw_str mw_pair_name(const mw_pair *p) { return (mw_str){p->name->text, p->name->len}; }
mw_str mw_pair_value(const mw_pair *p) { return (mw_str){p->value, p->n}; }

/* -- coming and going ----------------------------------------------------------------------- */

static void enter(mw_index *ix, mw_postings *ids, uint32_t id)
{
    size_t before = mw_postings_cost(ids);
    mw_postings_add(ids, id);
    ix->bytes += mw_postings_cost(ids) - before;
}

uint64_t mw_index_add(mw_index *ix, uint32_t id, const mw_labels *ls, mw_pair **pairs)
{
    pthread_rwlock_wrlock(&ix->lock);
    for (uint32_t i = 0; i < ls->n; i++) {
        pairs[i] = get_pair(ix, ls->l[i].name, ls->l[i].value);
        enter(ix, &pairs[i]->ids, id);
    }
    enter(ix, &ix->all, id);
    uint64_t birth = ++ix->births;
    pthread_rwlock_unlock(&ix->lock);
    return birth;
}

static void remove_name(mw_index *ix, name_entry *e)
{
    name_entry **slot = &ix->names[e->hash & (ix->name_heads - 1)];
    while (*slot != e) slot = &(*slot)->next;
    *slot = e->next;
    ix->n_names--;
    ix->bytes -= mw_heap_cost(sizeof *e + e->len + 1);
    ix->bytes -= mw_heap_cost(e->cap * sizeof(mw_pair *));
    mw_free(e->pairs);
    mw_free(e);
}

static void remove_pair(mw_index *ix, mw_pair *p)
{
    mw_pair **slot = &ix->pairs[p->hash & (ix->pair_heads - 1)];
    while (*slot != p) slot = &(*slot)->next;
    *slot = p->next;
    name_entry *e = p->name;
    e->pairs[p->at] = e->pairs[--e->n];
    e->pairs[p->at]->at = p->at;
    ix->n_pairs--;
    ix->bytes -= mw_heap_cost(sizeof *p + p->n + 1) + mw_postings_cost(&p->ids);
    free_pair(p);
    if (e->n == 0) remove_name(ix, e);
}

static void leave(mw_index *ix, mw_postings *ids, const uint32_t *gone, size_t n)
{
    size_t before = mw_postings_cost(ids);
    mw_postings_remove(ids, gone, n);
    ix->bytes -= before;
    ix->bytes += mw_postings_cost(ids);
}

static int leaver_by_id(const void *a, const void *b)
{
    uint32_t x = ((const mw_leaver *)a)->id, y = ((const mw_leaver *)b)->id;
    return (x > y) - (x < y);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (mw_pair *const *)a, y = (uintptr_t) * (mw_pair *const *)b;
    return (x > y) - (x < y);
}

/* The pairs of all leavers, each once; the caller frees. */
static mw_pair **touched_pairs(const mw_leaver *leavers, size_t n, size_t *count)
{
    size_t total = 0, k = 0, kept = 0;
    for (size_t i = 0; i < n; i++) total += leavers[i].n;
    mw_pair **touched = mw_array(total + 1, sizeof *touched);
    for (size_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < leavers[i].n; j++) touched[k++] = leavers[i].pairs[j];
    qsort(touched, k, sizeof *touched, by_address);
    for (size_t i = 0; i < k; i++)
        if (i == 0 || touched[i] != touched[kept - 1]) touched[kept++] = touched[i];
    *count = kept;
    return touched;
}

void mw_index_remove(mw_index *ix, mw_leaver *leavers, size_t n)
{
    if (n == 0) return;
    size_t n_touched;
    qsort(leavers, n, sizeof *leavers, leaver_by_id);
    mw_pair **touched = touched_pairs(leavers, n, &n_touched);
    uint32_t *gone = mw_array(n, sizeof *gone);
    for (size_t i = 0; i < n; i++) gone[i] = leavers[i].id;

    pthread_rwlock_wrlock(&ix->lock);
    for (size_t i = 0; i < n_touched; i++) {
        leave(ix, &touched[i]->ids, gone, n);
        if (touched[i]->ids.n == 0) remove_pair(ix, touched[i]);
    }
    leave(ix, &ix->all, gone, n);
    pthread_rwlock_unlock(&ix->lock);
    mw_free(gone);
    mw_free(touched);
}

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
    const name_entry *e = find_name(ix, m->name);
    *pair = e ? find_pair(ix, e, m->value) : NULL;
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
    const name_entry *e = find_name(ix, m->name);
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
    for (size_t i = 0; i < sel->n && out->n; i++) {
        if (&sel->matchers[i] == start) continue;
        if (cancelled(sel) || !narrow(ix, &sel->matchers[i], sel, out))
            return mw_fail(err, MW_ECANCEL, 0, 0, "the query was cancelled");
    }
    return MW_OK;
}

int mw_index_select(mw_index *ix, const mw_select *sel, mw_ids *out, uint64_t *last_birth,
                    mw_err *err)
{
    pthread_rwlock_rdlock(&ix->lock);
    int rc = resolve(ix, sel, out, err);
    *last_birth = ix->births;
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
    return !among || mw_ids_meet(among, mw_postings_ids(&p->ids), p->ids.n);
}

static bool name_in(const name_entry *e, const mw_ids *among)
{
    for (size_t i = 0; i < e->n; i++)
        if (pair_in(e->pairs[i], among)) return true;
    return false;
}

static void list_names(const mw_index *ix, const mw_ids *among, mw_arena *arena, mw_str_list *out)
{
    for (size_t i = 0; i < ix->name_heads; i++)
        for (const name_entry *e = ix->names[i]; e; e = e->next)
            if (name_in(e, among))
                MW_PUSH(out->v, out->n, out->cap, copy(arena, (mw_str){e->text, e->len}));
}

static void list_values(const name_entry *e, const mw_ids *among, mw_arena *arena, mw_str_list *out)
{
    for (size_t i = 0; e && i < e->n; i++)
        if (pair_in(e->pairs[i], among))
            MW_PUSH(out->v, out->n, out->cap, copy(arena, mw_pair_value(e->pairs[i])));
}

int mw_index_names(mw_index *ix, const mw_select *sel, mw_arena *arena, mw_str_list *out,
                   mw_err *err)
{
    mw_ids ids = {0};
    pthread_rwlock_rdlock(&ix->lock);
    int rc = sel->n ? resolve(ix, sel, &ids, err) : MW_OK;
    if (rc == MW_OK) list_names(ix, sel->n ? &ids : NULL, arena, out);
    pthread_rwlock_unlock(&ix->lock);
    mw_ids_deinit(&ids);
    return rc;
}

int mw_index_values(mw_index *ix, const char *name, const mw_select *sel, mw_arena *arena,
                    mw_str_list *out, mw_err *err)
{
    mw_ids ids = {0};
    pthread_rwlock_rdlock(&ix->lock);
    int rc = sel->n ? resolve(ix, sel, &ids, err) : MW_OK;
    if (rc == MW_OK) list_values(find_name(ix, mw_str_of(name)), sel->n ? &ids : NULL, arena, out);
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
    pthread_rwlock_rdlock(&ix->lock);
    const name_entry *only = label ? find_name(ix, mw_str_of(label)) : NULL;
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

uint64_t mw_index_bytes(mw_index *ix)
{
    pthread_rwlock_rdlock(&ix->lock);
    uint64_t bytes = ix->bytes;
    pthread_rwlock_unlock(&ix->lock);
    return bytes;
}
