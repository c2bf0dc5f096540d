/* value_json.c - plain values as JSON, both ways.
 *
 * Reading is jansson's; writing is ours, straight into a buffer.  JSON has no NaN and no
 * infinities: they are written as the texts that the Prometheus API uses.
 * SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>

#include "base/num.h"
#include "script/value.h"

enum { MAX_DEPTH = 100 };

/* -- reading --------------------------------------------------------------------------------- */

static mw_value *from_json(json_t *j, int depth);

static mw_value *from_object(json_t *j, int depth)
{
    mw_value *map = mw_map_new();
    for (void *it = json_object_iter(j); it; it = json_object_iter_next(j, it)) {
        json_t *member = json_object_iter_value(it);
        if (json_is_null(member)) continue;
        mw_value *v = from_json(member, depth + 1);
        if (!v) {
            mw_value_free(map);
            return NULL;
        }
        mw_map_add(map, mw_str_of(json_object_iter_key(it)), false, v);
    }
    return map;
}

static mw_value *from_array(json_t *j, int depth)
{
    mw_value *list = mw_list_new();
    for (size_t i = 0; i < json_array_size(j); i++) {
        mw_value *v = from_json(json_array_get(j, i), depth + 1);
        if (!v) {
            mw_value_free(list);
            return NULL;
        }
        mw_list_add(list, v);
    }
    return list;
}

/* NULL: too deep. */
static mw_value *from_json(json_t *j, int depth)
{
    if (depth > MAX_DEPTH) return NULL;
    switch (json_typeof(j)) {
    case JSON_OBJECT: return from_object(j, depth);
    case JSON_ARRAY: return from_array(j, depth);
    case JSON_STRING: return mw_text_new((mw_str){json_string_value(j), json_string_length(j)});
    case JSON_INTEGER: return mw_number_new((double)json_integer_value(j));
    case JSON_REAL: return mw_number_new(json_real_value(j));
    case JSON_TRUE: return mw_bool_new(true);
    case JSON_FALSE: return mw_bool_new(false);
    case JSON_NULL: return mw_nil_new();
    }
    return mw_nil_new();
}

mw_value *mw_value_from_json(mw_str text, mw_err *err)
{
    json_error_t e;
    json_t *j = json_loadb(text.p ? text.p : "", text.n,
                           JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &e);
    if (!j) {
        mw_fail(err, MW_EPARSE, e.line, e.column, "not JSON: %s", e.text);
        return NULL;
    }
    mw_value *v = from_json(j, 1);
    json_decref(j);
    if (!v) mw_fail(err, MW_ELIMIT, 0, 0, "JSON is nested deeper than %d levels", MAX_DEPTH);
    return v;
}

/* -- writing --------------------------------------------------------------------------------- */

static void write_number(double d, mw_buf *out)
{
    char text[MW_DOUBLE_MAX];
    if (!isfinite(d)) {
        mw_buf_text(out, isnan(d) ? "\"NaN\"" : d > 0 ? "\"+Inf\"" : "\"-Inf\"");
        return;
    }
    int n = mw_double_general(d, text);
    mw_buf_add(out, text, (size_t)n);
}

static void write_list(const mw_value *v, mw_buf *out)
{
    mw_buf_byte(out, '[');
    for (size_t i = 0; i < v->list.n; i++) {
        if (i) mw_buf_byte(out, ',');
        mw_value_to_json(v->list.item[i], out);
    }
    mw_buf_byte(out, ']');
}

static void write_map(const mw_value *v, mw_buf *out)
{
    mw_buf_byte(out, '{');
    for (size_t i = 0; i < v->map.n; i++) {
        if (i) mw_buf_byte(out, ',');
        mw_buf_json(out, v->map.entry[i].key);
        mw_buf_byte(out, ':');
        mw_value_to_json(v->map.entry[i].value, out);
    }
    mw_buf_byte(out, '}');
}

void mw_value_to_json(const mw_value *v, mw_buf *out)
{
    switch (v ? v->type : MW_NIL) {
    case MW_NIL: mw_buf_text(out, "null"); break;
    case MW_BOOL: mw_buf_text(out, v->b ? "true" : "false"); break;
    case MW_NUMBER: write_number(v->number, out); break;
    case MW_TEXT: mw_buf_json(out, v->text); break;
    case MW_LIST: write_list(v, out); break;
    case MW_MAP: write_map(v, out); break;
    }
}
