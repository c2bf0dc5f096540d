/* processes.c - which processes policy wants figures of.  SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "main/app.h"

static bool is_there(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

void mw_app_processes(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    const char **names = NULL;
    size_t n = 0, cap = 0;
    const mw_value *list = mw_map_find(arg, "names");
    for (size_t i = 0; list && list->type == MW_LIST && i < list->list.n; i++) {
        const mw_value *name = list->list.item[i];
        if (name->type == MW_TEXT && !is_there(names, n, name->text.p))
            MW_PUSH(names, n, cap, name->text.p);
    }
    mw_host_stats_processes(self, names, n);
    mw_free(names);
    mw_value_free(arg);
    reply(reply_arg, mw_map_new());
}
