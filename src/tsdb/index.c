/* index.c - names, pairs and their postings.
 *
 * Two hash tables with chains: names by text, pairs by (name, value).  A name lists its pairs, so
 * that a regular expression is tried once per value and not once per series.  ALL lists every
 * series, for conditions that only exclude.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "tsdb/index_inside.h"
#include "tsdb/tally.h"

enum { FIRST_HEADS = 64 };

/* -- tables --------------------------------------------------------------------------------- */

mw_index *mw_index_new(void)
{
    mw_index *ix = mw_zalloc(sizeof *ix);
    pthread_mutexattr_t awake;
    pthread_mutexattr_init(&awake);
    pthread_mutexattr_settype(&awake, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&ix->writers, &awake);
    pthread_mutexattr_destroy(&awake);
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
    for (size_t i = 0; i < MW_PAIR_PAGES && ix->page[i]; i++) mw_free(ix->page[i]);
    mw_postings_deinit(&ix->all);
    mw_free(ix->free_numbers);
    mw_free(ix->pairs);
    mw_free(ix->names);
    mw_free(ix->dirty);
    pthread_mutex_destroy(&ix->writers);
    pthread_rwlock_destroy(&ix->lock);
    mw_free(ix);
}

static uint32_t hash_name(mw_str name) { return (uint32_t)mw_hash(name.p, name.n); }
static uint32_t hash_pair(const name_entry *e, mw_str value)
{
    return (uint32_t)mw_hash_seed(value.p, value.n, e->hash);
}

name_entry *mw_index_find_name(const mw_index *ix, mw_str name)
{
    uint32_t hash = hash_name(name);
    for (name_entry *e = ix->names[hash & (ix->name_heads - 1)]; e; e = e->next)
        if (e->hash == hash && mw_str_eq((mw_str){e->text, e->len}, name)) return e;
    return NULL;
}

mw_pair *mw_index_find_pair(const mw_index *ix, const name_entry *e, mw_str value)
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
    name_entry *e = mw_index_find_name(ix, name);
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

/* Pages double, so that a few of them hold any number and none ever moves. */
static unsigned page_of(uint32_t number)
{
    return 31u - (unsigned)__builtin_clz(number / MW_PAIR_PAGE + 1);
}

static size_t page_size(unsigned page) { return (size_t)MW_PAIR_PAGE << page; }

static mw_pair **place_of(const mw_index *ix, uint32_t number)
{
    unsigned page = page_of(number);
    return &ix->page[page][number - (page_size(page) - MW_PAIR_PAGE)];
}

static void number_pair(mw_index *ix, mw_pair *p)
{
    p->number = ix->n_free ? ix->free_numbers[--ix->n_free] : ix->numbers++;
    unsigned page = page_of(p->number);
    MW_ASSERT(page < MW_PAIR_PAGES);
    if (!ix->page[page]) {
        ix->page[page] = mw_array(page_size(page), sizeof *ix->page[page]);
        ix->bytes += mw_heap_cost(page_size(page) * sizeof *ix->page[page]);
    }
    *place_of(ix, p->number) = p;
}

static mw_pair *get_pair(mw_index *ix, mw_str name, mw_str value)
{
    name_entry *e = get_name(ix, name);
    mw_pair *p = mw_index_find_pair(ix, e, value);
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
    number_pair(ix, p);
    return p;
}

bool mw_index_has_name(mw_index *ix, mw_str name)
{
    pthread_rwlock_rdlock(&ix->lock);
    bool has = mw_index_find_name(ix, name);
    pthread_rwlock_unlock(&ix->lock);
    return has;
}

uint32_t mw_index_numbers(mw_index *ix)
{
    pthread_rwlock_rdlock(&ix->lock);
    uint32_t n = ix->numbers;
    pthread_rwlock_unlock(&ix->lock);
    return n;
}

const mw_pair *mw_index_pair(const mw_index *ix, uint32_t number) { return *place_of(ix, number); }
uint32_t *mw_index_said(mw_index *ix, uint32_t number) { return &(*place_of(ix, number))->said; }

mw_str mw_pair_name(const mw_pair *p) { return (mw_str){p->name->text, p->name->len}; }
mw_str mw_pair_value(const mw_pair *p) { return (mw_str){p->value, p->n}; }

/* -- coming and going ----------------------------------------------------------------------- */

static void write_lock(mw_index *ix)
{
    pthread_mutex_lock(&ix->writers);
    pthread_rwlock_wrlock(&ix->lock);
}

