/* texts.h - texts by name as one value of Lua: the labels, or the annotations, of a posted alert.
 *
 * A storm brings a hundred thousand of them, and hardly one is ever looked at: so a set is one
 * block of bytes, and a Lua string is made of a text when somebody asks for it.  set[name] is a
 * text or nil; what else there is to do with one is in host.texts (docs/host.md).  It does not
 * change, and leaves a state as a map.
 * SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_TEXTS_H
#define MW_SCRIPT_TEXTS_H
#include <lua.h>

#include "base/buf.h"
#include "model/labels.h"

typedef struct mw_texts mw_texts;

/* Pushes a copy of L, which is in order of names, none of them twice. */
const mw_texts *mw_texts_push(lua_State *L, const mw_label *l, size_t n);

const mw_texts *mw_texts_at(lua_State *L, int idx); /* NULL: it is something else */

/* The set at IDX, or the one that takes the place of a table of texts there; NULL: it is neither.
 */
const mw_texts *mw_texts_make(lua_State *L, int idx);

size_t mw_texts_size(const mw_texts *t);
mw_label mw_texts_get(const mw_texts *t, size_t i); /* in order of names */
bool mw_texts_eq(const mw_texts *t, const mw_label *l, size_t n);
void mw_texts_json(const mw_texts *t, mw_buf *out); /* {"name":"text",...} */

#endif
