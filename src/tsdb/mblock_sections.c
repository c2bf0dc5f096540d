/* mblock_sections.c - names, shapes, rows of the leader, series and figures as sections.
 *
 * Provisional numbers become final ones here: names and values by rank, shapes by how many series
 * have them, so that the common ones fit one byte.  SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/mblock_inside.h"
#include "tsdb/mblock_varint.h"
#include "tsdb/mblock_writing.h"

enum { FLUSH = 64 << 10 };

/* -- a section with an offset per group ----------------------------------------------------- */

typedef struct grouped {
    mw_block_writer *file;
    mw_buf bytes, index;
    unsigned group;
    bool fits;
} grouped;

static void put_u32(mw_buf *b, uint32_t v)
{
    mw_le32_put(mw_buf_room(b, 4), v);
    b->n += 4;
}

static void begin_grouped(grouped *g, mw_block_writer *file, uint32_t type, unsigned group)
{
    *g = (grouped){.file = file, .group = group, .fits = true};
    mw_block_begin(file, type);
}

/* Before series I: a new group may begin; true when it does. */
static bool group_begins(grouped *g, uint64_t i)
{
    if (i % g->group) return false;
    if (g->bytes.n >= FLUSH) {
        mw_block_write(g->file, g->bytes.p, g->bytes.n);
        mw_buf_reset(&g->bytes);
    }
    uint64_t at = mw_block_offset(g->file) + g->bytes.n;
    g->fits &= at <= UINT32_MAX;
    put_u32(&g->index, (uint32_t)at);
    return true;
}

static bool end_grouped(grouped *g, uint32_t index_type)
{
    mw_block_write(g->file, g->bytes.p, g->bytes.n);
    g->fits &= mw_block_offset(g->file) <= UINT32_MAX;
    mw_block_begin(g->file, index_type);
    mw_block_write(g->file, g->index.p, g->index.n);
    mw_buf_deinit(&g->bytes);
    mw_buf_deinit(&g->index);
    return g->fits;
}

static void write_section(mw_mblock_writer *w, uint32_t type, mw_buf *b)
{
    mw_block_begin(w->file, type);
    mw_block_write(w->file, b->p, b->n);
    mw_buf_deinit(b);
}

/* -- names ---------------------------------------------------------------------------------- */

static void write_names(mw_mblock_writer *w)
{
    mw_buf b = {0};
    mw_mb_put(&b, w->names.n);
    for (size_t r = 0; r < w->names.n; r++) {
        uint32_t name = w->names.order[r];
        mw_mb_put(&b, w->names.v[name].n);
        mw_buf_str(&b, mw_mb_texts_at(&w->names, name));
        mw_mb_put(&b, w->values[name].n);
    }
    write_section(w, MW_MB_NAMES, &b);
}

/* -- the leader ----------------------------------------------------------------------------- */

static int row_width(uint64_t values)
{
    return values <= 1 << 8 ? 1 : values <= 1 << 16 ? 2 : values <= 1 << 24 ? 3 : 4;
}

static void put_row(const mw_mblock_writer *w, const mw_mb_lead *l, uint32_t leader, mw_buf *b)
{
    for (size_t c = 0; c < l->n; c++) {
        const mw_mb_texts *values = &w->values[l->follower[c]];
        uint32_t value = l->rows[(size_t)leader * l->n + c];
        uint32_t rank = value ? values->v[value - 1].rank : 0;
        for (int i = 0; i < row_width(values->n); i++) mw_buf_byte(b, (char)(rank >> 8 * i));
    }
}

static void write_lead(mw_mblock_writer *w, const mw_mb_lead *l)
{
    mw_buf b = {0};
    mw_mb_put(&b, l->n);
    if (l->n) {
        mw_mb_put(&b, w->names.v[l->name].rank);
        for (size_t c = 0; c < l->n; c++) mw_mb_put(&b, w->names.v[l->follower[c]].rank);
        const mw_mb_texts *values = &w->values[l->name];
        for (size_t r = 0; r < values->n; r++) put_row(w, l, values->order[r], &b);
    }
    write_section(w, MW_MB_LEAD, &b);
}

/* -- shapes --------------------------------------------------------------------------------- */

typedef struct shape_use {
    uint32_t i, series; /* i: shape * 2 + follows */
} shape_use;

