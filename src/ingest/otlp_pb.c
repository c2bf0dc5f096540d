/* otlp_pb.c - OTLP protobuf, walked by the tables of otlp_schema.c.
 *
 * Recursion follows the tables, whose depth is fixed, and AnyValue, whose depth is capped.  A field
 * with another wire type than its table says is an unknown field.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/pb.h"
#include "ingest/otlp_schema.h"
#include "ingest/result.h"

enum { VALUE_DEPTH = 32 };

struct reader {
    mw_arena *arena;
    mw_err *err;
    mw_buf nested; /* JSON text of an array or map being read */
};

static int full(struct reader *r) { return mw_ingest_arena_full(r->err); }

/* -- AnyValue ------------------------------------------------------------------------------- */

enum { STRING = 1, BOOL, INT, DOUBLE, ARRAY, KVLIST, BYTES };

static bool base64(struct reader *r, mw_str bytes, mw_str *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = (bytes.n + 2) / 3 * 4;
    char *to = mw_arena_alloc(r->arena, n + 1);
    if (!to) return false;
    *out = (mw_str){to, n};
    for (size_t i = 0; i < bytes.n; i += 3) {
        uint32_t three = 0;
        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (i + k < bytes.n ? (unsigned char)bytes.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *to++ = i + k > bytes.n ? '=' : digits[three >> (18 - 6 * k) & 63];
    }
    *to = 0;
    return true;
}

/* A text as it may be kept: invalid UTF-8 replaced, which is rare. */
static bool text(struct reader *r, mw_str in, mw_str *out)
{
    *out = in;
    if (mw_utf8_valid(in)) return true;
    char *copy = mw_arena_strndup(r->arena, in.p, in.n);
    if (!copy) return false;
    for (size_t i = 0; i < in.n; i++)
        if ((unsigned char)copy[i] >= 0x80) copy[i] = '?';
    out->p = copy;
    return true;
}

/* A scalar value, or false when F is an array or map. */
static int scalar(struct reader *r, const mw_pb_field *f, mw_attr *out)
{
    switch (f->number) {
    case STRING: out->type = MW_ATTR_STRING; return text(r, f->bytes, &out->s) ? MW_OK : full(r);
    case BYTES: out->type = MW_ATTR_STRING; return base64(r, f->bytes, &out->s) ? MW_OK : full(r);
    case BOOL: out->type = MW_ATTR_BOOL, out->b = f->u != 0; return MW_OK;
    case INT: out->type = MW_ATTR_INT, out->i = (int64_t)f->u; return MW_OK;
    default: out->type = MW_ATTR_DOUBLE, out->d = mw_pb_double(f->u); return MW_OK;
    }
}

static bool known_value(const mw_pb_field *f)
{
    static const mw_pb_wire wires[] = {
        [STRING] = MW_PB_BYTES,   [BOOL] = MW_PB_VARINT, [INT] = MW_PB_VARINT,
        [DOUBLE] = MW_PB_FIXED64, [ARRAY] = MW_PB_BYTES, [KVLIST] = MW_PB_BYTES,
        [BYTES] = MW_PB_BYTES};
    return f->number >= STRING && f->number <= BYTES && f->wire == wires[f->number];
}

/* The one member that an AnyValue has; OUT->number is 0 when it has none. */
static int value_field(struct reader *r, const mw_pb *outer, mw_str bytes, mw_pb_field *out)
{
    mw_pb pb;
    mw_pb_field f;
    int more;
    mw_pb_enter(&pb, outer, bytes);
    out->number = 0;
    while ((more = mw_pb_next(&pb, &f, r->err)) == 1)
        if (known_value(&f)) *out = f;
    return more;
}

static int read_pair(struct reader *r, const mw_pb *outer, mw_str bytes, mw_str *key, mw_str *value)
{
    mw_pb pb;
    mw_pb_field f;
    int more;
    mw_pb_enter(&pb, outer, bytes);
    *key = *value = (mw_str){"", 0};
    while ((more = mw_pb_next(&pb, &f, r->err)) == 1) {
        if (f.wire != MW_PB_BYTES) continue;
        if (f.number == 1 && !text(r, f.bytes, key)) return full(r);
        if (f.number == 2) *value = f.bytes;
    }
    return more;
}

static int write_value(struct reader *r, const mw_pb *outer, mw_str bytes, int depth);

/* The members of an array or map as JSON. */
static int write_list(struct reader *r, const mw_pb *outer, const mw_pb_field *list, int depth)
{
    mw_pb pb;
    mw_pb_field f;
    int more, code = MW_OK;
    bool map = list->number == KVLIST, first = true;
    if (depth == VALUE_DEPTH)
        return mw_fail(r->err, MW_EPARSE, 0, 0, "an attribute is nested deeper than %d levels",
                       VALUE_DEPTH);
    mw_pb_enter(&pb, outer, list->bytes);
    mw_buf_byte(&r->nested, map ? '{' : '[');
    while (!code && (more = mw_pb_next(&pb, &f, r->err)) != 0) {
        mw_str key, value = f.bytes;
        if (more < 0) return more;
        if (f.number != 1 || f.wire != MW_PB_BYTES) continue;
        if (!first) mw_buf_byte(&r->nested, ',');
        first = false;
        if (map) {
            code = read_pair(r, &pb, f.bytes, &key, &value);
            if (code) return code;
            mw_buf_json(&r->nested, key);
            mw_buf_byte(&r->nested, ':');
        }
        code = write_value(r, &pb, value, depth + 1);
    }
    mw_buf_byte(&r->nested, map ? '}' : ']');
    return code;
}

static int write_value(struct reader *r, const mw_pb *outer, mw_str bytes, int depth)
{
    mw_pb_field f;
    mw_attr v;
    int code = value_field(r, outer, bytes, &f);
    if (code) return code;
    if (f.number == ARRAY || f.number == KVLIST) return write_list(r, outer, &f, depth);
    if (!f.number) return mw_buf_text(&r->nested, "null"), MW_OK;
    code = scalar(r, &f, &v);
    if (!code) mw_attr_json(&v, &r->nested);
    return code;
}

static int read_value(struct reader *r, const mw_pb *outer, mw_str bytes, mw_attr *out)
{
    mw_pb_field f;
    int code = value_field(r, outer, bytes, &f);
    if (code) return code;
    if (f.number != ARRAY && f.number != KVLIST) {
        out->type = MW_ATTR_STRING;
        out->s = (mw_str){"", 0};
        return f.number ? scalar(r, &f, out) : MW_OK;
    }
    mw_buf_reset(&r->nested);
    code = write_list(r, outer, &f, 0);
    if (code) return code;
    out->type = MW_ATTR_JSON;
    out->s = (mw_str){mw_arena_strndup(r->arena, r->nested.p, r->nested.n), r->nested.n};
    return out->s.p ? MW_OK : full(r);
}

static int read_attr(struct reader *r, const mw_pb *outer, mw_str bytes, mw_attr *out)
{
    mw_str value;
    int code = read_pair(r, outer, bytes, &out->key, &value);
    return code ? code : read_value(r, outer, value, out);
}

/* -- messages ------------------------------------------------------------------------------- */

static int read_message(struct reader *r, const mw_pb *outer, mw_str bytes,
                        const mw_otlp_message *m, void *to);

static void *push(struct reader *r, char *to, const mw_otlp_field *field, size_t size)
{
    return mw_push_in(r->arena, to + field->at, (size_t *)(void *)(to + field->n_at), size);
}

/* Numbers that come one to a field, or packed many to a field. */
static int read_numbers(struct reader *r, const mw_pb *outer, const mw_pb_field *f, char *to,
                        const mw_otlp_field *field)
{
    uint64_t *slot;
    if (f->wire != MW_PB_BYTES) {
        slot = push(r, to, field, sizeof *slot);
        if (!slot) return full(r);
        *slot = f->u;
        return MW_OK;
    }
    const bool varints = field->type == MW_OTLP_UINT64S;
    mw_pb pb;
    mw_pb_enter(&pb, outer, f->bytes);
    while (pb.p < pb.end) {
        slot = push(r, to, field, sizeof *slot);
        if (!slot) return full(r);
        if (!(varints ? mw_pb_varint(&pb, slot) : mw_pb_fixed64(&pb, slot)))
            return mw_fail(r->err, MW_EPARSE, 0, 0, "protobuf: cut off number at byte %zu",
                           (size_t)(pb.p - pb.origin));
    }
    return MW_OK;
}

static bool wire_fits(mw_otlp_type type, mw_pb_wire wire)
{
    switch (type) {
    case MW_OTLP_INT64: return wire == MW_PB_FIXED64 || wire == MW_PB_VARINT;
    case MW_OTLP_UINT32:
    case MW_OTLP_SINT32:
    case MW_OTLP_ENUM:
    case MW_OTLP_BOOL: return wire == MW_PB_VARINT;
    case MW_OTLP_UINT64S: return wire == MW_PB_VARINT || wire == MW_PB_BYTES;
    case MW_OTLP_DOUBLE:
    case MW_OTLP_INT_DOUBLE: return wire == MW_PB_FIXED64;
    case MW_OTLP_INT64S:
    case MW_OTLP_DOUBLES: return wire == MW_PB_FIXED64 || wire == MW_PB_BYTES;
    default: return wire == MW_PB_BYTES;
    }
}

static int read_nested(struct reader *r, const mw_pb *outer, const mw_pb_field *f, char *to,
                       const mw_otlp_field *field)
{
    void *item;
    switch (field->type) {
    case MW_OTLP_MESSAGE: return read_message(r, outer, f->bytes, field->message, to);
    case MW_OTLP_MESSAGES:
        item = push(r, to, field, field->message->size);
        return item ? read_message(r, outer, f->bytes, field->message, item) : full(r);
    case MW_OTLP_ATTRS:
        item = push(r, to, field, sizeof(mw_attr));
        return item ? read_attr(r, outer, f->bytes, item) : full(r);
    case MW_OTLP_ANY: return read_value(r, outer, f->bytes, (mw_attr *)(void *)(to + field->at));
    default: return read_numbers(r, outer, f, to, field);
    }
}

/* FIELD of the message at TO.  MARK: the field counts as there. */
static int read_field(struct reader *r, const mw_pb *outer, const mw_pb_field *f, char *to,
                      const mw_otlp_field *field, bool *mark)
{
    void *at = to + field->at;
    *mark = true;
    switch (field->type) {
    case MW_OTLP_TEXT: return text(r, f->bytes, at) ? MW_OK : full(r);
    case MW_OTLP_ID:
        *mark = f->bytes.n && f->bytes.n != field->limit;
        if (f->bytes.n == field->limit) memcpy(at, f->bytes.p, f->bytes.n);
        return MW_OK;
    case MW_OTLP_INT64: return *(int64_t *)at = (int64_t)f->u, MW_OK;
    case MW_OTLP_UINT32: return *(uint32_t *)at = (uint32_t)f->u, MW_OK;
    case MW_OTLP_SINT32:
        return *(int32_t *)at = (int32_t)((uint32_t)f->u >> 1 ^ -((uint32_t)f->u & 1)), MW_OK;
    case MW_OTLP_ENUM: return *(uint32_t *)at = f->u < field->limit ? (uint32_t)f->u : 0, MW_OK;
    case MW_OTLP_BOOL: return *(bool *)at = f->u != 0, MW_OK;
    case MW_OTLP_DOUBLE: return *(double *)at = mw_pb_double(f->u), MW_OK;
    case MW_OTLP_INT_DOUBLE: return *(double *)at = (double)(int64_t)f->u, MW_OK;
    default: return read_nested(r, outer, f, to, field);
    }
}

static const mw_otlp_field *field_of(const mw_otlp_message *m, const mw_pb_field *f)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (m->fields[i].number == f->number)
            return wire_fits(m->fields[i].type, f->wire) ? &m->fields[i] : NULL;
    return NULL;
}

static int read_message(struct reader *r, const mw_pb *outer, mw_str bytes,
                        const mw_otlp_message *m, void *to)
{
    mw_pb pb;
    mw_pb_field f;
    int more;
    mw_pb_enter(&pb, outer, bytes);
    while ((more = mw_pb_next(&pb, &f, r->err)) == 1) {
        const mw_otlp_field *field = field_of(m, &f);
        bool mark;
        if (!field) continue;
        int code = read_field(r, &pb, &f, to, field, &mark);
        if (code) return code;
        if (mark && m->has_at >= 0) *(uint32_t *)(void *)((char *)to + m->has_at) |= field->has;
    }
    return more;
}

int mw_otlp_pb_read(mw_otlp_signal signal, mw_str body, mw_arena *a, mw_otlp_request *out,
                    mw_err *err)
{
    struct reader r = {.arena = a, .err = err};
    mw_pb outer;
    *out = (mw_otlp_request){0};
    mw_buf_init(&r.nested);
    mw_pb_init(&outer, body);
    int code = read_message(&r, &outer, body, mw_otlp_message_of(signal), out);
    mw_buf_deinit(&r.nested);
    return code;
}
