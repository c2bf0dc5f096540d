#include "script/sandbox.h"
void mw_watch_free(mw_watch *w) {}
