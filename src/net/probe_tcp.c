/* probe_tcp.c - does it accept connections, and does it say what is expected?
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/buf.h"
#include "net/probe.h"

enum { MAX_HEARD = 64 << 10 };

/* Read until EXPECT has been heard. */
static int listen_for(mw_conn *c, mw_str expect, mw_err *err)
{
    mw_buf heard = {0};
    int code = MW_OK;
    while (!heard.n || !memmem(heard.p, heard.n, expect.p, expect.n)) {
        if (heard.n >= MAX_HEARD) {
            code = mw_fail(err, MW_EEXEC, 0, 0, "\"%.*s\" was not in the first %d bytes",
                           MW_STR_ARG(expect), MAX_HEARD);
            break;
        }
        long n = mw_conn_read(c, mw_buf_room(&heard, 4096), 4096, err);
        if (n == 0)
            code =
                mw_fail(err, MW_EEXEC, 0, 0, "closed before it said \"%.*s\"", MW_STR_ARG(expect));
        else if (n < 0)
            code = (int)n;
        if (n <= 0) break;
        heard.n += (size_t)n;
    }
    mw_buf_deinit(&heard);
    return code;
}

int mw_probe_tcp(const mw_value *arg, const mw_patience *patience, mw_value *answer, mw_err *err)
{
    mw_str host = mw_map_text(arg, "host");
    double port = mw_map_number(arg, "port", 0);
    mw_str send = mw_map_text(arg, "send"), expect = mw_map_text(arg, "expect");
    if (!host.n || !(port >= 1 && port <= 65535))
        return mw_fail(err, MW_EARG, 0, 0, "tcp: host and port (1 to 65535) are needed");
    mw_conn *c = mw_conn_open(host.p, (int)port, patience, err);
    if (!c) return err->code;
    int code = mw_conn_write(c, send, err);
    if (code == MW_OK && expect.n) code = listen_for(c, expect, err);
    mw_conn_close(c);
    return code;
}
