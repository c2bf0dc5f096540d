/* mblock_parse.c - the tables of a block of metrics, read and checked when it is opened.
 *
 * Everything here is per name, value, shape or leader column: nothing is per series, so that
 * opening costs the same for a million of them.  What stands per series is checked where it is
 * read.  SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "tsdb/mblock_inside.h"
#include "tsdb/mblock_varint.h"

typedef struct reader {
    const uint8_t *p, *end;
} reader;

static reader open_section(const mw_mblock *b, int type)
{
    const uint8_t *p = (const uint8_t *)b->section[type].p;
    return (reader){p, p + b->section[type].n};
}

static bool get(reader *r, uint64_t *v) { return mw_mb_get(&r->p, r->end, v); }
static bool get_below(reader *r, uint64_t limit, uint32_t *v)
{
    return mw_mb_get_below(&r->p, r->end, limit, v);
}

/* A number of things of which each takes a byte at least. */
static bool get_count(reader *r, uint32_t *n)
{
    return get_below(r, (uint64_t)(r->end - r->p) + 1, n);
}

static bool get_text(reader *r, mw_str *out)
{
    uint64_t n;
    if (!get(r, &n) || n > (uint64_t)(r->end - r->p)) return false;
    *out = (mw_str){(const char *)r->p, (size_t)n};
    r->p += n;
    return true;
}

/* -- meta ----------------------------------------------------------------------------------- */

static size_t index_bytes(size_t series, size_t group) { return (series + group - 1) / group * 4; }

static bool parse_meta(mw_mblock *b)
{
    mw_str s = b->section[MW_MB_META];
    if (s.n != MW_MB_META_BYTES || mw_le32_get(s.p) != MW_MB_VERSION) return false;
    b->series = mw_le32_get(s.p + 4);
    b->meta.series = b->series;
    b->meta.samples = mw_le64_get(s.p + 8);
    b->meta.min_t = (int64_t)mw_le64_get(s.p + 16);
    b->meta.max_t = (int64_t)mw_le64_get(s.p + 24);
    b->meta.bytes = mw_block_bytes(b->file);
    b->usual = (mw_mb_usual){b->meta.min_t, mw_le64_get(s.p + 32), mw_le32_get(s.p + 40)};
    return b->series > 0 && b->series < UINT32_MAX && b->meta.min_t <= b->meta.max_t &&
           b->section[MW_MB_KEYS].n == (size_t)b->series * MW_MB_KEY_BYTES &&
           index_bytes(b->series, MW_MB_GROUP) == b->section[MW_MB_SERIES_INDEX].n &&
           index_bytes(b->series, MW_MB_FIGURE_GROUP) == b->section[MW_MB_FIGURE_INDEX].n;
}

/* -- names ---------------------------------------------------------------------------------- */

/* Values lie one behind the other: all of them together are no longer than their section, whatever
 * a series claims to have. */
static bool check_values(const mw_mblock *b)
{
    const char *index = b->section[MW_MB_VALUE_INDEX].p;
    uint32_t last = 0;
    for (size_t i = 0; i < b->n_values; i++) {
        uint32_t at = mw_le32_get(index + 4 * i);
        if (at < last) return false;
        last = at;
    }
    return last <= b->section[MW_MB_VALUES].n;
}

static bool parse_names(mw_mblock *b)
{
    reader r = open_section(b, MW_MB_NAMES);
    uint32_t n;
    uint64_t values = 0, all = b->section[MW_MB_VALUE_INDEX].n / 4;
    if (!get_count(&r, &n) || all > UINT32_MAX) return false;
    b->names = mw_array((size_t)n + 1, sizeof *b->names);
    for (; b->n_names < n; b->n_names++) {
        mw_mb_name *name = &b->names[b->n_names];
        if (!get_text(&r, &name->text) || !get_below(&r, all - values + 1, &name->n)) return false;
        if (name->text.n == 0) return false;
        if (b->n_names && mw_str_cmp(name[-1].text, name->text) >= 0) return false;
        name->first = (uint32_t)values;
        values += name->n;
    }
    b->n_values = (uint32_t)values;
    return r.p == r.end && b->section[MW_MB_VALUE_INDEX].n == values * 4 && check_values(b);
}

/* -- the leader ----------------------------------------------------------------------------- */

