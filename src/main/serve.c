/* serve.c - the life of the server: start, housekeeping, signals, stop.
 *
 * All threads have all signals blocked; this thread waits for them with a time limit, and the time
 * limit is the housekeeping tick.  A signal that comes while the stores recover waits until they
 * have.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "main/app.h"

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void set_up_log(const mw_value *settings)
{
    const mw_value *log = mw_map_find(settings, "log");
    mw_level level = MW_INFO;
    mw_str name = mw_map_text(log, "level");
    if (name.n) mw_level_parse(name.p, &level);
    mw_log_setup(level, mw_str_is(mw_map_text(log, "format"), "json"));
}

/* Whether a signal to stop waits already. */
static bool is_stop_pending(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT);
}

static int start(mw_app *app, const mw_value *settings, mw_err *err)
{
    if (mw_app_open(app, settings, err)) return err->code;
    mw_log(MW_INFO, "reading the data folder", "page=http://127.0.0.1:%u/ data=%s pid=%d",
           mw_server_port(app->server), app->host.data_dir, (int)getpid());
    if (mw_app_recover(app, err)) return err->code;
    if (is_stop_pending()) return MW_OK; /* nothing is begun that must end at once */
    if (mw_app_go(app, settings, err)) return err->code;
    mw_log(MW_INFO, "moonwatch is up", "page=http://127.0.0.1:%u/ data=%s pid=%d",
           mw_server_port(app->server), app->host.data_dir, (int)getpid());
    return MW_OK;
}

static void reload(mw_app *app, const siginfo_t *info)
{
    char from[64];
    snprintf(from, sizeof from, "pid %d of user %u", (int)info->si_pid, (unsigned)info->si_uid);
    mw_app_reload(app, from);
}

/* Until a signal says stop; its number. */
static int run(mw_app *app, const sigset_t *set)
{
    siginfo_t info;
    for (;;) {
        int sig = sigtimedwait(set, &info, &(struct timespec){.tv_sec = 1});
        if (sig == SIGTERM || sig == SIGINT) return sig;
        if (sig == SIGHUP)
            reload(app, &info);
        else if (sig < 0 && errno == EAGAIN)
            mw_app_tick(app);
    }
}

int mw_serve(const mw_value *settings)
{
    mw_app app;
    mw_err err;
    sigset_t set;
    mw_err_init(&err);
    set_up_log(settings);
    block_signals(&set);
    if (start(&app, settings, &err) != MW_OK) {
        fprintf(stderr, "moonwatch: %s\n", err.msg);
        return 1;
    }
    int sig = run(&app, &set);
    mw_log(MW_INFO, "stopping", "signal=%s", sig == SIGTERM ? "SIGTERM" : "SIGINT");
    mw_app_audit(&app, "server.stopped", "signal", sig == SIGTERM ? "SIGTERM" : "SIGINT");
    mw_app_stop(&app);
    mw_log(MW_INFO, "stopped", NULL);
    return 0;
}
