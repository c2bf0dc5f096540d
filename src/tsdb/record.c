/* record.c - records of the metrics journal, written and read.
 *
 * The first byte of a record is its type in the low three bits; a sample keeps two more things in
 * it: whether its time is that of the sample before (bit 3), and how its value is written (bits 4
 * and 5).  Counts and identities are varints, differences are zigzag varints.
 * SPDX-License-Identifier: MIT */
#include "tsdb/record.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { TYPE_MASK = 7, SAME_TIME = 8, VALUE_SHIFT = 4 };
enum value_code { ZERO, WHOLE, BITS, STALE };

/* -- writing -------------------------------------------------------------------------------- */

static inline char *put_varint(char *p, uint64_t v)
{
    for (; v > 127; v >>= 7) *p++ = (char)(v | 128);
    *p++ = (char)v;
    return p;
}

static inline uint64_t zigzag(uint64_t d) { return d << 1 ^ (0 - (d >> 63)); }

static void add_varint(mw_buf *b, uint64_t v)
{
    char *p = mw_buf_room(b, 10);
    b->n += (size_t)(put_varint(p, v) - p);
}

static void add_bytes(mw_buf *b, mw_str s)
{
    add_varint(b, s.n);
    mw_buf_add(b, s.p, s.n);
}

static void add_fixed(mw_buf *b, const void *p, size_t n) { mw_buf_add(b, p, n); }

void mw_record_pair(mw_buf *b, uint32_t number, mw_str name, mw_str value)
{
    mw_buf_byte(b, MW_RECORD_PAIR);
    add_varint(b, number);
    add_bytes(b, name);
    add_bytes(b, value);
}

void mw_record_series(mw_buf *b, uint32_t id, mw_key key, const uint32_t *pairs, uint32_t n)
{
    mw_buf_byte(b, MW_RECORD_SERIES);
    add_varint(b, id);
    add_fixed(b, &key.lo, sizeof key.lo);
    add_fixed(b, &key.hi, sizeof key.hi);
    add_varint(b, n);
    for (uint32_t i = 0; i < n; i++) add_varint(b, pairs[i]);
}

/* How V is best written; *WHOLE_OUT is its zigzag when it is a whole number. */
static enum value_code code_of(uint64_t bits, double v, uint64_t *whole)
{
    if (bits == 0) return ZERO;
    if (bits == MW_STALE_BITS) return STALE;
    if (!(v > -1e12 && v < 1e12)) return BITS; /* beyond that, bits are hardly longer */
    int64_t i = (int64_t)v;
    if (mw_double_bits((double)i) != bits) return BITS;
    *whole = zigzag((uint64_t)i);
    return WHOLE;
}

char *mw_record_sample(char *p, mw_record_run *run, uint32_t id, int64_t t, double v)
{
    uint64_t bits = mw_double_bits(v), whole = 0;
    enum value_code code = code_of(bits, v, &whole);
    bool same = t == run->t;
    *p++ = (char)(MW_RECORD_SAMPLE | (same ? SAME_TIME : 0) | (int)code << VALUE_SHIFT);
    p = put_varint(p, zigzag((uint64_t)(int64_t)(int32_t)(id - run->id)));
    if (!same) p = put_varint(p, zigzag((uint64_t)t - (uint64_t)run->t));
    if (code == WHOLE) p = put_varint(p, whole);
    if (code == BITS) {
        memcpy(p, &bits, sizeof bits);
        p += sizeof bits;
    }
    *run = (mw_record_run){id, t};
    return p;
}

void mw_record_histogram(mw_buf *b, uint32_t id, int64_t t, mw_str bytes)
{
    mw_buf_byte(b, MW_RECORD_HISTOGRAM);
    add_varint(b, id);
    add_varint(b, zigzag((uint64_t)t));
    add_bytes(b, bytes);
}

static void add_labels(mw_buf *b, const mw_labels *ls)
{
    add_varint(b, ls->n);
    for (uint32_t i = 0; i < ls->n; i++) {
        add_bytes(b, ls->l[i].name);
        add_bytes(b, ls->l[i].value);
    }
}

void mw_record_exemplar(mw_buf *b, const mw_labels *series, const mw_exemplar *e)
{
    mw_buf_byte(b, MW_RECORD_EXEMPLAR);
    add_labels(b, series);
    add_labels(b, e->labels);
    add_varint(b, zigzag((uint64_t)e->t));
    add_fixed(b, &e->v, sizeof e->v);
}

