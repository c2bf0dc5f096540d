/* mblock_list.c - lists of numbers, written small and read fast.
 *
 * Both codes are read by one loop each, over a sink: numbers into an array, or bits.
 * SPDX-License-Identifier: MIT */
#include "tsdb/mblock_list.h"

#include "base/mem.h"
#include "tsdb/mblock_varint.h"

/* -- writing -------------------------------------------------------------------------------- */

static size_t varint_size(uint64_t v) { return (size_t)(70 - __builtin_clzll(v | 1)) / 7; }

/* How many of V from I on are neighbours. */
static size_t run_length(const uint32_t *v, size_t n, size_t i)
{
    size_t len = 1;
    while (i + len < n && v[i + len] == v[i] + len) len++;
    return len;
}

static size_t weigh_runs(const uint32_t *v, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0, len, next = 0; i < n; next = v[i] + len, i += len) {
        len = run_length(v, n, i);
        bytes += varint_size(v[i] - next) + varint_size(len - 1);
    }
    return bytes;
}

static size_t weigh_deltas(const uint32_t *v, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0, next = 0; i < n; next = v[i++] + 1) bytes += varint_size(v[i] - next);
    return bytes;
}

static uint8_t *place_runs(uint8_t *to, const uint32_t *v, size_t n)
{
    for (size_t i = 0, len, next = 0; i < n; next = v[i] + len, i += len) {
        len = run_length(v, n, i);
        to = mw_mb_place(mw_mb_place(to, v[i] - next), len - 1);
    }
    return to;
}

static uint8_t *place_deltas(uint8_t *to, const uint32_t *v, size_t n)
{
    for (size_t i = 0, next = 0; i < n; next = v[i++] + 1) to = mw_mb_place(to, v[i] - next);
    return to;
}

void mw_mb_list_put(const uint32_t *v, size_t n, mw_buf *out)
{
    size_t deltas = weigh_deltas(v, n), runs = weigh_runs(v, n);
    unsigned code = runs <= deltas ? MW_MB_RUNS : MW_MB_DELTAS;
    mw_mb_put(out, (uint64_t)n << 2 | code);
    uint8_t *to = (uint8_t *)mw_buf_room(out, runs <= deltas ? runs : deltas);
    uint8_t *end = code == MW_MB_RUNS ? place_runs(to, v, n) : place_deltas(to, v, n);
    out->n += (size_t)(end - to);
}

/* -- reading -------------------------------------------------------------------------------- */

bool mw_mb_list_head(mw_str bytes, uint32_t limit, uint32_t *n, unsigned *code, mw_str *rest)
{
    uint64_t head;
    const uint8_t *p = (const uint8_t *)bytes.p, *end = p + bytes.n;
    if (!mw_mb_get(&p, end, &head) || head >> 2 > limit) return false;
    *n = (uint32_t)(head >> 2);
    *code = head & 3;
    *rest = (mw_str){(const char *)p, (size_t)(end - p)};
    return true;
}

/* Ids into OUT, or bits into BITS when OUT is NULL; inlined twice. */
static inline __attribute__((always_inline)) bool read_deltas(mw_str s, uint32_t limit, uint32_t n,
                                                              uint32_t *out, uint64_t *bits)
{
    const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;
    uint64_t next = 0, gap;
    for (uint32_t i = 0; i < n; i++) {
        if (!mw_mb_get(&p, end, &gap) || gap >= limit - next) return false;
        next += gap;
        if (out)
            out[i] = (uint32_t)next;
        else
            bits[next >> 6] |= 1ull << (next & 63);
        next++;
    }
    return p == end;
}

static void mark_range(uint64_t *bits, uint64_t from, uint64_t to)
{
    uint64_t first = UINT64_MAX << (from & 63), last = UINT64_MAX >> (63 - ((to - 1) & 63));
    size_t a = from >> 6, b = (to - 1) >> 6;
    if (a == b) {
        bits[a] |= first & last;
        return;
    }
    bits[a] |= first;
    for (size_t i = a + 1; i < b; i++) bits[i] = UINT64_MAX;
    bits[b] |= last;
}

static inline __attribute__((always_inline)) bool read_runs(mw_str s, uint32_t limit, uint32_t n,
                                                            uint32_t *out, uint64_t *bits)
{
    const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;
    uint64_t next = 0, gap, len;
    for (uint32_t left = n; left;) {
        if (!mw_mb_get(&p, end, &gap) || gap >= limit - next) return false;
        next += gap;
        if (!mw_mb_get(&p, end, &len) || len >= left || len >= limit - next) return false;
        len++;
        if (out) {
            for (uint32_t i = 0; i < len; i++) out[i] = (uint32_t)next + i;
            out += len;
        } else {
            mark_range(bits, next, next + len);
        }
        next += len;
        left -= (uint32_t)len;
    }
    return p == end;
}

bool mw_mb_list_get(mw_str bytes, uint32_t limit, mw_ids *out)
{
    uint32_t n;
    unsigned code;
    mw_str rest;
    if (!mw_mb_list_head(bytes, limit, &n, &code, &rest)) return false;
    if (code > MW_MB_RUNS || (code == MW_MB_DELTAS && n > rest.n)) return false;
    mw_grow(&out->v, &out->cap, out->n + n, sizeof *out->v);
    uint32_t *to = out->v + out->n;
    if (!(code == MW_MB_RUNS ? read_runs(rest, limit, n, to, NULL)
                             : read_deltas(rest, limit, n, to, NULL)))
        return false;
    out->n += n;
    return true;
}

bool mw_mb_list_mark(mw_str bytes, uint32_t limit, uint64_t *bits)
{
    uint32_t n;
    unsigned code;
    mw_str rest;
    if (!mw_mb_list_head(bytes, limit, &n, &code, &rest) || code > MW_MB_RUNS) return false;
    return code == MW_MB_RUNS ? read_runs(rest, limit, n, NULL, bits)
                              : read_deltas(rest, limit, n, NULL, bits);
}

static size_t count_bits(uint64_t w)
{
    w -= w >> 1 & 0x5555555555555555u;
    w = (w & 0x3333333333333333u) + (w >> 2 & 0x3333333333333333u);
    return (size_t)(((w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56);
}

void mw_mb_bits_ids(const uint64_t *bits, uint32_t limit, mw_ids *out)
{
    size_t words = ((size_t)limit + 63) / 64, n = 0;
    for (size_t i = 0; i < words; i++) n += count_bits(bits[i]);
    mw_grow(&out->v, &out->cap, out->n + n, sizeof *out->v);
    uint32_t *to = out->v + out->n;
    for (size_t i = 0; i < words; i++)
        for (uint64_t w = bits[i]; w; w &= w - 1)
            *to++ = (uint32_t)(i * 64 + (size_t)__builtin_ctzll(w));
    out->n += n;
}
