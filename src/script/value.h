/* value.h - plain values: what crosses between Lua states, threads, nodes and JSON.
 *
 * A value owns everything in it.  Functions never cross: a guest's function crosses as a number
 * by which its own guest can call it.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_VALUE_H
#define MW_SCRIPT_VALUE_H
#include "base/buf.h"
#include "base/err.h"

typedef enum mw_type { MW_NIL, MW_BOOL, MW_NUMBER, MW_TEXT, MW_LIST, MW_MAP } mw_type;

typedef struct mw_value mw_value;
struct mw_value {
    mw_type type;
    union {
        bool b;
        double number;
        mw_str text; /* owned, NUL-terminated */
        struct {
            mw_value **item;
            size_t n, cap;
        } list;
        struct {
            struct mw_entry *entry;
            size_t n, cap;
        } map;
    };
};

typedef struct mw_entry {
    mw_str key; /* owned, NUL-terminated */
    mw_value *value;
    bool numeric; /* a number in Lua; its text elsewhere */
} mw_entry;

mw_value *mw_nil_new(void);
mw_value *mw_bool_new(bool b);
mw_value *mw_number_new(double v);
mw_value *mw_text_new(mw_str s);
mw_value *mw_list_new(void);
mw_value *mw_map_new(void);
mw_value *mw_error_new(const char *text); /* {error=TEXT}: how an operation says no */
void mw_value_free(mw_value *v);          /* NULL is fine */
mw_value *mw_value_copy(const mw_value *v);

void mw_list_add(mw_value *list, mw_value *take);
void mw_map_set(mw_value *map, const char *key, mw_value *take);          /* replaces */
void mw_map_add(mw_value *map, mw_str key, bool numeric, mw_value *take); /* KEY must be new */
void mw_map_set_text(mw_value *map, const char *key,
                     const char *text); /* NULL text: nothing is set */
void mw_map_set_number(mw_value *map, const char *key, double v);
void mw_map_set_bool(mw_value *map, const char *key, bool b);

/* All of these accept NULL and values of another type, and give NULL, "", DEF or false then. */
const mw_value *mw_map_find(const mw_value *map, const char *key);
mw_str mw_map_text(const mw_value *map, const char *key); /* {"",0} when absent */
double mw_map_number(const mw_value *map, const char *key, double def);
bool mw_map_bool(const mw_value *map, const char *key, bool def);

/* JSON, both ways; numbers are doubles; null in a map means absent.  Depth at most 100. */
mw_value *mw_value_from_json(mw_str text, mw_err *err);
void mw_value_to_json(const mw_value *v, mw_buf *out);

#endif
