/* labelling.c - label sets by the numbers of their pairs.
 *
 * Whether a pair in memory is kept is looked up once per pair and remembered in a byte.  A set is
 * found by the numbers of its kept pairs, or in a block by those of its values; what two places
 * call differently meets in a table by content.
 * SPDX-License-Identifier: MIT */
#include "tsdb/labelling.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "tsdb/mblock_inside.h"

enum { UNKNOWN, LEFT_OUT, KEPT, PLACES_FIRST = 64 };

typedef struct place {
    uint64_t hash;
    const uint32_t *numbers; /* NULL: a set by content */
    uint32_t n;
    const mw_labels *labels; /* NULL: free */
} place;

typedef struct places {
    place *v;
    size_t n, slots;
} places;

struct mw_labelling {
    mw_index *ix;
    const mw_keep *keep;
    mw_arena *own, *arena; /* OWN is NULL when labels are made in a borrowed one */
    bool full;
    uint8_t *pair; /* UNKNOWN, LEFT_OUT, KEPT; by number of pairs */
    size_t n_pairs;
    places by_numbers, by_content;
    uint32_t *numbers; /* of the set at hand */
    mw_label *pairs;
    size_t cap_numbers, cap_pairs;
};

mw_labelling *mw_labelling_new(mw_index *ix, const mw_keep *keep, mw_arena *arena)
{
    mw_labelling *l = mw_zalloc(sizeof *l);
    *l = (mw_labelling){.ix = ix, .keep = keep, .arena = arena};
    if (!arena) l->own = l->arena = mw_arena_new(0);
    l->n_pairs = keep ? mw_index_numbers(ix) : 0;
    if (l->n_pairs) l->pair = mw_zalloc(l->n_pairs);
    return l;
}

void mw_labelling_free(mw_labelling *l)
{
    if (!l) return;
    mw_arena_free(l->own);
    mw_free(l->pair);
    mw_free(l->by_numbers.v);
    mw_free(l->by_content.v);
    mw_free(l->numbers);
    mw_free(l->pairs);
    mw_free(l);
}

bool mw_labelling_is_full(const mw_labelling *l) { return l->full; }

/* -- tables --------------------------------------------------------------------------------- */

static void widen(places *p)
{
    if (p->n * 2 < p->slots) return;
    size_t slots = p->slots ? p->slots * 2 : PLACES_FIRST;
    place *v = mw_array(slots, sizeof *v);
    for (size_t i = 0; i < p->slots; i++) {
        if (!p->v[i].labels) continue;
        size_t at = p->v[i].hash & (slots - 1);
        while (v[at].labels) at = (at + 1) & (slots - 1);
        v[at] = p->v[i];
    }
    mw_free(p->v);
    p->v = v;
    p->slots = slots;
}

static place *find_numbers(places *p, uint64_t hash, const uint32_t *numbers, uint32_t n)
{
    size_t at = hash & (p->slots - 1);
    for (; p->v[at].labels; at = (at + 1) & (p->slots - 1))
        if (p->v[at].hash == hash && p->v[at].n == n &&
            !memcmp(p->v[at].numbers, numbers, n * sizeof *numbers))
            break;
    return &p->v[at];
}

static place *find_content(places *p, const mw_labels *ls)
{
    size_t at = ls->hash & (p->slots - 1);
    while (p->v[at].labels && !mw_labels_eq(p->v[at].labels, ls)) at = (at + 1) & (p->slots - 1);
    return &p->v[at];
}

static const mw_labels *only_one(mw_labelling *l, const mw_labels *ls)
{
    widen(&l->by_content);
    place *c = find_content(&l->by_content, ls);
    if (c->labels) return c->labels;
    *c = (place){.hash = ls->hash, .labels = ls};
    l->by_content.n++;
    return ls;
}

static const mw_labels *build(mw_labelling *l, uint32_t n)
{
    const mw_labels *ls = mw_labels_new_in(l->arena, l->pairs, n, NULL);
    l->full |= !ls;
    return ls;
}

