/* attr.h - typed fields of log records and spans.
 * SPDX-License-Identifier: MIT */
#ifndef MW_MODEL_ATTR_H
#define MW_MODEL_ATTR_H
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

typedef enum mw_attr_type {
    MW_ATTR_STRING,
    MW_ATTR_INT,
    MW_ATTR_DOUBLE,
    MW_ATTR_BOOL,
    MW_ATTR_JSON /* arrays and maps, kept as JSON text in s */
} mw_attr_type;

typedef struct mw_attr {
    mw_str key;
    mw_attr_type type;
    union {
        mw_str s;
        int64_t i;
        double d;
        bool b;
    };
} mw_attr;

const mw_attr *mw_attr_find(const mw_attr *attrs, size_t n, const char *key); /* NULL when absent */
void mw_attr_text(const mw_attr *a, mw_buf *out);                /* the value as plain text */
void mw_attr_json(const mw_attr *a, mw_buf *out);                /* the value as JSON */
void mw_attrs_json(const mw_attr *attrs, size_t n, mw_buf *out); /* {"key":value,...} */
/* Is KEY called NAME, where NAME has "_" for what no label name may have? */
bool mw_attr_is_called(mw_str key, mw_str name);
/* The value of the attribute that is called NAME, as text: its own, or written to TEXT. */
bool mw_attr_named(const mw_attr *attrs, size_t n, mw_str name, mw_buf *text, mw_str *out);

#endif