static void write_unlock(mw_index *ix)
{
    pthread_rwlock_unlock(&ix->lock);
    pthread_mutex_unlock(&ix->writers);
}

/* Under the lock, alone. */
static void sort_all(mw_index *ix)
{
    for (size_t i = 0; i < ix->n_dirty; i++) mw_postings_sort(&ix->dirty[i]->ids);
    ix->n_dirty = 0;
    mw_postings_sort(&ix->all);
}

void mw_index_read_lock(mw_index *ix)
{
    for (;;) {
        pthread_rwlock_rdlock(&ix->lock);
        if (!ix->n_dirty && !ix->all.unsorted) return;
        pthread_rwlock_unlock(&ix->lock);
        write_lock(ix);
        sort_all(ix);
        write_unlock(ix);
    }
}

static void enter(mw_index *ix, mw_postings *ids, uint32_t id)
{
    size_t before = mw_postings_cost(ids);
    mw_postings_add(ids, id);
    ix->bytes += mw_postings_cost(ids) - before;
}

static void enter_pair(mw_index *ix, mw_pair *p, uint32_t id)
{
    bool was = p->ids.unsorted;
    enter(ix, &p->ids, id);
    if (p->ids.unsorted && !was) MW_PUSH(ix->dirty, ix->n_dirty, ix->cap_dirty, p);
}

uint64_t mw_index_birth(mw_index *ix)
{
    return __atomic_add_fetch(&ix->births, 1, __ATOMIC_RELAXED);
}

uint64_t mw_index_add(mw_index *ix, uint32_t id, const mw_labels *ls, uint32_t *pairs)
{
    write_lock(ix);
    for (uint32_t i = 0; i < ls->n; i++) {
        mw_pair *p = get_pair(ix, ls->l[i].name, ls->l[i].value);
        pairs[i] = p->number;
        enter_pair(ix, p, id);
    }
    enter(ix, &ix->all, id);
    uint64_t birth = mw_index_birth(ix);
    write_unlock(ix);
    return birth;
}

uint32_t mw_index_intern(mw_index *ix, mw_str name, mw_str value)
{
    write_lock(ix);
    uint32_t number = get_pair(ix, name, value)->number;
    write_unlock(ix);
    return number;
}

void mw_index_enter(mw_index *ix, const mw_indexed *series, size_t n)
{
    write_lock(ix);
    for (size_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < series[i].n; k++)
            enter_pair(ix, *place_of(ix, series[i].pairs[k]), series[i].id);
        enter(ix, &ix->all, series[i].id);
    }
    write_unlock(ix);
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
    *place_of(ix, p->number) = NULL;
    MW_PUSH(ix->free_numbers, ix->n_free, ix->cap_free, p->number);
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
    uint32_t x = ((const mw_indexed *)a)->id, y = ((const mw_indexed *)b)->id;
    return (x > y) - (x < y);
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (mw_pair *const *)a, y = (uintptr_t) * (mw_pair *const *)b;
    return (x > y) - (x < y);
}

/* The pairs of all leavers, each once; the caller frees. */
static mw_pair **touched_pairs(const mw_index *ix, const mw_indexed *leavers, size_t n,
                               size_t *count)
{
    size_t total = 0, k = 0, kept = 0;
    for (size_t i = 0; i < n; i++) total += leavers[i].n;
    mw_pair **touched = mw_array(total + 1, sizeof *touched);
    for (size_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < leavers[i].n; j++)
            touched[k++] = *place_of(ix, leavers[i].pairs[j]);
    qsort(touched, k, sizeof *touched, by_address);
    for (size_t i = 0; i < k; i++)
        if (i == 0 || touched[i] != touched[kept - 1]) touched[kept++] = touched[i];
    *count = kept;
    return touched;
}

void mw_index_remove(mw_index *ix, mw_indexed *leavers, size_t n)
{
    if (n == 0) return;
    size_t n_touched;
    qsort(leavers, n, sizeof *leavers, leaver_by_id);
    mw_pair **touched = touched_pairs(ix, leavers, n, &n_touched);
    uint32_t *gone = mw_array(n, sizeof *gone);
    for (size_t i = 0; i < n; i++) gone[i] = leavers[i].id;

    write_lock(ix);
    sort_all(ix);
    for (size_t i = 0; i < n_touched; i++) {
        leave(ix, &touched[i]->ids, gone, n);
        if (touched[i]->ids.n == 0) remove_pair(ix, touched[i]);
    }
    leave(ix, &ix->all, gone, n);
    write_unlock(ix);
    mw_free(gone);
    mw_free(touched);
}
