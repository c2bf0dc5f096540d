/* otlp_json.c - OTLP JSON, walked by the tables of otlp_schema.c.
 *
 * The JSON mapping of protobuf with OTLP's own turns: ids are hex, enumerations numbers or names,
 * 64-bit integers strings or numbers, bytes base64; null is absent; unknown keys are passed over.
 * The reader caps nesting, so recursion is bounded.  SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "ingest/otlp_schema.h"
#include "ingest/result.h"

struct reader {
    mw_json j;
    mw_arena *arena;
    mw_buf nested; /* JSON text of an array or map being read */
    bool full;     /* the arena is */
};

static void full(struct reader *r)
{
    r->full = true;
    mw_json_fail(&r->j, "the arena is full");
}

/* -- numbers -------------------------------------------------------------------------------- */

/* A number, or a number in quotes. */
static bool number_text(struct reader *r, mw_str *raw)
{
    return mw_json_peek(&r->j) == MW_JSON_STRING ? mw_json_string(&r->j, raw)
                                                 : mw_json_number(&r->j, raw);
}

static int64_t read_int(struct reader *r)
{
    mw_str raw;
    int64_t v;
    double d;
    if (!number_text(r, &raw)) return 0;
    if (mw_int64_parse(raw, &v)) return v;
    if (mw_double_parse(raw, &d) && fabs(d) < 9.2e18) return (int64_t)d;
    mw_json_fail(&r->j, "not a 64-bit integer");
    return 0;
}

static int32_t read_int32(struct reader *r)
{
    int64_t v = read_int(r);
    if (v < INT32_MIN || v > INT32_MAX) mw_json_fail(&r->j, "not a 32-bit integer");
    return (int32_t)v;
}

static double read_double(struct reader *r)
{
    mw_str raw;
    double v = 0;
    if (!number_text(r, &raw)) return 0;
    if (mw_str_is(raw, "Infinity")) return INFINITY;
    if (mw_str_is(raw, "-Infinity")) return -INFINITY;
    if (!mw_double_parse(raw, &v)) mw_json_fail(&r->j, "not a number");
    return v;
}

static uint32_t read_enum(struct reader *r, const mw_otlp_field *field)
{
    mw_str name;
    if (mw_json_peek(&r->j) != MW_JSON_STRING) {
        int64_t v = read_int(r);
        return v >= 0 && (size_t)v < field->limit ? (uint32_t)v : 0;
    }
    if (!mw_json_string(&r->j, &name)) return 0;
    for (size_t i = 0; i < field->limit; i++)
        if (mw_str_is(name, field->names[i])) return (uint32_t)i;
    return 0;
}

/* -- AnyValue ------------------------------------------------------------------------------- */

static void write_value(struct reader *r);

/* Inside {"values": [...]}: the next value, of all members of that name; false after the last. */
static bool next_of_values(struct reader *r, bool *inside)
{
    mw_str key;
    for (;;) {
        if (*inside && mw_json_item(&r->j)) return true;
        *inside = false;
        if (!mw_json_key(&r->j, &key)) return false;
        if (!mw_str_is(key, "values"))
            mw_json_skip(&r->j);
        else
            *inside = mw_json_array(&r->j);
    }
}

/* {"values": [...]} as a JSON array of plain values. */
static void write_array(struct reader *r)
{
    bool first = true, inside = false;
    mw_buf_byte(&r->nested, '[');
    if (mw_json_object(&r->j))
        for (; next_of_values(r, &inside); first = false) {
            if (!first) mw_buf_byte(&r->nested, ',');
            write_value(r);
        }
    mw_buf_byte(&r->nested, ']');
}

