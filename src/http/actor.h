/* actor.h - requests that a Lua actor answers: the message of docs/host.md, both ways.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_ACTOR_H
#define MW_HTTP_ACTOR_H
#include "http/call.h"

mw_value *actor_question(mw_call *c);           /* {type="http", method=, path=, ...} */
void actor_answer(mw_call *c, mw_value *taken); /* {status=, headers=, body=} */

#endif
