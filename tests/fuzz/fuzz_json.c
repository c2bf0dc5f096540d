/* fuzz_json.c - JSON: every way to walk over a text agrees on whether it is one.
 * SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/json.h"
#include "fuzz/fuzz.h"

/* Reads the coming value by its type; containers are walked without recursion. */
static void walk(mw_json *j)
{
    bool object[MW_JSON_DEPTH + 1];
    size_t depth = 0;
    do {
        mw_str s;
        bool b;
        if (depth && !(object[depth - 1] ? mw_json_key(j, &s) : mw_json_item(j))) {
            depth--;
            continue;
        }
        switch (mw_json_peek(j)) {
        case MW_JSON_STRING:
            if (mw_json_string(j, &s)) MW_ASSERT(mw_utf8_valid(s));
            break;
        case MW_JSON_BOOL: mw_json_bool(j, &b); break;
        case MW_JSON_NUMBER: mw_json_number(j, &s); break;
        case MW_JSON_OBJECT:
            MW_ASSERT(depth <= MW_JSON_DEPTH);
            if (mw_json_object(j)) object[depth++] = true;
            break;
        case MW_JSON_ARRAY:
            MW_ASSERT(depth <= MW_JSON_DEPTH);
            if (mw_json_array(j)) object[depth++] = false;
            break;
        case MW_JSON_NULL: mw_json_skip(j); break;
        case MW_JSON_NONE: return;
        }
    } while (depth);
}

static int read_with(mw_str text, void (*how)(mw_json *))
{
    mw_json j;
    mw_err err;
    mw_err_init(&err);
    mw_arena *a = mw_arena_new(1 << 20);
    mw_json_init(&j, text, a, &err);
    how(&j);
    int code = mw_json_end(&j);
    MW_ASSERT(code == err.code);
    MW_ASSERT(code == MW_OK || (err.line > 0 && err.col > 0));
    mw_arena_free(a);
    return code;
}

static void raw(mw_json *j)
{
    mw_str s;
    if (mw_json_raw(j, &s)) MW_ASSERT(s.n > 0 && s.p >= j->start && s.p + s.n <= j->end);
}

/* Any bytes, quoted, are a JSON string that can be read. */
static void quote(mw_str text)
{
    mw_buf b = {0};
    mw_buf_json(&b, text);
    MW_ASSERT(read_with((mw_str){b.p, b.n}, walk) == MW_OK);
    mw_buf_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    mw_str text = {(const char *)data, n};
    int skipped = read_with(text, mw_json_skip);
    MW_ASSERT(skipped == read_with(text, raw));
    MW_ASSERT(skipped == read_with(text, walk));
    quote(text);
    return 0;
}

FUZZ_INITIALIZE(NULL, NULL)
