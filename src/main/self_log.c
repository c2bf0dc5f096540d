/* self_log.c - moonwatch's own log lines, kept with everybody else's.
 *
 * The tap runs on whatever thread logs.  The log store never logs from inside an append, so this
 * cannot call itself.  SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <string.h>

#include "base/mem.h"
#include "main/app.h"

static void keep_line(void *arg, mw_level level, const char *line)
{
    mw_app *app = arg;
    mw_label who = {MW_STR("service"), MW_STR("moonwatch")};
    mw_labels *stream = mw_labels_new(&who, 1, NULL);
    mw_log_record r = {
        .t_ns = mw_wall_ns(),
        .level = level,
        .stream = stream,
        .message = {line, strcspn(line, "\n")},
    };
    mw_ingest_log(&app->ingest, &r);
    mw_free(stream);
}

void mw_self_log(mw_app *app)
{
    mw_log_set_tap(keep_line, app);
    app->log_tapped = true;
}