static int by_series(const void *a, const void *b)
{
    const shape_use *x = a, *y = b;
    if (x->series != y->series) return x->series > y->series ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

static void put_shape(const mw_mblock_writer *w, uint32_t i, mw_buf *b)
{
    const mw_mb_text *s = &w->shapes.v[i / 2];
    const uint32_t *name = (const uint32_t *)(const void *)s->p;
    uint32_t n = s->n / (uint32_t)sizeof *name, next = 0;
    mw_mb_put(b, (uint64_t)n << 1 | (i & 1));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t rank = w->names.v[name[k]].rank;
        mw_mb_put(b, rank - next);
        next = rank + 1;
    }
}

/* The final numbers of shape * 2 + follows; the caller frees. */
static uint32_t *write_shapes(mw_mblock_writer *w, const mw_mb_lead *l)
{
    size_t n = 0;
    shape_use *use = mw_array(w->shapes.n * 2, sizeof *use);
    uint32_t *number = mw_array(w->shapes.n * 2, sizeof *number);
    for (uint32_t i = 0; i < w->shapes.n * 2; i++)
        if (l->shapes[i]) use[n++] = (shape_use){i, l->shapes[i]};
    qsort(use, n, sizeof *use, by_series);
    mw_buf b = {0};
    mw_mb_put(&b, n);
    for (uint32_t k = 0; k < n; k++) {
        number[use[k].i] = k;
        put_shape(w, use[k].i, &b);
    }
    write_section(w, MW_MB_SHAPES, &b);
    mw_free(use);
    return number;
}

/* -- series --------------------------------------------------------------------------------- */

static void put_series(const mw_mblock_writer *w, const mw_mb_lead *l, const mw_mb_record *r,
                       const uint32_t *number, mw_buf *b)
{
    bool follows = mw_mb_lead_follows(l, r);
    uint8_t *from = (uint8_t *)mw_buf_room(b, MW_MB_VARINT_MAX * ((size_t)r->n + 1));
    uint8_t *to = mw_mb_place(from, number[r->shape * 2 + follows]);
    for (uint32_t i = 0; i < r->n; i++) {
        if (follows && l->column_of[r->name[i]] >= 0) continue;
        to = mw_mb_place(to, w->values[r->name[i]].v[r->value[i]].rank);
    }
    b->n += (size_t)(to - from);
}

bool mw_mb_write_series(mw_mblock_writer *w, const mw_mb_lead *l)
{
    grouped g;
    write_names(w);
    write_lead(w, l);
    uint32_t *number = write_shapes(w, l);
    mw_mb_record r = {.value = mw_array(w->widest + 1, sizeof *r.value)};
    const uint8_t *p = (const uint8_t *)w->records.p;
    begin_grouped(&g, w->file, MW_MB_SERIES, MW_MB_GROUP);
    for (uint64_t i = 0; i < w->meta.series; i++) {
        mw_mb_record_next(w, &p, &r);
        group_begins(&g, i);
        put_series(w, l, &r, number, &g.bytes);
    }
    mw_free(r.value);
    mw_free(number);
    return end_grouped(&g, MW_MB_SERIES_INDEX);
}

/* -- figures -------------------------------------------------------------------------------- */

bool mw_mb_write_figures(mw_mblock_writer *w, const mw_mb_usual *usual)
{
    grouped g;
    mw_run_ref *runs = NULL;
    size_t n, cap = 0;
    uint64_t bytes = 0;
    const uint8_t *p = (const uint8_t *)w->figures.p, *end = p + w->figures.n;
    begin_grouped(&g, w->file, MW_MB_FIGURES, MW_MB_FIGURE_GROUP);
    for (uint64_t i = 0; i < w->meta.series; i++) {
        if (group_begins(&g, i)) mw_mb_put(&g.bytes, bytes);
        int64_t start = w->rough.base;
        int got = 1;
        bool more = true;
        for (n = 0; more && got; n += (size_t)got) {
            mw_grow(&runs, &cap, n + 1, sizeof *runs);
            got = mw_mb_figures_get(&w->rough, &p, end, &start, &runs[n], &more);
            MW_ASSERT(got >= 0);
            if (got) bytes += runs[n].bytes.n;
        }
        mw_mb_figures_put(usual, runs, n, &g.bytes);
    }
    mw_free(runs);
    mw_buf_deinit(&w->figures);
    return end_grouped(&g, MW_MB_FIGURE_INDEX);
}
