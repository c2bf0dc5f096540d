#include "script/state.h"
void mw_host_open_guest(lua_State *L) {}
