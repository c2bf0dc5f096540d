/* probe_postgres.c - connect, SELECT 1, and how full the server is.
 *
 * libpq without blocking: connecting and every query wait through mw_wait_fd.  (A host *name* in
 * the dsn is resolved by libpq itself, which can only hold up this probe's own thread.)  The
 * figures count client connections other than the probe's own.
 * SPDX-License-Identifier: MIT */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/probe.h"

static const char figures[] =
    "SELECT current_setting('max_connections'), count(*),"
    " count(*) FILTER (WHERE state = 'active' OR state LIKE 'fastpath%'),"
    " count(*) FILTER (WHERE state LIKE 'idle%')"
    " FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";

static const char *const columns[] = {"max_open", "open", "in_use", "idle"};

/* What libpq says, on one line; it ends in a newline. */
static int fail_pq(PGconn *pg, const char *doing, mw_err *err)
{
    char text[400];
    snprintf(text, sizeof text, "%s", PQerrorMessage(pg));
    for (char *p = text; *p; p++)
        if (*p == '\n') *p = p[1] ? ' ' : 0;
    return mw_fail(err, MW_EIO, 0, 0, "%s: %s", doing, text[0] ? text : "failed");
}

static int connect_pq(PGconn *pg, const mw_patience *patience, mw_err *err)
{
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    while (want != PGRES_POLLING_OK) {
        if (want == PGRES_POLLING_FAILED || PQstatus(pg) == CONNECTION_BAD)
            return fail_pq(pg, "connect", err);
        short events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        int code = mw_wait_fd(PQsocket(pg), events, patience, err);
        if (code != MW_OK) return code;
        want = PQconnectPoll(pg);
    }
    return PQsetnonblocking(pg, 1) ? fail_pq(pg, "connect", err) : MW_OK;
}

static int flush(PGconn *pg, const mw_patience *patience, mw_err *err)
{
    for (int left; (left = PQflush(pg));) {
        if (left < 0) return fail_pq(pg, "send", err);
        int code = mw_wait_fd(PQsocket(pg), POLLOUT | POLLIN, patience, err);
        if (code != MW_OK) return code;
        if (!PQconsumeInput(pg)) return fail_pq(pg, "receive", err);
    }
    return MW_OK;
}

/* Run SQL; *OUT is its last result, freed by the caller, NULL on failure. */
static int query(PGconn *pg, const char *sql, const mw_patience *patience, PGresult **out,
                 mw_err *err)
{
    *out = NULL;
    if (!PQsendQuery(pg, sql)) return fail_pq(pg, "send", err);
    int code = flush(pg, patience, err);
    if (code != MW_OK) return code;
    for (;;) {
        while (PQisBusy(pg)) {
            code = mw_wait_fd(PQsocket(pg), POLLIN, patience, err);
            if (code != MW_OK) goto fail;
            if (!PQconsumeInput(pg)) {
                code = fail_pq(pg, "receive", err);
                goto fail;
            }
        }
        PGresult *r = PQgetResult(pg);
        if (!r) break;
        PQclear(*out);
        *out = r;
    }
    if (PQresultStatus(*out) == PGRES_TUPLES_OK && PQntuples(*out) == 1) return MW_OK;
    code = fail_pq(pg, "query", err);
fail:
    PQclear(*out);
    *out = NULL;
    return code;
}

static int measure(PGconn *pg, const mw_patience *patience, mw_value *answer, mw_err *err)
{
    PGresult *r;
    int code = connect_pq(pg, patience, err);
    if (code != MW_OK) return code;
    code = query(pg, "SELECT 1", patience, &r, err);
    if (code != MW_OK) return code;
    PQclear(r);
    code = query(pg, figures, patience, &r, err);
    if (code != MW_OK) return code;
    for (int i = 0; i < (int)(sizeof columns / sizeof *columns); i++)
        mw_map_set_number(answer, columns[i], strtod(PQgetvalue(r, 0, i), NULL));
    PQclear(r);
    return MW_OK;
}

int mw_probe_postgres(const mw_value *arg, const mw_patience *patience, mw_value *answer,
                      mw_err *err)
{
    mw_str dsn = mw_map_text(arg, "dsn");
    const char *keys[] = {"dbname", "fallback_application_name", NULL};
    const char *values[] = {dsn.p, "moonwatch", NULL};
    if (!dsn.n) return mw_fail(err, MW_EARG, 0, 0, "postgres: dsn is missing");
    /* libpq's complaints about a dsn may quote the password, so they stay unheard. */
    PQconninfoOption *options = PQconninfoParse(dsn.p, NULL);
    if (!options)
        return mw_fail(err, MW_EARG, 0, 0,
                       "postgres: the dsn is malformed; write postgresql://user@host/db or "
                       "\"host=... dbname=...\"");
    PQconninfoFree(options);
    PGconn *pg = PQconnectStartParams(keys, values, 1);
    if (!pg) return mw_fail(err, MW_ELIMIT, 0, 0, "postgres: out of memory");
    int code = measure(pg, patience, answer, err);
    PQfinish(pg);
    return code;
}
