/* pb.c - protobuf wire format.
 *
 * Every read checks what is left before it moves; lengths are compared with the bytes that are
 * there, never added to a pointer first.  SPDX-License-Identifier: MIT */
#include "base/pb.h"

#include <string.h>

enum { GROUP_START = 3, GROUP_END = 4, MAX_GROUPS = 100, MAX_FIELD = (1 << 29) - 1 };

/* -- reading -------------------------------------------------------------------------------- */

void mw_pb_init(mw_pb *r, mw_str body)
{
    *r = (mw_pb){.p = body.p, .end = body.p + body.n, .origin = body.p};
}

void mw_pb_enter(mw_pb *r, const mw_pb *outer, mw_str bytes)
{
    *r = (mw_pb){.p = bytes.p, .end = bytes.p + bytes.n, .origin = outer->origin};
}

static size_t left(const mw_pb *r) { return (size_t)(r->end - r->p); }

bool mw_pb_varint(mw_pb *r, uint64_t *out)
{
    uint64_t v = 0;
    const char *p = r->p;
    for (int shift = 0; shift < 64 && p < r->end; shift += 7) {
        uint64_t b = (unsigned char)*p++;
        if (shift == 63 && b > 1) return false;
        v |= (b & 0x7f) << shift;
        if (b < 0x80) {
            r->p = p;
            *out = v;
            return true;
        }
    }
    return false;
}

static bool fixed(mw_pb *r, size_t bytes, uint64_t *out)
{
    if (left(r) < bytes) return false;
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) v |= (uint64_t)(unsigned char)r->p[i] << (8 * i);
    r->p += bytes;
    *out = v;
    return true;
}

bool mw_pb_fixed64(mw_pb *r, uint64_t *out) { return fixed(r, 8, out); }

double mw_pb_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static bool payload(mw_pb *r, unsigned wire, mw_pb_field *out)
{
    switch (wire) {
    case MW_PB_VARINT: return mw_pb_varint(r, &out->u);
    case MW_PB_FIXED64: return fixed(r, 8, &out->u);
    case MW_PB_FIXED32: return fixed(r, 4, &out->u);
    case MW_PB_BYTES:
        if (!mw_pb_varint(r, &out->u) || out->u > left(r)) return false;
        out->bytes = (mw_str){r->p, (size_t)out->u};
        r->p += out->u;
        return true;
    default: return false;
    }
}

static bool tag(mw_pb *r, uint32_t *number, unsigned *wire)
{
    uint64_t v;
    if (!mw_pb_varint(r, &v) || v >> 3 == 0 || v >> 3 > MAX_FIELD) return false;
    *number = (uint32_t)(v >> 3);
    *wire = (unsigned)(v & 7);
    return true;
}

/* Behind the start tag of group NUMBER: move behind its end tag. */
static bool skip_group(mw_pb *r, uint32_t number)
{
    uint32_t open[MAX_GROUPS];
    size_t depth = 0;
    open[depth++] = number;
    while (depth) {
        mw_pb_field f;
        unsigned wire;
        if (!tag(r, &number, &wire)) return false;
        if (wire == GROUP_START) {
            if (depth == MAX_GROUPS) return false;
            open[depth++] = number;
        } else if (wire == GROUP_END) {
            if (open[--depth] != number) return false;
        } else if (!payload(r, wire, &f)) {
            return false;
        }
    }
    return true;
}

int mw_pb_next(mw_pb *r, mw_pb_field *out, mw_err *err)
{
    const char *start;
    while (r->p < r->end) {
        unsigned wire;
        start = r->p;
        if (!tag(r, &out->number, &wire)) goto fail;
        if (wire == GROUP_START) {
            if (!skip_group(r, out->number)) goto fail;
            continue;
        }
        if (!payload(r, wire, out)) goto fail;
        out->wire = (mw_pb_wire)wire;
        return 1;
    }
    return 0;
fail:
    return mw_fail(err, MW_EPARSE, 0, 0, "protobuf: damaged or cut off field at byte %zu",
                   (size_t)(start - r->origin));
}

/* -- writing -------------------------------------------------------------------------------- */

static void varint(mw_buf *b, uint64_t v)
{
    while (v >= 0x80) {
        mw_buf_byte(b, (char)(v | 0x80));
        v >>= 7;
    }
    mw_buf_byte(b, (char)v);
}

void mw_pb_put_varint(mw_buf *b, uint32_t field, uint64_t v)
{
    varint(b, (uint64_t)field << 3 | MW_PB_VARINT);
    varint(b, v);
}

void mw_pb_put_fixed64(mw_buf *b, uint32_t field, uint64_t v)
{
    char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (char)(v >> (8 * i));
    varint(b, (uint64_t)field << 3 | MW_PB_FIXED64);
    mw_buf_add(b, bytes, sizeof bytes);
}

void mw_pb_put_double(mw_buf *b, uint32_t field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    mw_pb_put_fixed64(b, field, bits);
}

void mw_pb_put_bytes(mw_buf *b, uint32_t field, mw_str bytes)
{
    varint(b, (uint64_t)field << 3 | MW_PB_BYTES);
    varint(b, bytes.n);
    mw_buf_str(b, bytes);
}