void mw_record_metadata(mw_buf *b, const mw_metadata *m)
{
    mw_buf_byte(b, MW_RECORD_METADATA);
    add_bytes(b, m->name);
    add_bytes(b, m->type);
    add_bytes(b, m->help);
    add_bytes(b, m->unit);
}

void mw_record_delete(mw_buf *b, const mw_select *sel)
{
    mw_buf_byte(b, MW_RECORD_DELETE);
    add_varint(b, zigzag((uint64_t)sel->min_t));
    add_varint(b, zigzag((uint64_t)sel->max_t));
    add_varint(b, sel->n);
    for (size_t i = 0; i < sel->n; i++) {
        mw_buf_byte(b, (char)sel->matchers[i].op);
        add_bytes(b, sel->matchers[i].name);
        add_bytes(b, sel->matchers[i].value);
    }
}

/* -- reading -------------------------------------------------------------------------------- */

void mw_record_open(mw_record_reader *r, mw_str frame, mw_arena *arena)
{
    *r = (mw_record_reader){.p = frame.p, .end = frame.p + frame.n, .arena = arena};
}

static bool get_varint(mw_record_reader *r, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && r->p < r->end; shift += 7) {
        uint8_t byte = (uint8_t)*r->p++;
        v |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            *out = v;
            return true;
        }
    }
    return false;
}

static bool get_signed(mw_record_reader *r, uint64_t *out)
{
    uint64_t v;
    if (!get_varint(r, &v)) return false;
    *out = v >> 1 ^ (0 - (v & 1));
    return true;
}

static bool get_u32(mw_record_reader *r, uint32_t *out)
{
    uint64_t v;
    if (!get_varint(r, &v) || v > UINT32_MAX) return false;
    *out = (uint32_t)v;
    return true;
}

static bool get_time(mw_record_reader *r, int64_t *out)
{
    uint64_t v;
    if (!get_signed(r, &v)) return false;
    *out = (int64_t)v;
    return true;
}

static bool get_fixed(mw_record_reader *r, void *out, size_t n)
{
    if ((size_t)(r->end - r->p) < n) return false;
    memcpy(out, r->p, n);
    r->p += n;
    return true;
}

static bool get_bytes(mw_record_reader *r, mw_str *out)
{
    uint64_t n;
    if (!get_varint(r, &n) || n > (uint64_t)(r->end - r->p)) return false;
    *out = (mw_str){r->p, (size_t)n};
    r->p += n;
    return true;
}

enum { SAMPLE_MOST = 32 /* bytes behind the head: three varints, or two and a double */ };

/* As get_varint, where there is room for the longest; NULL: it does not end. */
static inline const char *take_varint(const char *p, uint64_t *out)
{
    uint64_t v = 0, byte = 128;
    for (unsigned shift = 0; byte > 127 && shift < 64; shift += 7) {
        byte = (uint8_t)*p++;
        v |= (byte & 127) << shift;
    }
    *out = v;
    return byte > 127 ? NULL : p;
}

static inline const char *take_signed(const char *p, uint64_t *out)
{
    p = take_varint(p, out);
    *out = *out >> 1 ^ (0 - (*out & 1));
    return p;
}

static const char *take_sample(const char *p, unsigned head, mw_record_run *run, double *v)
{
    uint64_t d, bits = 0;
    if (!(p = take_signed(p, &d))) return NULL;
    run->id += (uint32_t)d;
    if (!(head & SAME_TIME)) {
        if (!(p = take_signed(p, &d))) return NULL;
        run->t = (int64_t)((uint64_t)run->t + d);
    }
    switch ((enum value_code)(head >> VALUE_SHIFT & 3)) {
    case ZERO: break;
    case STALE: bits = MW_STALE_BITS; break;
    case BITS:
        memcpy(&bits, p, sizeof bits);
        p += sizeof bits;
        break;
    case WHOLE:
        if (!(p = take_signed(p, &d))) return NULL;
        *v = (double)(int64_t)d;
        return p;
    }
    memcpy(v, &bits, sizeof bits);
    return p;
}

/* Near the end of the frame it is read from a copy with zeros behind, whose use is seen after. */
static bool get_sample(mw_record_reader *r, unsigned head, mw_record *out)
{
    char copy[SAMPLE_MOST];
    const char *from = r->p;
    size_t left = (size_t)(r->end - r->p);
    if (left < SAMPLE_MOST) {
        memset(copy, 0, sizeof copy);
        memcpy(copy, r->p, left);
        from = copy;
    }
    const char *p = take_sample(from, head, &r->run, &out->v);
    if (!p || (size_t)(p - from) > left) return false;
    r->p += p - from;
    out->id = r->run.id;
    out->t = r->run.t;
    return true;
}

