/* audit_care.c - the audit chain is walked a minute after the start and once a day: damage is told
 * when it happens and not when somebody needs the chain.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "main/app.h"

enum { FIRST_MS = 60000, AGAIN_MS = 86400000 };

/* Each misfit once: it stays where it is. */
static void tell(mw_app *app, const mw_audit_report *r)
{
    if (!strcmp(app->misfit, r->problem)) return;
    strcpy(app->misfit, r->problem);
    if (!r->problem[0]) return;
    mw_log(MW_ERROR, "the audit chain does not fit", "entry=%" PRIu64 " problem=\"%s\"", r->bad,
           r->problem);
    mw_app_audit(app, "audit.misfit", "problem", r->problem);
}

static void walk(mw_app *app)
{
    mw_err err;
    mw_audit_report r;
    mw_err_init(&err);
    if (mw_audit_read(app->audit, NULL, NULL, NULL, &r, &err)) {
        mw_log(MW_WARN, "the audit chain could not be read", "error=\"%s\"", err.msg);
        return;
    }
    mw_gauge_set(mw_gauge(app->registry, "moonwatch_audit_intact",
                          "1 when the audit chain fitted together the last time it was walked.",
                          NULL),
                 !r.problem[0]);
    mw_gauge_set(mw_gauge(app->registry, "moonwatch_audit_walked_seconds",
                          "When the audit chain was walked last, unix time.", NULL),
                 (double)mw_now_ms(&app->clock) / 1000);
    tell(app, &r);
}

void mw_app_audit_care(mw_app *app)
{
    int64_t now = mw_mono_ns() / 1000000;
    if (!app->walk_at_ms) app->walk_at_ms = now + FIRST_MS;
    if (now < app->walk_at_ms) return;
    app->walk_at_ms = now + AGAIN_MS;
    walk(app);
}
