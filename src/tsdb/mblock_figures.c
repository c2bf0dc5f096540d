/* mblock_figures.c - figures of runs to bytes and back.
 *
 * A head byte says which varints follow, so that a reader passes over a run without knowing what
 * it says.  Differences are taken modulo 2^64: whatever the figures are, they come back bit by bit.
 * SPDX-License-Identifier: MIT */
#include "tsdb/mblock_figures.h"

#include <math.h>

#include "store/le.h"
#include "tsdb/mblock_varint.h"

/* The head byte. */
enum {
    MORE = 1, /* another run of this series follows */
    KIND = 6, /* two bits */
    WHOLE = 0,
    SCALED = 2,
    HISTOGRAM = 4,
    NONE = 6,
    HAS_N = 8,
    HAS_SPAN = 16,
    HAS_RESETS = 32,
    FORM = 192, /* two bits */
    ANY = 0,    /* first, min, max, last differ as they like */
    CONSTANT = 64,
    RISING = 128, /* first is min, last is max */
    FALLING = 192
};

/* The scale byte of SCALED: a power of ten, or RAW; STALE: the last sample is a stale marker. */
enum { POWER = 15, LARGEST_POWER = 9, RAW = 15, STALE = 16 };

static const uint64_t stale_bits = 0x7ff0000000000002u;
static const double tens[LARGEST_POWER + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
static const unsigned char counts[] = {
    [ANY >> 6] = 4, [CONSTANT >> 6] = 1, [RISING >> 6] = 2, [FALLING >> 6] = 2};

static uint64_t bits_of(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static bool same(double a, double b) { return bits_of(a) == bits_of(b); }

/* -- writing -------------------------------------------------------------------------------- */

typedef struct figures {
    double v[4]; /* first, last, min, max */
    unsigned form, scale;
    bool whole;
    uint64_t m[4]; /* as whole numbers, when they can be */
} figures;

static unsigned form_of(const double v[4])
{
    if (same(v[0], v[2]) && same(v[1], v[3])) return same(v[0], v[1]) ? CONSTANT : RISING;
    if (same(v[0], v[3]) && same(v[1], v[2])) return FALLING;
    return ANY;
}

static bool scaled(const double v[4], unsigned power, uint64_t m[4])
{
    static const double limit = 9007199254740992.0; /* 2^53 */
    for (int i = 0; i < 4; i++) {
        double x = v[i] * tens[power];
        if (!(x > -limit && x < limit)) return false;
        int64_t whole = (int64_t)(x + (x < 0 ? -0.5 : 0.5));
        if (!same((double)whole / tens[power], v[i])) return false;
        m[i] = (uint64_t)whole;
    }
    return true;
}

/* A stale marker at the end says nothing about the values before it: another last that leaves a
 * simple form takes its place. */
static bool hide_stale(double v[4])
{
    if (bits_of(v[1]) != stale_bits || isnan(v[0])) return false;
    v[1] = same(v[0], v[2]) ? v[3] : same(v[0], v[3]) ? v[2] : v[0];
    return true;
}

static void understand(const mw_run_stats *s, figures *f)
{
    double v[4] = {s->first, s->last, s->min, s->max};
    bool stale = hide_stale(v);
    for (unsigned power = 0; power <= LARGEST_POWER; power++) {
        if (!scaled(v, power, f->m)) continue;
        f->form = form_of(v);
        f->whole = power == 0 && !stale;
        f->scale = power | (stale ? STALE : 0);
        return;
    }
    double raw[4] = {s->first, s->last, s->min, s->max};
    memcpy(f->v, raw, sizeof raw);
    f->form = form_of(raw);
    f->scale = RAW;
}

static void put_raw(const figures *f, mw_buf *out)
{
    for (unsigned i = 0; i < counts[f->form >> 6]; i++) {
        mw_le64_put(mw_buf_room(out, 8), bits_of(f->v[i]));
        out->n += 8;
    }
}

static void put_whole(const figures *f, mw_buf *out)
{
    mw_mb_put(out, mw_mb_zigzag(f->m[0]));
    if (f->form == RISING) mw_mb_put(out, f->m[1] - f->m[0]);
    if (f->form == FALLING) mw_mb_put(out, f->m[0] - f->m[1]);
    if (f->form != ANY) return;
    mw_mb_put(out, mw_mb_zigzag(f->m[1] - f->m[0]));
    mw_mb_put(out, f->m[0] - f->m[2]);
    mw_mb_put(out, f->m[3] - f->m[0]);
}

static void put_run(const mw_mb_usual *u, const mw_run_ref *run, int64_t from, bool more,
                    mw_buf *out)
{
    const mw_run_stats *s = &run->stats;
    uint64_t span = (uint64_t)s->max_t - (uint64_t)s->min_t;
    figures f = {0};
    unsigned head = more ? MORE : 0;
    if (run->kind == MW_RUN_FLOATS) {
        understand(s, &f);
        head |= f.form | (f.whole ? WHOLE : SCALED) | (s->resets ? HAS_RESETS : 0);
    } else {
        head |= HISTOGRAM;
    }
    head |= (s->n != u->n ? HAS_N : 0) | (span != u->span ? HAS_SPAN : 0);
    mw_buf_byte(out, (char)head);
    if ((head & KIND) == SCALED) mw_buf_byte(out, (char)f.scale);
    mw_mb_put(out, run->bytes.n);
    mw_mb_put(out, (uint64_t)s->min_t - (uint64_t)from);
    if (head & HAS_N) mw_mb_put(out, s->n);
    if (head & HAS_SPAN) mw_mb_put(out, span);
    if (head & HAS_RESETS) mw_mb_put(out, s->resets);
    if (run->kind != MW_RUN_FLOATS) return;
    if (f.scale == RAW)
        put_raw(&f, out);
    else
        put_whole(&f, out);
}

void mw_mb_figures_put(const mw_mb_usual *u, const mw_run_ref *runs, size_t n, mw_buf *out)
{
    int64_t from = u->base;
    if (n == 0) mw_buf_byte(out, NONE);
    for (size_t i = 0; i < n; i++) {
        put_run(u, &runs[i], from, i + 1 < n, out);
        from = runs[i].stats.max_t;
    }
}

/* -- reading -------------------------------------------------------------------------------- */

static bool get_scale(unsigned head, const uint8_t **p, const uint8_t *end, unsigned *scale)
{
    *scale = 0;
    if ((head & KIND) != SCALED) return true;
    if (*p >= end) return false;
    *scale = *(*p)++;
    return *scale == RAW || ((*scale & POWER) <= LARGEST_POWER && *scale < 2 * STALE);
}

static bool get_raw(unsigned form, const uint8_t **p, const uint8_t *end, double v[4])
{
    unsigned n = counts[form >> 6];
    if ((size_t)(end - *p) < n * sizeof *v) return false;
    for (unsigned i = 0; i < n; i++) {
        v[i] = double_of(mw_le64_get(*p));
        *p += 8;
    }
    return true;
}

static bool get_whole(unsigned form, unsigned power, const uint8_t **p, const uint8_t *end,
                      double v[4])
{
    uint64_t d[4] = {0}, m[4];
    unsigned n = counts[form >> 6];
    for (unsigned i = 0; i < n; i++)
        if (!mw_mb_get(p, end, &d[i])) return false;
    m[0] = mw_mb_unzigzag(d[0]);
    if (form == RISING) m[1] = m[0] + d[1];
    if (form == FALLING) m[1] = m[0] - d[1];
    if (form == ANY) {
        m[1] = m[0] + mw_mb_unzigzag(d[1]);
        m[2] = m[0] - d[2];
        m[3] = m[0] + d[3];
    }
    for (unsigned i = 0; i < n; i++) {
        v[i] = (double)(int64_t)m[i];
        if (power) v[i] /= tens[power];
    }
    return true;
}

static bool get_values(unsigned head, unsigned scale, const uint8_t **p, const uint8_t *end,
                       mw_run_stats *s)
{
    double v[4] = {0};
    unsigned form = head & FORM;
    if (!(scale == RAW ? get_raw(form, p, end, v) : get_whole(form, scale & POWER, p, end, v)))
        return false;
    if (form == CONSTANT) v[1] = v[0];
    s->first = v[0];
    s->last = scale & STALE ? double_of(stale_bits) : v[1];
    s->min = form == ANY ? v[2] : form == FALLING ? v[1] : v[0];
    s->max = form == ANY ? v[3] : form == FALLING ? v[0] : v[1];
    return true;
}

static bool get_times(const mw_mb_usual *u, unsigned head, const uint8_t **p, const uint8_t *end,
                      int64_t *start, mw_run_ref *run)
{
    uint64_t bytes, after, span = u->span;
    uint32_t n = u->n, resets = 0;
    if (!mw_mb_get(p, end, &bytes) || bytes > SIZE_MAX / 2) return false;
    if (!mw_mb_get(p, end, &after)) return false;
    if (head & HAS_N && !mw_mb_get_below(p, end, (uint64_t)UINT32_MAX + 1, &n)) return false;
    if (head & HAS_SPAN && !mw_mb_get(p, end, &span)) return false;
    if (head & HAS_RESETS && !mw_mb_get_below(p, end, (uint64_t)n + 1, &resets)) return false;
    int64_t min_t = (int64_t)((uint64_t)*start + after);
    if (n == 0 || span > (uint64_t)INT64_MAX - (uint64_t)min_t) return false;
    int64_t max_t = (int64_t)((uint64_t)min_t + span);
    run->bytes = (mw_str){NULL, (size_t)bytes};
    run->stats = (mw_run_stats){.n = n, .resets = resets, .min_t = min_t, .max_t = max_t};
    *start = max_t;
    return true;
}

int mw_mb_figures_get(const mw_mb_usual *u, const uint8_t **p, const uint8_t *end, int64_t *start,
                      mw_run_ref *run, bool *more)
{
    unsigned scale;
    if (*p >= end) return MW_ECORRUPT;
    unsigned head = *(*p)++;
    *more = head & MORE;
    if (head == NONE) return 0;
    if ((head & KIND) == NONE || !get_scale(head, p, end, &scale)) return MW_ECORRUPT;
    if (!get_times(u, head, p, end, start, run)) return MW_ECORRUPT;
    run->kind = (head & KIND) == HISTOGRAM ? MW_RUN_HISTOGRAMS : MW_RUN_FLOATS;
    if (run->kind == MW_RUN_HISTOGRAMS) return 1;
    if (run->stats.n > MW_PACKED_MAX) return MW_ECORRUPT;
    return get_values(head, scale, p, end, &run->stats) ? 1 : MW_ECORRUPT;
}

bool mw_mb_figures_skip(const uint8_t **p, const uint8_t *end, uint64_t *bytes)
{
    unsigned head, scale;
    do {
        uint64_t len;
        if (*p >= end) return false;
        head = *(*p)++;
        if (head == NONE) return true;
        if (!get_scale(head, p, end, &scale) || !mw_mb_get(p, end, &len)) return false;
        *bytes += len;
        unsigned values = (head & KIND) == HISTOGRAM ? 0 : counts[head >> 6];
        unsigned varints = 1 + !!(head & HAS_N) + !!(head & HAS_SPAN) + !!(head & HAS_RESETS);
        if (!mw_mb_skip(p, end, varints + (scale == RAW ? 0 : values))) return false;
        if (scale != RAW) continue;
        if ((size_t)(end - *p) < 8 * values) return false;
        *p += 8 * values;
    } while (head & MORE);
    return true;
}
