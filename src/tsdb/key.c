/* key.c - keys: label sets as 96 bits.
 *
 * The hash is XXH3 (128 bits, of which 96 are kept) under a secret that belongs to the data folder,
 * so that nobody outside can look for two label sets with one key, and by chance even ten million
 * series share one with a probability below 10^-14.
 * SPDX-License-Identifier: MIT */
#include "base/hash.h"
#include "tsdb/store.h"

mw_key mw_tsdb_key(const mw_tsdb *db, const void *bytes, size_t n)
{
    uint64_t h[2];
    mw_hash128(bytes, n, db->secret, sizeof db->secret, h);
    return (mw_key){h[0], (uint32_t)h[1]};
}

static size_t varint_bytes(size_t n)
{
    size_t bytes = 1;
    for (; n > 127; n >>= 7) bytes++;
    return bytes;
}

static char *put_varint(char *p, size_t v)
{
    for (; v > 127; v >>= 7) *p++ = (char)(v | 128);
    *p++ = (char)v;
    return p;
}

static char *put_field(char *p, char tag, mw_str s)
{
    *p++ = tag;
    p = put_varint(p, s.n);
    if (s.n) memcpy(p, s.p, s.n);
    return p + s.n;
}

void mw_tsdb_canonical(const mw_labels *ls, mw_buf *out)
{
    for (uint32_t i = 0; i < ls->n; i++) {
        const mw_label *l = &ls->l[i];
        size_t inner =
            2 + varint_bytes(l->name.n) + l->name.n + varint_bytes(l->value.n) + l->value.n;
        char *start = mw_buf_room(out, inner + 11), *p = start;
        *p++ = 0x0a;
        p = put_varint(p, inner);
        p = put_field(p, 0x0a, l->name);
        p = put_field(p, 0x12, l->value);
        out->n += (size_t)(p - start);
    }
}

mw_key mw_tsdb_key_of(const mw_tsdb *db, const mw_labels *ls)
{
    mw_buf bytes = {0};
    mw_tsdb_canonical(ls, &bytes);
    mw_key key = mw_tsdb_key(db, bytes.p, bytes.n);
    mw_buf_deinit(&bytes);
    return key;
}