/* {"key": ..., "value": ...}, in either order, as a member of an object. */
static void write_pair(struct reader *r, bool first)
{
    mw_str key, name = {"", 0};
    bool written = false;
    if (!first) mw_buf_byte(&r->nested, ',');
    size_t start = r->nested.n;
    if (mw_json_object(&r->j))
        while (mw_json_key(&r->j, &key)) {
            if (mw_str_is(key, "key")) {
                mw_json_string(&r->j, &name);
            } else if (mw_str_is(key, "value") && !written) {
                write_value(r);
                written = true;
            } else {
                mw_json_skip(&r->j);
            }
        }
    if (!written) mw_buf_text(&r->nested, "null");
    mw_buf front; /* the name may be known only now, but stands in front */
    mw_buf_init(&front);
    mw_buf_json(&front, name);
    mw_buf_byte(&front, ':');
    mw_buf_room(&r->nested, front.n);
    memmove(r->nested.p + start + front.n, r->nested.p + start, r->nested.n - start);
    memcpy(r->nested.p + start, front.p, front.n);
    r->nested.n += front.n;
    mw_buf_deinit(&front);
}

static void write_map(struct reader *r)
{
    bool first = true, inside = false;
    mw_buf_byte(&r->nested, '{');
    if (mw_json_object(&r->j))
        for (; next_of_values(r, &inside); first = false) write_pair(r, first);
    mw_buf_byte(&r->nested, '}');
}

/* A scalar member NAME of an AnyValue; false when it is none. */
static bool scalar(struct reader *r, mw_str name, mw_attr *out)
{
    if (mw_str_is(name, "stringValue") || mw_str_is(name, "bytesValue")) {
        out->type = MW_ATTR_STRING;
        out->s = (mw_str){"", 0};
        mw_json_string(&r->j, &out->s);
    } else if (mw_str_is(name, "intValue")) {
        out->type = MW_ATTR_INT;
        out->i = read_int(r);
    } else if (mw_str_is(name, "doubleValue")) {
        out->type = MW_ATTR_DOUBLE;
        out->d = read_double(r);
    } else if (mw_str_is(name, "boolValue")) {
        out->type = MW_ATTR_BOOL;
        out->b = false;
        mw_json_bool(&r->j, &out->b);
    } else {
        return false;
    }
    return true;
}

/* The next member of an AnyValue that says something: its name, with the value coming. */
static bool value_member(struct reader *r, bool have, mw_str *key)
{
    while (mw_json_key(&r->j, key)) {
        if (!have && mw_json_peek(&r->j) != MW_JSON_NULL) return true;
        mw_json_skip(&r->j);
    }
    return false;
}

static void write_value(struct reader *r)
{
    mw_str key;
    mw_attr v;
    bool have = false;
    if (mw_json_object(&r->j))
        while (value_member(r, have, &key)) {
            have = true;
            if (mw_str_is(key, "arrayValue"))
                write_array(r);
            else if (mw_str_is(key, "kvlistValue"))
                write_map(r);
            else if (scalar(r, key, &v))
                mw_attr_json(&v, &r->nested);
            else
                mw_json_skip(&r->j), have = false;
        }
    if (!have) mw_buf_text(&r->nested, "null");
}

static void nested(struct reader *r, void (*write)(struct reader *r), mw_attr *out)
{
    mw_buf_reset(&r->nested);
    write(r);
    out->type = MW_ATTR_JSON;
    out->s = (mw_str){mw_arena_strndup(r->arena, r->nested.p, r->nested.n), r->nested.n};
    if (out->s.p) return;
    out->s.n = 0;
    full(r);
}

static void read_value(struct reader *r, mw_attr *out)
{
    mw_str key;
    bool have = false;
    out->type = MW_ATTR_STRING;
    out->s = (mw_str){"", 0};
    if (!mw_json_object(&r->j)) return;
    while (value_member(r, have, &key)) {
        have = true;
        if (mw_str_is(key, "arrayValue"))
            nested(r, write_array, out);
        else if (mw_str_is(key, "kvlistValue"))
            nested(r, write_map, out);
        else if (!scalar(r, key, out))
            mw_json_skip(&r->j), have = false;
    }
}

static void read_attr(struct reader *r, mw_attr *out)
{
    mw_str key;
    out->key = (mw_str){"", 0};
    out->type = MW_ATTR_STRING;
    out->s = (mw_str){"", 0};
    if (!mw_json_object(&r->j)) return;
    while (mw_json_key(&r->j, &key)) {
        if (mw_str_is(key, "key"))
            mw_json_string(&r->j, &out->key);
        else if (mw_str_is(key, "value"))
            read_value(r, out);
        else
            mw_json_skip(&r->j);
    }
}

/* -- messages ------------------------------------------------------------------------------- */

