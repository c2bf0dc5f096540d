/* mblock_read.c - opening a block of metrics, and its series by number.
 *
 * An open block is the mapped file and small tables; nothing changes after that but the finder,
 * which is made once under the lock.  A record of a series is found by the offset of its group and
 * by passing over those before it.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/mblock_inside.h"
#include "tsdb/mblock_varint.h"

enum { ON_STACK = 48 };

/* -- opening -------------------------------------------------------------------------------- */

/* The sections of the index are read whole, once, for their checksums. */
static int check_sections(mw_mblock *b, mw_err *err)
{
    for (uint32_t type = MW_MB_SAMPLES; type < MW_MB_SECTIONS; type++) {
        mw_str s = b->section[type] = mw_block_section(b->file, type);
        if (type == MW_MB_SAMPLES || s.n == 0) continue;
        int code = mw_block_check(b->file, s.p, s.n, err);
        if (code) return code;
    }
    return MW_OK;
}

static void free_block(mw_mblock *b)
{
    mw_mb_unparse(b);
    mw_mb_finder_free(b->finder);
    pthread_mutex_destroy(&b->lock);
    mw_block_release(b->file);
    mw_free(b);
}

mw_mblock *mw_mblock_open(const char *path, mw_err *err)
{
    mw_block *file = mw_block_open(path, MW_MBLOCK_KIND, err);
    if (!file) return NULL;
    mw_mblock *b = mw_zalloc(sizeof *b);
    b->refs = 1;
    b->file = file;
    pthread_mutex_init(&b->lock, NULL);
    if (check_sections(b, err) == MW_OK && mw_mb_parse(b, err) == MW_OK) return b;
    free_block(b);
    return NULL;
}

mw_mblock *mw_mblock_retain(mw_mblock *b)
{
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void mw_mblock_release(mw_mblock *b)
{
    if (b && __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) == 0) free_block(b);
}

const mw_mblock_meta *mw_mblock_meta_of(const mw_mblock *b) { return &b->meta; }
mw_block *mw_mblock_file(mw_mblock *b) { return b->file; }

/* -- names and values ----------------------------------------------------------------------- */

bool mw_mb_value(const mw_mblock *b, const mw_mb_name *name, uint32_t i, mw_str *text, mw_str *list)
{
    mw_str values = b->section[MW_MB_VALUES];
    const char *index = b->section[MW_MB_VALUE_INDEX].p + 4 * ((size_t)name->first + i);
    size_t from = mw_le32_get(index), to = values.n;
    if (name->first + i + 1 < b->n_values) to = mw_le32_get(index + 4);
    uint64_t n;
    const uint8_t *p = (const uint8_t *)values.p + from, *end = (const uint8_t *)values.p + to;
    if (!mw_mb_get(&p, end, &n) || n > (uint64_t)(end - p)) return false;
    *text = (mw_str){(const char *)p, (size_t)n};
    if (list) *list = (mw_str){(const char *)p + n, (size_t)(end - p) - (size_t)n};
    return true;
}

