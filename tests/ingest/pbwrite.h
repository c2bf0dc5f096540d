/* pbwrite.h - OTLP JSON rewritten as OTLP protobuf, by the same tables that read both.
 *
 * Lets every JSON fixture be sent in both encodings.  Field numbers are held against bytes written
 * by hand elsewhere.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_PBWRITE_H
#define MW_TESTS_PBWRITE_H
#include "base/json.h"
#include "base/num.h"
#include "base/pb.h"
#include "ingest/otlp_schema.h"

static void pbwrite_message(mw_json *j, const mw_otlp_message *m, mw_buf *out);

static int64_t pbwrite_int(mw_json *j)
{
    mw_str s;
    int64_t v = 0;
    if (mw_json_peek(j) == MW_JSON_STRING ? mw_json_string(j, &s) : mw_json_number(j, &s))
        mw_int64_parse(s, &v);
    return v;
}

static void pbwrite_sub(mw_buf *out, uint32_t field, mw_buf *sub)
{
    mw_pb_put_bytes(out, field, (mw_str){sub->p, sub->n});
    mw_buf_deinit(sub);
}

static void pbwrite_attr(mw_json *j, mw_buf *out);

static void pbwrite_value(mw_json *j, mw_buf *out)
{
    mw_str key, s;
    double d;
    bool b;
    if (!mw_json_object(j)) return;
    while (mw_json_key(j, &key)) {
        if (mw_str_is(key, "stringValue") && mw_json_string(j, &s)) {
            mw_pb_put_bytes(out, 1, s);
        } else if (mw_str_is(key, "boolValue") && mw_json_bool(j, &b)) {
            mw_pb_put_varint(out, 2, b);
        } else if (mw_str_is(key, "intValue")) {
            mw_pb_put_varint(out, 3, (uint64_t)pbwrite_int(j));
        } else if (mw_str_is(key, "doubleValue") && mw_json_double(j, &d)) {
            mw_pb_put_double(out, 4, d);
        } else {
            bool map = mw_str_is(key, "kvlistValue");
            mw_buf list;
            mw_buf_init(&list);
            mw_json_object(j);
            while (mw_json_key(j, &key)) {
                mw_json_array(j);
                while (mw_json_item(j)) {
                    mw_buf item;
                    mw_buf_init(&item);
                    if (map)
                        pbwrite_attr(j, &item);
                    else
                        pbwrite_value(j, &item);
                    pbwrite_sub(&list, 1, &item);
                }
            }
            pbwrite_sub(out, map ? 6 : 5, &list);
        }
    }
}

static void pbwrite_attr(mw_json *j, mw_buf *out)
{
    mw_str key, s;
    if (!mw_json_object(j)) return;
    while (mw_json_key(j, &key)) {
        if (mw_str_is(key, "key") && mw_json_string(j, &s)) {
            mw_pb_put_bytes(out, 1, s);
        } else {
            mw_buf value;
            mw_buf_init(&value);
            pbwrite_value(j, &value);
            pbwrite_sub(out, 2, &value);
        }
    }
}

static uint64_t pbwrite_enum(mw_json *j, const mw_otlp_field *f)
{
    mw_str s;
    if (mw_json_peek(j) != MW_JSON_STRING) return (uint64_t)pbwrite_int(j);
    mw_json_string(j, &s);
    for (size_t i = 0; i < f->limit; i++)
        if (mw_str_is(s, f->names[i])) return i;
    return 0;
}

static void pbwrite_item(mw_json *j, const mw_otlp_field *f, mw_buf *out)
{
    mw_buf sub;
    mw_str s;
    uint8_t id[16];
    double d = 0;
    bool b = false;
    mw_buf_init(&sub);
    switch (f->type) {
    case MW_OTLP_TEXT:
        if (mw_json_string(j, &s)) mw_pb_put_bytes(out, f->number, s);
        break;
    case MW_OTLP_ID:
        if (mw_json_string(j, &s) && mw_unhex(s, id, s.n / 2))
            mw_pb_put_bytes(out, f->number, (mw_str){(char *)id, s.n / 2});
        break;
    case MW_OTLP_INT64:
    case MW_OTLP_INT64S:
    case MW_OTLP_INT_DOUBLE: mw_pb_put_fixed64(out, f->number, (uint64_t)pbwrite_int(j)); break;
    case MW_OTLP_SINT32: {
        int64_t v = pbwrite_int(j);
        mw_pb_put_varint(out, f->number, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
        break;
    }
    case MW_OTLP_UINT64S:
    case MW_OTLP_UINT32: mw_pb_put_varint(out, f->number, (uint64_t)pbwrite_int(j)); break;
    case MW_OTLP_ENUM: mw_pb_put_varint(out, f->number, pbwrite_enum(j, f)); break;
    case MW_OTLP_BOOL:
        mw_json_bool(j, &b);
        mw_pb_put_varint(out, f->number, b);
        break;
    case MW_OTLP_DOUBLE:
    case MW_OTLP_DOUBLES:
        mw_json_double(j, &d);
        mw_pb_put_double(out, f->number, d);
        break;
    case MW_OTLP_ATTRS:
        pbwrite_attr(j, &sub);
        pbwrite_sub(out, f->number, &sub);
        break;
    case MW_OTLP_ANY:
        pbwrite_value(j, &sub);
        pbwrite_sub(out, f->number, &sub);
        break;
    default: pbwrite_message(j, f->message, &sub); pbwrite_sub(out, f->number, &sub);
    }
}

static void pbwrite_message(mw_json *j, const mw_otlp_message *m, mw_buf *out)
{
    mw_str key;
    if (!mw_json_object(j)) return;
    while (mw_json_key(j, &key)) {
        const mw_otlp_field *f = NULL;
        for (size_t i = 0; i < m->n_fields; i++)
            if (mw_str_is(key, m->fields[i].json)) f = &m->fields[i];
        if (!f) {
            mw_json_skip(j);
        } else if (mw_json_peek(j) == MW_JSON_ARRAY) {
            mw_json_array(j);
            while (mw_json_item(j)) pbwrite_item(j, f, out);
        } else {
            pbwrite_item(j, f, out);
        }
    }
}

static inline void pbwrite(mw_otlp_signal signal, mw_str json, mw_arena *a, mw_buf *out)
{
    mw_json j;
    mw_json_init(&j, json, a, NULL);
    pbwrite_message(&j, mw_otlp_message_of(signal), out);
}

#endif