static uint32_t row_width(uint64_t values)
{
    return values <= 1 << 8 ? 1 : values <= 1 << 16 ? 2 : values <= 1 << 24 ? 3 : 4;
}

static bool parse_lead(mw_mblock *b)
{
    reader r = open_section(b, MW_MB_LEAD);
    uint32_t n;
    b->leader = UINT32_MAX;
    if (!get_count(&r, &n)) return false;
    if (n == 0) return r.p == r.end;
    if (!get_below(&r, b->n_names, &b->leader)) return false;
    b->followers = mw_array(n, sizeof *b->followers);
    for (; b->n_followers < n; b->n_followers++) {
        mw_mb_follower *f = &b->followers[b->n_followers];
        if (!get_below(&r, b->n_names, &f->name) || f->name == b->leader) return false;
        if (b->n_followers && f[-1].name >= f->name) return false;
        f->at = b->row_bytes;
        f->width = row_width(b->names[f->name].n);
        b->row_bytes += f->width;
    }
    b->rows = r.p;
    return (uint64_t)(r.end - r.p) == (uint64_t)b->row_bytes * b->names[b->leader].n;
}

/* -- shapes --------------------------------------------------------------------------------- */

/* The columns of a shape, of which those that follow are not said by its series. */
static bool parse_columns(mw_mblock *b, reader *r, const int32_t *follower_of, bool follows,
                          mw_mb_shape *s, size_t *n_columns, size_t *cap)
{
    uint32_t next = 0, gap;
    s->leader = UINT32_MAX;
    s->first = (uint32_t)*n_columns;
    for (uint32_t i = 0; i < s->n; i++) {
        if (!get_below(r, b->n_names - next, &gap)) return false;
        mw_mb_column c = {next + gap, follows ? follower_of[next + gap] : -1};
        if (c.name == b->leader) s->leader = i;
        s->said += c.follower < 0;
        MW_PUSH(b->columns, *n_columns, *cap, c);
        next = c.name + 1;
    }
    return !follows || (s->leader != UINT32_MAX && s->said < s->n);
}

static bool parse_shapes(mw_mblock *b, const int32_t *follower_of)
{
    reader r = open_section(b, MW_MB_SHAPES);
    uint32_t n;
    uint64_t head;
    size_t columns = 0, cap = 0;
    if (b->section[MW_MB_SHAPES].n > UINT32_MAX || !get_count(&r, &n)) return false;
    b->shapes = mw_array((size_t)n + 1, sizeof *b->shapes);
    for (; b->n_shapes < n; b->n_shapes++) {
        mw_mb_shape *s = &b->shapes[b->n_shapes];
        if (!get(&r, &head) || head >> 1 > b->n_names) return false;
        s->n = (uint32_t)(head >> 1);
        if (!parse_columns(b, &r, follower_of, head & 1, s, &columns, &cap)) return false;
        if (s->n > b->widest) b->widest = s->n;
    }
    return r.p == r.end;
}

/* -- all ------------------------------------------------------------------------------------ */

int mw_mb_damaged(const mw_mblock *b, mw_err *err, const char *what)
{
    return mw_fail(err, MW_ECORRUPT, 0, 0, "%s: the %s of the block are damaged",
                   mw_block_path(b->file), what);
}

int mw_mb_parse(mw_mblock *b, mw_err *err)
{
    if (!parse_meta(b)) return mw_mb_damaged(b, err, "counts");
    if (!parse_names(b)) return mw_mb_damaged(b, err, "label names");
    if (!parse_lead(b)) return mw_mb_damaged(b, err, "rows of the leading label");
    int32_t *follower_of = mw_array((size_t)b->n_names + 1, sizeof *follower_of);
    for (uint32_t i = 0; i < b->n_names; i++) follower_of[i] = -1;
    for (uint32_t i = 0; i < b->n_followers; i++) follower_of[b->followers[i].name] = (int32_t)i;
    bool good = parse_shapes(b, follower_of);
    mw_free(follower_of);
    return good ? MW_OK : mw_mb_damaged(b, err, "label lists");
}

void mw_mb_unparse(mw_mblock *b)
{
    mw_free(b->names);
    mw_free(b->followers);
    mw_free(b->shapes);
    mw_free(b->columns);
}
