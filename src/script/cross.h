/* cross.h - plain values into and out of a Lua state.
 *
 * A table is a list when its keys are 1..n (n > 0) or when it carries the mark of json.array;
 * otherwise a map, whose number keys stay numbers.  Functions, threads and userdata do not cross.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_CROSS_H
#define MW_SCRIPT_CROSS_H
#include <lua.h>

#include "script/value.h"

typedef struct mw_cross_limits {
    int depth;    /* of nested tables */
    size_t items; /* values in all */
    size_t bytes; /* of all texts */
    /* Not NULL: asked for each function (on top of the stack); gives the value that stands for it,
     * or NULL to refuse. */
    mw_value *(*function)(void *arg, lua_State *L);
    void *arg;
    size_t *left; /* not NULL: bytes that may still be kept outside, of all copies together */
    bool guest;   /* a state in a sandbox: ends when its budget does */
} mw_cross_limits;

extern const mw_cross_limits mw_cross_trusted;

/* The value at IDX, or NULL with ERR naming the place ("labels.job: a function cannot leave this
 * file").  L needs room for 3 stack slots per level of depth: mw_cross_room, which may raise.
 * Otherwise it raises no Lua error, takes nothing from L's memory and calls no metamethod. */
void mw_cross_room(lua_State *L, const mw_cross_limits *limits);
mw_value *mw_cross_get(lua_State *L, int idx, const mw_cross_limits *limits, mw_err *err);

/* What mw_value_to_json would write of that value, behind OUT, without making it.  False when it is
 * refused, with some of it written: ask mw_cross_get why.  The same room is needed. */
bool mw_cross_json(lua_State *L, int idx, const mw_cross_limits *limits, mw_buf *out);

/* Has the table at IDX, whose length is N, the keys 1..N and no others, or the mark? */
bool mw_cross_is_list(lua_State *L, int idx, size_t n);

/* Pushes V (NULL pushes nil).  Raises Lua's memory error: call it in a protected call when L has a
 * cap.  Empty lists carry the mark of json.array when L has one. */
void mw_cross_push(lua_State *L, const mw_value *v);

#define MW_ARRAY_MARK "moonwatch.array" /* registry name of the mark, a metatable */

#endif
