/* mblock_values.c - the values of each name with the lists of their series.
 *
 * The lists are made for a few names at a time, by counting and then placing, so that memory holds
 * about BATCH numbers per series and not one for every label.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/mblock_inside.h"
#include "tsdb/mblock_list.h"
#include "tsdb/mblock_varint.h"
#include "tsdb/mblock_writing.h"

enum { BATCH = 4, FLUSH = 64 << 10 };

/* Numbers of many lists in one array; at[i] is where the next number of list i goes. */
typedef struct lists {
    uint32_t *ids;
    size_t *at;
} lists;

typedef struct job {
    mw_mblock_writer *w;
    const mw_mb_lead *l;
    size_t *first; /* by name: its first value in batch.at, or SIZE_MAX: not in this batch */
    lists batch;   /* series by value */
    mw_buf bytes, index, direct, through;
    bool fits;
} job;

/* -- lists ---------------------------------------------------------------------------------- */

/* Names by rank from FROM on whose lists fit a batch; makes the room. */
static size_t begin_batch(job *j, size_t from)
{
    const mw_mblock_writer *w = j->w;
    size_t to = from, ids = 0, values = 0;
    for (size_t i = 0; i < w->names.n; i++) j->first[i] = SIZE_MAX;
    for (; to < w->names.n; to++) {
        uint32_t name = w->names.order[to];
        if (to > from && ids + w->names.v[name].uses > BATCH * w->meta.series) break;
        j->first[name] = values;
        ids += w->names.v[name].uses;
        values += w->values[name].n;
    }
    j->batch.ids = mw_rearray(j->batch.ids, ids + 1, sizeof *j->batch.ids);
    j->batch.at = mw_rearray(j->batch.at, values + 1, sizeof *j->batch.at);
    size_t at = 0, *slot = j->batch.at;
    for (size_t r = from; r < to; r++) {
        const mw_mb_texts *t = &w->values[w->names.order[r]];
        for (size_t v = 0; v < t->n; at += t->v[v++].uses) *slot++ = at;
    }
    return to;
}

static void fill_batch(job *j)
{
    const mw_mblock_writer *w = j->w;
    mw_mb_record r = {.value = mw_array(w->widest + 1, sizeof *r.value)};
    const uint8_t *p = (const uint8_t *)w->records.p;
    for (uint32_t i = 0; i < w->meta.series; i++) {
        mw_mb_record_next(w, &p, &r);
        for (uint32_t k = 0; k < r.n; k++) {
            size_t first = j->first[r.name[k]];
            if (first != SIZE_MAX) j->batch.ids[j->batch.at[first + r.value[k]]++] = i;
        }
    }
    mw_free(r.value);
}

/* Leader's values (ranks, ascending) by value of the follower in column C. */
static void list_leaders(const job *j, size_t c, lists *out)
{
    const mw_mb_texts *leader = &j->w->values[j->l->name];
    size_t values = j->w->values[j->l->follower[c]].n, at = 0;
    out->ids = mw_array(leader->n + 1, sizeof *out->ids);
    out->at = mw_array(values + 1, sizeof *out->at);
    for (size_t v = 0; v < leader->n; v++) {
        uint32_t cell = j->l->rows[v * j->l->n + c];
        if (cell) out->at[cell - 1]++;
    }
    for (size_t v = 0; v < values; v++) {
        size_t n = out->at[v];
        out->at[v] = at;
        at += n;
    }
    for (uint32_t rank = 0; rank < leader->n; rank++) {
        uint32_t cell = j->l->rows[(size_t)leader->order[rank] * j->l->n + c];
        if (cell) out->ids[out->at[cell - 1]++] = rank;
    }
}

/* -- values --------------------------------------------------------------------------------- */

/* Are the series of VALUE exactly those of the N leaders whose rows say so? */
static bool is_union(const job *j, size_t c, uint32_t value, const uint32_t *leaders, size_t n)
{
    const mw_mb_texts *leader = &j->w->values[j->l->name];
    uint64_t uses = 0, agreed = j->l->agreed[c][value];
    for (size_t i = 0; i < n; i++) uses += leader->v[leader->order[leaders[i]]].uses;
    return agreed == uses && agreed == j->w->values[j->l->follower[c]].v[value].uses;
}

/* The list of VALUE: series, or the leaders that have them when that is much shorter. */
static void put_list(job *j, uint32_t name, uint32_t value, const lists *leaders)
{
    const mw_mb_text *text = &j->w->values[name].v[value];
    size_t at = j->batch.at[j->first[name] + value] - text->uses;
    mw_buf_reset(&j->direct);
    mw_mb_list_put(j->batch.ids + at, text->uses, &j->direct);
    int32_t c = j->l->column_of[name];
    if (c >= 0) {
        size_t from = value ? leaders->at[value - 1] : 0, n = leaders->at[value] - from;
        mw_buf_reset(&j->through);
        mw_mb_put(&j->through, (uint64_t)text->uses << 2 | MW_MB_UNION);
        mw_mb_list_put(leaders->ids + from, n, &j->through);
        if (j->through.n * 2 <= j->direct.n &&
            is_union(j, (size_t)c, value, leaders->ids + from, n)) {
            mw_buf_add(&j->bytes, j->through.p, j->through.n);
            return;
        }
    }
    mw_buf_add(&j->bytes, j->direct.p, j->direct.n);
}

static void put_name(job *j, uint32_t name)
{
    lists leaders = {0};
    const mw_mb_texts *t = &j->w->values[name];
    int32_t c = j->l->column_of[name];
    if (c >= 0) list_leaders(j, (size_t)c, &leaders);
    for (size_t r = 0; r < t->n; r++) {
        uint64_t at = mw_block_offset(j->w->file) + j->bytes.n;
        j->fits &= at <= UINT32_MAX;
        mw_le32_put(mw_buf_room(&j->index, 4), (uint32_t)at);
        j->index.n += 4;
        mw_mb_put(&j->bytes, t->v[t->order[r]].n);
        mw_buf_str(&j->bytes, mw_mb_texts_at(t, t->order[r]));
        put_list(j, name, t->order[r], &leaders);
        if (j->bytes.n < FLUSH) continue;
        mw_block_write(j->w->file, j->bytes.p, j->bytes.n);
        mw_buf_reset(&j->bytes);
    }
    mw_free(leaders.ids);
    mw_free(leaders.at);
}

static void free_job(job *j)
{
    mw_free(j->first);
    mw_free(j->batch.ids);
    mw_free(j->batch.at);
    mw_buf_deinit(&j->bytes);
    mw_buf_deinit(&j->index);
    mw_buf_deinit(&j->direct);
    mw_buf_deinit(&j->through);
}

bool mw_mb_write_values(mw_mblock_writer *w, const mw_mb_lead *l)
{
    job j = {.w = w, .l = l, .fits = true};
    j.first = mw_array(w->names.n + 1, sizeof *j.first);
    mw_block_begin(w->file, MW_MB_VALUES);
    for (size_t from = 0, to; from < w->names.n; from = to) {
        to = begin_batch(&j, from);
        fill_batch(&j);
        for (size_t r = from; r < to; r++) put_name(&j, w->names.order[r]);
    }
    mw_block_write(w->file, j.bytes.p, j.bytes.n);
    j.fits &= mw_block_offset(w->file) <= UINT32_MAX;
    mw_block_begin(w->file, MW_MB_VALUE_INDEX);
    mw_block_write(w->file, j.index.p, j.index.n);
    bool fits = j.fits;
    free_job(&j);
    return fits;
}