static bool get_histogram(mw_record_reader *r, mw_record *out)
{
    return get_u32(r, &out->id) && get_time(r, &out->t) && get_bytes(r, &out->bytes);
}

static bool get_pair(mw_record_reader *r, mw_record *out)
{
    return get_u32(r, &out->id) && get_bytes(r, &out->pair.name) && get_bytes(r, &out->pair.value);
}

static bool get_series(mw_record_reader *r, mw_record *out)
{
    if (!get_u32(r, &out->id) || !get_fixed(r, &out->key.lo, 8) || !get_fixed(r, &out->key.hi, 4) ||
        !get_u32(r, &out->n_pairs) || out->n_pairs > (size_t)(r->end - r->p) ||
        out->n_pairs > UINT16_MAX)
        return false;
    uint32_t *pairs = mw_arena_alloc(r->arena, (out->n_pairs + 1) * sizeof *pairs);
    if (!pairs) return false;
    for (uint32_t i = 0; i < out->n_pairs; i++)
        if (!get_u32(r, &pairs[i])) return false;
    out->pairs = pairs;
    return true;
}

static bool get_labels(mw_record_reader *r, const mw_labels **out)
{
    uint32_t n;
    if (!get_u32(r, &n) || n > (size_t)(r->end - r->p)) return false;
    mw_label *l = mw_arena_array(r->arena, n + 1, sizeof *l);
    if (!l) return false;
    for (uint32_t i = 0; i < n; i++)
        if (!get_bytes(r, &l[i].name) || !get_bytes(r, &l[i].value)) return false;
    *out = mw_labels_new_in(r->arena, l, n, NULL);
    return *out != NULL;
}

static bool get_exemplar(mw_record_reader *r, mw_record *out)
{
    return get_labels(r, &out->series) && get_labels(r, &out->exemplar.labels) &&
           get_time(r, &out->exemplar.t) && get_fixed(r, &out->exemplar.v, sizeof(double));
}

static bool get_metadata(mw_record_reader *r, mw_record *out)
{
    mw_metadata *m = &out->metadata;
    return get_bytes(r, &m->name) && get_bytes(r, &m->type) && get_bytes(r, &m->help) &&
           get_bytes(r, &m->unit);
}

static bool get_matcher(mw_record_reader *r, mw_matcher *m)
{
    uint8_t op;
    mw_str name, value;
    return get_fixed(r, &op, 1) && op <= MW_MATCH_NRE && get_bytes(r, &name) &&
           get_bytes(r, &value) && mw_matcher_init(m, (mw_match_op)op, name, value, NULL) == MW_OK;
}

static bool get_delete(mw_record_reader *r, mw_record *out)
{
    uint32_t n;
    if (!get_time(r, &out->min_t) || !get_time(r, &out->max_t) || !get_u32(r, &n) ||
        n > (size_t)(r->end - r->p))
        return false;
    mw_matcher *m = mw_arena_array(r->arena, n + 1, sizeof *m);
    if (!m) return false;
    for (out->n_matchers = 0; out->n_matchers < n; out->n_matchers++) {
        if (get_matcher(r, &m[out->n_matchers])) continue;
        while (out->n_matchers) mw_matcher_deinit(&m[--out->n_matchers]);
        return false;
    }
    out->matchers = m;
    return true;
}

static bool get_record(mw_record_reader *r, unsigned head, mw_record *out)
{
    switch (out->type) {
    case MW_RECORD_SAMPLE: return get_sample(r, head, out);
    case MW_RECORD_HISTOGRAM: return get_histogram(r, out);
    case MW_RECORD_PAIR: return get_pair(r, out);
    case MW_RECORD_SERIES: return get_series(r, out);
    case MW_RECORD_EXEMPLAR: return get_exemplar(r, out);
    case MW_RECORD_METADATA: return get_metadata(r, out);
    case MW_RECORD_DELETE: return get_delete(r, out);
    }
    return false;
}

int mw_record_next(mw_record_reader *r, mw_record *out)
{
    if (r->p == r->end) return 0;
    unsigned head = (uint8_t)*r->p++;
    out->type = (mw_record_type)(head & TYPE_MASK);
    return get_record(r, head, out) ? 1 : MW_ECORRUPT;
}
