/* ctx_session.h - ctx.http.session.  SPDX-License-Identifier: MIT */
#ifndef MW_SCRIPT_CTX_SESSION_H
#define MW_SCRIPT_CTX_SESSION_H
#include <lua.h>

void mw_ctx_push_session(lua_State *L); /* the function, for each guest */

#endif
