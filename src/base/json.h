/* json.h - JSON pulled out of text, value by value, in the order in which it stands there.
 *
 *     mw_json_init(&j, text, arena, err);
 *     if (mw_json_object(&j))
 *         while (mw_json_key(&j, &key))
 *             if (mw_str_is(key, "name")) mw_json_string(&j, &name);
 *             else mw_json_skip(&j);
 *     return mw_json_end(&j);
 *
 * The first mistake stops everything: every later call answers false, loops end by themselves and
 * mw_json_end gives the code.  ERR gets line, column and byte.  Nesting beyond 100 is a mistake.
 * Strings without escapes are borrowed from the text; others live in the arena.  Text that is not
 * UTF-8 and lone surrogates become U+FFFD.  Never recurses.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_JSON_H
#define MW_BASE_JSON_H
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { MW_JSON_DEPTH = 100 };

typedef enum mw_json_type {
    MW_JSON_NONE, /* no value here: a mistake, or already failed */
    MW_JSON_NULL,
    MW_JSON_BOOL,
    MW_JSON_NUMBER,
    MW_JSON_STRING,
    MW_JSON_ARRAY,
    MW_JSON_OBJECT
} mw_json_type;

typedef struct mw_json {
    const char *p, *end, *start;
    mw_arena *arena;
    mw_err *err;
    int code;
    unsigned depth;
    bool first;                    /* the container just entered has given nothing yet */
    bool in_object[MW_JSON_DEPTH]; /* by depth */
} mw_json;

void mw_json_init(mw_json *j, mw_str text, mw_arena *arena, mw_err *err);
int mw_json_end(mw_json *j); /* MW_OK when all was well and nothing is left behind the value */
int mw_json_fail(mw_json *j, const char *what); /* a mistake the caller sees; stops the reader */

mw_json_type mw_json_peek(mw_json *j); /* of the value that comes */

/* Containers.  null counts as an empty one, so that absent and null are the same.  The first call
 * enters; false: it was null, or a mistake (another type is one). */
bool mw_json_object(mw_json *j);
/* A value comes; false: the object is over, and left.  KEY may be NULL. */
bool mw_json_key(mw_json *j, mw_str *key);
bool mw_json_array(mw_json *j);
bool mw_json_item(mw_json *j); /* a value comes; false: the array is over, and left */

/* Scalars: a value of another type is a mistake. */
bool mw_json_string(mw_json *j, mw_str *out);
bool mw_json_bool(mw_json *j, bool *out);
bool mw_json_number(mw_json *j, mw_str *raw); /* the text as it stands, checked */
bool mw_json_double(mw_json *j, double *out);
void mw_json_skip(mw_json *j);             /* any value */
bool mw_json_raw(mw_json *j, mw_str *out); /* any value, as it stands in the text */

#endif
