#include "script/actor.h"
int mw_actor_send(mw_actor *a, mw_value *msg) { return MW_EBUSY; }
int mw_actor_ask(mw_actor *a, mw_value *msg, mw_reply *reply, void *arg) { return MW_EBUSY; }