const mw_mb_name *mw_mb_name_find(const mw_mblock *b, mw_str text)
{
    uint32_t lo = 0, hi = b->n_names;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = mw_str_cmp(b->names[mid].text, text);
        if (c == 0) return &b->names[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

bool mw_mblock_has_name(const mw_mblock *b, mw_str name) { return mw_mb_name_find(b, name); }

int mw_mb_value_find(const mw_mblock *b, const mw_mb_name *name, mw_str text, uint32_t *i)
{
    uint32_t lo = 0, hi = name->n;
    while (lo < hi) {
        mw_str at;
        *i = lo + (hi - lo) / 2;
        if (!mw_mb_value(b, name, *i, &at, NULL)) return MW_ECORRUPT;
        int c = mw_str_cmp(at, text);
        if (c == 0) return MW_OK;
        if (c < 0)
            lo = *i + 1;
        else
            hi = *i;
    }
    return MW_ENOENT;
}

/* -- series --------------------------------------------------------------------------------- */

void mw_mb_walk_start(mw_mb_walk *w, const mw_mblock *b) { *w = (mw_mb_walk){.b = b}; }

static bool seek_group(mw_mb_walk *w, uint32_t group)
{
    mw_str s = w->b->section[MW_MB_SERIES];
    size_t at = mw_le32_get(w->b->section[MW_MB_SERIES_INDEX].p + (size_t)group * 4);
    if (at > s.n) return false;
    w->p = (const uint8_t *)s.p + at;
    w->end = (const uint8_t *)s.p + s.n;
    w->next = group * MW_MB_GROUP;
    return true;
}

static bool walk_to(mw_mb_walk *w, uint32_t series)
{
    uint32_t shape;
    bool near = w->p && w->next <= series && w->next / MW_MB_GROUP == series / MW_MB_GROUP;
    if (!near && !seek_group(w, series / MW_MB_GROUP)) return false;
    for (; w->next < series; w->next++) {
        if (!mw_mb_get_below(&w->p, w->end, w->b->n_shapes, &shape)) return false;
        if (!mw_mb_skip(&w->p, w->end, w->b->shapes[shape].said)) return false;
    }
    return true;
}

/* Columns that the series does not say come from the row of its leader's value. */
static bool read_row(const mw_mblock *b, const mw_mb_shape *s, uint32_t *value)
{
    const mw_mb_column *c = b->columns + s->first;
    const uint8_t *row = b->rows + (size_t)value[s->leader] * b->row_bytes;
    for (uint32_t i = 0; i < s->n; i++) {
        if (c[i].follower < 0) continue;
        const mw_mb_follower *f = &b->followers[c[i].follower];
        uint32_t v = 0;
        for (uint32_t k = 0; k < f->width; k++) v |= (uint32_t)row[f->at + k] << 8 * k;
        if (v >= b->names[f->name].n) return false;
        value[i] = v;
    }
    return true;
}

const mw_mb_shape *mw_mb_walk_read(mw_mb_walk *w, uint32_t series, uint32_t *value)
{
    const mw_mblock *b = w->b;
    uint32_t shape;
    MW_ASSERT(series < b->series);
    bool there = walk_to(w, series);
    if (!there || !mw_mb_get_below(&w->p, w->end, b->n_shapes, &shape)) goto damaged;
    const mw_mb_shape *s = &b->shapes[shape];
    const mw_mb_column *c = b->columns + s->first;
    for (uint32_t i = 0; i < s->n; i++) {
        if (c[i].follower >= 0) continue;
        if (!mw_mb_get_below(&w->p, w->end, b->names[c[i].name].n, &value[i])) goto damaged;
    }
    if (s->said < s->n && !read_row(b, s, value)) goto damaged;
    w->next++;
    return s;
damaged:
    w->p = NULL;
    return NULL;
}

mw_labels *mw_mblock_labels(const mw_mblock *b, uint32_t series, mw_arena *arena)
{
    uint32_t few[ON_STACK], *value = b->widest <= ON_STACK ? few : mw_array(b->widest, 4);
    mw_label some[ON_STACK];
    mw_label *l = b->widest <= ON_STACK ? some : mw_array(b->widest, sizeof *l);
    mw_labels *ls = NULL;
    mw_mb_walk w;
    mw_mb_walk_start(&w, b);
    const mw_mb_shape *s = mw_mb_walk_read(&w, series, value);
    bool good = s;
    for (uint32_t i = 0; good && i < s->n; i++) {
        const mw_mb_name *name = &b->names[b->columns[s->first + i].name];
        l[i].name = name->text;
        good = mw_mb_value(b, name, value[i], &l[i].value, NULL);
    }
    if (good) ls = mw_labels_new_in(arena, l, s->n, NULL);
    if (value != few) mw_free(value);
    if (l != some) mw_free(l);
    return ls;
}

/* -- runs ----------------------------------------------------------------------------------- */

/* Where the figures of SERIES are, and where in the samples its first run begins. */
static bool seek_figures(const mw_mblock *b, uint32_t series, const uint8_t **p,
                         const uint8_t **end, uint64_t *bytes)
{
    mw_str s = b->section[MW_MB_FIGURES];
    size_t at =
        mw_le32_get(b->section[MW_MB_FIGURE_INDEX].p + (size_t)(series / MW_MB_FIGURE_GROUP) * 4);
    if (at > s.n) return false;
    *p = (const uint8_t *)s.p + at;
    *end = (const uint8_t *)s.p + s.n;
    if (!mw_mb_get(p, *end, bytes)) return false;
    for (uint32_t i = series % MW_MB_FIGURE_GROUP; i; i--)
        if (!mw_mb_figures_skip(p, *end, bytes)) return false;
    return true;
}

static bool place_bytes(const mw_mblock *b, uint64_t at, mw_run_ref *run)
{
    mw_str samples = b->section[MW_MB_SAMPLES];
    if (at > samples.n || run->bytes.n > samples.n - at) return false;
    run->bytes.p = samples.p + at;
    return run->stats.min_t >= b->meta.min_t && run->stats.max_t <= b->meta.max_t;
}

int mw_mblock_runs(mw_mblock *b, uint32_t series, int64_t min, int64_t max, mw_run_ref **runs,
                   size_t *n, size_t *cap, mw_err *err)
{
    const uint8_t *p, *end;
    uint64_t at;
    int64_t start = b->meta.min_t, after = INT64_MIN;
    bool more = true;
    MW_ASSERT(series < b->series);
    if (!seek_figures(b, series, &p, &end, &at)) return mw_mb_damaged(b, err, "figures");
    while (more) {
        mw_run_ref run;
        int got = mw_mb_figures_get(&b->usual, &p, end, &start, &run, &more);
        if (got == 0) break;
        if (got < 0 || run.stats.min_t < after || !place_bytes(b, at, &run))
            return mw_mb_damaged(b, err, "figures");
        at += run.bytes.n;
        after = run.stats.max_t;
        if (run.stats.max_t < min || run.stats.min_t > max) continue;
        int code = run.bytes.n ? mw_block_check(b->file, run.bytes.p, run.bytes.n, err) : MW_OK;
        if (code) return code;
        MW_PUSH(*runs, *n, *cap, run);
    }
    return MW_OK;
}