/* LS, or an equal one that is known already, as what P finds by the numbers at hand. */
static const mw_labels *remember(mw_labelling *l, place *p, uint64_t hash, const uint32_t *numbers,
                                 uint32_t n, const mw_labels *ls)
{
    uint32_t *copy = mw_arena_alloc(l->arena, (n + 1) * sizeof *copy);
    l->full |= !copy;
    if (!ls || !copy) return NULL;
    memcpy(copy, numbers, n * sizeof *copy);
    ls = only_one(l, ls);
    *p = (place){hash, copy, n, ls};
    l->by_numbers.n++;
    return ls;
}

static void reserve(mw_labelling *l, size_t n)
{
    mw_grow(&l->numbers, &l->cap_numbers, n + 2, sizeof *l->numbers);
    mw_grow(&l->pairs, &l->cap_pairs, n + 1, sizeof *l->pairs);
}

static bool keeps(const mw_keep *k, mw_str name)
{
    for (size_t i = 0; i < k->n; i++)
        if (mw_str_eq(k->names[i], name)) return !k->without;
    return k->without;
}

/* -- series in memory ----------------------------------------------------------------------- */

static bool pair_kept(mw_labelling *l, uint32_t number)
{
    uint8_t *known = number < l->n_pairs ? &l->pair[number] : NULL;
    if (known && *known != UNKNOWN) return *known == KEPT;
    bool kept = keeps(l->keep, mw_pair_name(mw_index_pair(l->ix, number)));
    if (known) *known = kept ? KEPT : LEFT_OUT;
    return kept;
}

static const mw_labels *build_stream(mw_labelling *l, const uint32_t *numbers, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const mw_pair *p = mw_index_pair(l->ix, numbers[i]);
        l->pairs[i] = (mw_label){mw_pair_name(p), mw_pair_value(p)};
    }
    return build(l, n);
}

const mw_labels *mw_labelling_of_stream(mw_labelling *l, const mw_stream *s)
{
    uint32_t n = 0;
    reserve(l, s->n_labels);
    if (!l->keep) return build_stream(l, s->pairs, s->n_labels);
    for (uint32_t i = 0; i < s->n_labels; i++)
        if (pair_kept(l, s->pairs[i])) l->numbers[n++] = s->pairs[i];
    widen(&l->by_numbers);
    uint64_t hash = mw_hash(l->numbers, n * sizeof *l->numbers);
    place *p = find_numbers(&l->by_numbers, hash, l->numbers, n);
    if (p->labels) return p->labels;
    return remember(l, p, hash, l->numbers, n, build_stream(l, l->numbers, n));
}

/* -- series in blocks ----------------------------------------------------------------------- */

/* Kept columns of shape S with the values VALUE: their texts. */
static const mw_labels *build_block(mw_labelling *l, const mw_mblock *b, const mw_mb_shape *s,
                                    const uint32_t *value)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const mw_mb_name *name = &b->names[b->columns[s->first + i].name];
        if (l->keep && !keeps(l->keep, name->text)) continue;
        l->pairs[n].name = name->text;
        if (!mw_mb_value(b, name, value[i], &l->pairs[n++].value, NULL)) return NULL;
    }
    return build(l, n);
}

const mw_labels *mw_labelling_of_block(mw_labelling *l, const mw_mblock *b, uint32_t block,
                                       uint32_t series)
{
    mw_mb_walk w;
    mw_mb_walk_start(&w, b);
    reserve(l, 2 * (size_t)b->widest);
    uint32_t *value = l->numbers + b->widest + 1, n = 1; /* behind room for the kept ones */
    const mw_mb_shape *s = mw_mb_walk_read(&w, series, value);
    if (!s) return NULL;
    if (!l->keep) return build_block(l, b, s, value);
    /* Above all numbers of pairs, so that no block's key is one of memory's. */
    l->numbers[0] = UINT32_MAX - block;
    for (uint32_t i = 0; i < s->n; i++) {
        const mw_mb_name *name = &b->names[b->columns[s->first + i].name];
        if (keeps(l->keep, name->text)) l->numbers[n++] = name->first + value[i];
    }
    widen(&l->by_numbers);
    uint64_t hash = mw_hash(l->numbers, n * sizeof *l->numbers);
    place *p = find_numbers(&l->by_numbers, hash, l->numbers, n);
    if (p->labels) return p->labels;
    return remember(l, p, hash, l->numbers, n, build_block(l, b, s, value));
}