static void read_message(struct reader *r, const mw_otlp_message *m, void *to);

static void read_item(struct reader *r, const mw_otlp_field *field, void *item)
{
    switch (field->type) {
    case MW_OTLP_MESSAGES: read_message(r, field->message, item); break;
    case MW_OTLP_ATTRS: read_attr(r, item); break;
    case MW_OTLP_INT64S:
    case MW_OTLP_UINT64S: *(int64_t *)item = read_int(r); break;
    default: *(double *)item = read_double(r); break;
    }
}

static size_t item_size(const mw_otlp_field *field)
{
    if (field->type == MW_OTLP_MESSAGES) return field->message->size;
    return field->type == MW_OTLP_ATTRS ? sizeof(mw_attr) : sizeof(int64_t);
}

static void read_list(struct reader *r, const mw_otlp_field *field, char *to)
{
    if (!mw_json_array(&r->j)) return;
    while (mw_json_item(&r->j)) {
        void *item = mw_push_in(r->arena, to + field->at, (size_t *)(void *)(to + field->n_at),
                                item_size(field));
        if (!item) {
            full(r);
            return;
        }
        read_item(r, field, item);
    }
}

/* True when it is there but wrong. */
static bool read_id(struct reader *r, const mw_otlp_field *field, void *at)
{
    mw_str hex;
    uint8_t bytes[16];
    if (!mw_json_string(&r->j, &hex) || !hex.n) return false;
    if (!mw_unhex(hex, bytes, field->limit)) return true;
    memcpy(at, bytes, field->limit);
    return false;
}

/* True when the field counts as there. */
static bool read_field(struct reader *r, const mw_otlp_field *field, char *to)
{
    void *at = to + field->at;
    switch (field->type) {
    case MW_OTLP_TEXT: mw_json_string(&r->j, at); break;
    case MW_OTLP_ID: return read_id(r, field, at);
    case MW_OTLP_INT64: *(int64_t *)at = read_int(r); break;
    case MW_OTLP_UINT32: *(uint32_t *)at = (uint32_t)read_int(r); break;
    case MW_OTLP_SINT32: *(int32_t *)at = read_int32(r); break;
    case MW_OTLP_ENUM: *(uint32_t *)at = read_enum(r, field); break;
    case MW_OTLP_BOOL: mw_json_bool(&r->j, at); break;
    case MW_OTLP_DOUBLE: *(double *)at = read_double(r); break;
    case MW_OTLP_INT_DOUBLE: *(double *)at = (double)read_int(r); break;
    case MW_OTLP_ANY: read_value(r, at); break;
    case MW_OTLP_MESSAGE: read_message(r, field->message, to); break;
    default: read_list(r, field, to); break;
    }
    return true;
}

static const mw_otlp_field *field_of(const mw_otlp_message *m, mw_str key)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (mw_str_is(key, m->fields[i].json)) return &m->fields[i];
    return NULL;
}

static void read_message(struct reader *r, const mw_otlp_message *m, void *to)
{
    mw_str key;
    if (!mw_json_object(&r->j)) return;
    while (mw_json_key(&r->j, &key)) {
        const mw_otlp_field *field = field_of(m, key);
        if (!field || mw_json_peek(&r->j) == MW_JSON_NULL)
            mw_json_skip(&r->j);
        else if (read_field(r, field, to) && m->has_at >= 0)
            *(uint32_t *)(void *)((char *)to + m->has_at) |= field->has;
    }
}

int mw_otlp_json_read(mw_otlp_signal signal, mw_str body, mw_arena *a, mw_otlp_request *out,
                      mw_err *err)
{
    struct reader r = {.arena = a};
    mw_err inner;
    *out = (mw_otlp_request){0};
    mw_err_init(&inner);
    mw_buf_init(&r.nested);
    mw_json_init(&r.j, body, a, &inner);
    read_message(&r, mw_otlp_message_of(signal), out);
    int code = mw_json_end(&r.j);
    mw_buf_deinit(&r.nested);
    if (r.full || code == MW_ELIMIT) return mw_ingest_arena_full(err);
    return code ? mw_fail(err, code, inner.line, inner.col, "%s", inner.msg) : MW_OK;
}
