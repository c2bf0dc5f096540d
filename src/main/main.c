/* main.c - the command line: everything a person types is answered by lua/moonwatch/cli.
 *
 * C lends it a host without stores, the outbound loop, and three operations that only a command
 * may use: serve, and the two that wait.  SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "main/app.h"
#include "script/run.h"

/* {settings} -> {status=}: the server, until a signal ends it. */
static void op_serve(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    mw_value *answer = mw_map_new();
    mw_map_set_number(answer, "status", mw_serve(arg));
    mw_value_free(arg);
    reply(reply_arg, answer);
}

/* {seconds=} -> {}: a command waits. */
static void op_sleep(void *self, mw_value *arg, mw_reply *reply, void *reply_arg)
{
    double seconds = mw_map_number(arg, "seconds", 0);
    struct timespec ts = {.tv_sec = (time_t)seconds};
    ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
    nanosleep(&ts, NULL);
    mw_value_free(arg);
    reply(reply_arg, mw_map_new());
}

int main(int argc, char **argv)
{
    mw_log_setup(MW_WARN, false);
    mw_registry *registry = mw_registry_new(0);
    mw_net *net = mw_net_new(registry);
    mw_host host = {
        .clock = &mw_clock_system, .registry = registry, .data_dir = ".", .version = MW_VERSION};
    mw_net_offer(net, &host);
    mw_host_add_op(&host, "serve", NULL, op_serve);
    mw_host_add_op(&host, "sleep", NULL, op_sleep);
    mw_net_start(net);
    int status = mw_script_run(&host, "moonwatch.cli", argc - 1, argv + 1);
    mw_net_stop(net);
    mw_net_free(net);
    mw_registry_free(registry);
    mw_free(host.ops);
    return status;
}
