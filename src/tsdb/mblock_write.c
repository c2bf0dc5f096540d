/* mblock_write.c - series come in, one after the other, and a block goes out.
 *
 * The bytes of runs go to the file as they come.  In memory stay, per series, its key, its labels
 * as numbers and the figures of its runs, some 45 bytes.  A label that is as in the series before,
 * which is most of them, costs a comparison and no look-up.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/mblock_inside.h"
#include "tsdb/mblock_varint.h"
#include "tsdb/mblock_writing.h"

/* Figures are relative to the final base only in the file; before, to some time well before the
 * first run, so that few differences are negative (those are long). */
enum { EARLIER_DAYS = 100 };
static const int64_t day_ms = 86400000;

mw_mblock_writer *mw_mblock_create(const mw_io *io, const char *path, mw_err *err)
{
    mw_block_writer *file = mw_block_create(io, path, MW_MBLOCK_KIND, err);
    if (!file) return NULL;
    mw_mblock_writer *w = mw_zalloc(sizeof *w);
    w->file = file;
    w->arena = mw_arena_new(0);
    w->meta.min_t = INT64_MAX;
    w->meta.max_t = INT64_MIN;
    mw_block_begin(file, MW_MB_SAMPLES);
    return w;
}

static void free_writer(mw_mblock_writer *w)
{
    for (size_t i = 0; i < w->names.n; i++) mw_mb_texts_deinit(&w->values[i]);
    mw_free(w->values);
    mw_mb_texts_deinit(&w->names);
    mw_mb_texts_deinit(&w->shapes);
    mw_buf_deinit(&w->records);
    mw_buf_deinit(&w->figures);
    mw_buf_deinit(&w->keys);
    mw_free(w->name);
    mw_free(w->value);
    mw_arena_free(w->arena);
    mw_free(w);
}

void mw_mblock_abort(mw_mblock_writer *w)
{
    if (!w) return;
    mw_block_abort(w->file);
    free_writer(w);
}

/* -- labels --------------------------------------------------------------------------------- */

static uint32_t intern_name(mw_mblock_writer *w, mw_str name)
{
    uint32_t i = mw_mb_texts_intern(&w->names, w->arena, name);
    size_t before = w->values_cap;
    mw_grow(&w->values, &w->values_cap, w->names.n, sizeof *w->values);
    if (w->values_cap > before)
        memset(w->values + before, 0, (w->values_cap - before) * sizeof *w->values);
    return i;
}

/* Sets the numbers of label I; *CMP becomes how the last series compares with this one, if it is
 * still 0.  True: the name is the one that the last series has there. */
static bool take_label(mw_mblock_writer *w, uint32_t i, const mw_label *l, int *cmp)
{
    bool had = i < w->n_labels;
    mw_str name = had ? mw_mb_texts_at(&w->names, w->name[i]) : (mw_str){0};
    bool same_name = had && mw_str_eq(name, l->name);
    if (!same_name) {
        if (had && !*cmp) *cmp = mw_str_cmp(name, l->name);
        w->name[i] = intern_name(w, l->name);
        w->value[i] = mw_mb_texts_intern(&w->values[w->name[i]], w->arena, l->value);
    } else {
        mw_mb_texts *values = &w->values[w->name[i]];
        mw_str value = mw_mb_texts_at(values, w->value[i]);
        if (!mw_str_eq(value, l->value)) {
            if (!*cmp) *cmp = mw_str_cmp(value, l->value);
            w->value[i] = mw_mb_texts_intern(values, w->arena, l->value);
        }
    }
    w->values[w->name[i]].v[w->value[i]].uses++;
    w->names.v[w->name[i]].uses++;
    return same_name;
}

static void take_labels(mw_mblock_writer *w, const mw_labels *ls)
{
    int cmp = 0;
    bool same_shape = w->n_labels == ls->n && w->meta.series > 0;
    mw_grow(&w->name, &w->name_cap, ls->n, sizeof *w->name);
    mw_grow(&w->value, &w->value_cap, ls->n, sizeof *w->value);
    for (uint32_t i = 0; i < ls->n; i++) same_shape &= take_label(w, i, &ls->l[i], &cmp);
    MW_ASSERT(w->meta.series == 0 || cmp < 0 || (cmp == 0 && w->n_labels < ls->n));
    w->n_labels = ls->n;
    if (ls->n > w->widest) w->widest = ls->n;
    if (same_shape) return;
    mw_str text = {ls->n ? (const char *)w->name : "", ls->n * sizeof *w->name};
    w->shape = mw_mb_texts_intern(&w->shapes, w->arena, text);
}

static void keep_record(mw_mblock_writer *w)
{
    size_t room = MW_MB_VARINT_MAX * (w->n_labels + 1);
    uint8_t *from = (uint8_t *)mw_buf_room(&w->records, room), *to = mw_mb_place(from, w->shape);
    for (size_t i = 0; i < w->n_labels; i++) to = mw_mb_place(to, w->value[i]);
    w->records.n += (size_t)(to - from);
}

void mw_mb_record_next(const mw_mblock_writer *w, const uint8_t **p, mw_mb_record *r)
{
    const uint8_t *end = (const uint8_t *)w->records.p + w->records.n;
    uint64_t v = 0;
    MW_ASSERT(mw_mb_get(p, end, &v));
    r->shape = (uint32_t)v;
    const mw_mb_text *shape = &w->shapes.v[r->shape];
    r->n = shape->n / (uint32_t)sizeof *r->name;
    r->name = (const uint32_t *)(const void *)shape->p;
    for (uint32_t i = 0; i < r->n; i++) {
        MW_ASSERT(mw_mb_get(p, end, &v));
        r->value[i] = (uint32_t)v;
    }
}

/* -- runs ----------------------------------------------------------------------------------- */

/* Boyer and Moore: what has more than half of the votes is left over. */
static void vote(mw_mb_vote *v, uint64_t what)
{
    if (v->lead == 0) v->what = what;
    v->lead += v->what == what ? 1 : (uint64_t)-1;
}

static void take_runs(mw_mblock_writer *w, const mw_run_ref *runs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const mw_run_stats *s = &runs[i].stats;
        MW_ASSERT(s->n > 0 && s->max_t >= s->min_t && runs[i].bytes.n < UINT32_MAX);
        MW_ASSERT(i == 0 || s->min_t >= runs[i - 1].stats.max_t);
        mw_block_write(w->file, runs[i].bytes.p, runs[i].bytes.n);
        vote(&w->n, s->n);
        vote(&w->span, (uint64_t)s->max_t - (uint64_t)s->min_t);
        w->meta.samples += s->n;
        if (s->min_t < w->meta.min_t) w->meta.min_t = s->min_t;
        if (s->max_t > w->meta.max_t) w->meta.max_t = s->max_t;
        if (w->rough.n) continue;
        w->rough.n = s->n;
        w->rough.base = (int64_t)((uint64_t)s->min_t - (uint64_t)(EARLIER_DAYS * day_ms));
    }
    mw_mb_figures_put(&w->rough, runs, n, &w->figures);
}

static void keep_key(mw_mblock_writer *w, mw_key key)
{
    char *to = mw_buf_room(&w->keys, MW_MB_KEY_BYTES);
    mw_le64_put(to, key.lo);
    mw_le32_put(to + 8, key.hi);
    w->keys.n += MW_MB_KEY_BYTES;
}

void mw_mblock_add(mw_mblock_writer *w, const mw_labels *ls, mw_key key, const mw_run_ref *runs,
                   size_t n)
{
    MW_ASSERT(w->meta.series < UINT32_MAX - 1);
    take_labels(w, ls);
    keep_record(w);
    keep_key(w, key);
    take_runs(w, runs, n);
    w->meta.series++;
}

/* -- the end -------------------------------------------------------------------------------- */

static void write_meta(mw_mblock_writer *w, const mw_mb_usual *usual)
{
    char b[MW_MB_META_BYTES] = {0};
    mw_le32_put(b, MW_MB_VERSION);
    mw_le32_put(b + 4, (uint32_t)w->meta.series);
    mw_le64_put(b + 8, w->meta.samples);
    mw_le64_put(b + 16, (uint64_t)w->meta.min_t);
    mw_le64_put(b + 24, (uint64_t)w->meta.max_t);
    mw_le64_put(b + 32, usual->span);
    mw_le32_put(b + 40, usual->n);
    mw_block_begin(w->file, MW_MB_META);
    mw_block_write(w->file, b, sizeof b);
}

static void write_keys(mw_mblock_writer *w)
{
    mw_block_begin(w->file, MW_MB_KEYS);
    mw_block_write(w->file, w->keys.p, w->keys.n);
    mw_buf_deinit(&w->keys);
}

static bool write_sections(mw_mblock_writer *w)
{
    mw_mb_lead lead;
    if (w->meta.min_t > w->meta.max_t) w->meta.min_t = w->meta.max_t = 0;
    mw_mb_usual usual = {w->meta.min_t, w->span.what, (uint32_t)w->n.what};
    write_keys(w);
    write_meta(w, &usual);
    if (!mw_mb_write_figures(w, &usual)) return false;
    mw_mb_texts_rank(&w->names);
    for (size_t i = 0; i < w->names.n; i++) mw_mb_texts_rank(&w->values[i]);
    mw_mb_lead_find(w, &lead);
    bool fits = mw_mb_write_series(w, &lead) && mw_mb_write_values(w, &lead);
    mw_mb_lead_deinit(&lead, w);
    return fits;
}

int mw_mblock_finish(mw_mblock_writer *w, mw_mblock_meta *meta, mw_err *err)
{
    int code = MW_OK;
    if (w->meta.series == 0)
        code = mw_fail(err, MW_EARG, 0, 0, "a block without series");
    else if (!write_sections(w))
        code = mw_fail(err, MW_ETOOBIG, 0, 0, "the index of the block is beyond 4 GiB");
    if (code)
        mw_block_abort(w->file);
    else
        code = mw_block_finish(w->file, &w->meta.bytes, err);
    if (!code && meta) *meta = w->meta;
    free_writer(w);
    return code;
}
