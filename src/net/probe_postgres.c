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

#include "base/clock.h"
#include "net/probe.h"

static const char figures[] =
    "SELECT current_setting('max_connections'), count(*),"
    " count(*) FILTER (WHERE state = 'active' OR state LIKE 'fastpath%'),"
    " count(*) FILTER (WHERE state LIKE 'idle%'),"
    " CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END, current_setting('server_version')"
    " FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";

/* What was received is what was replayed: the standby lags by nothing, however quiet its primary
 * is.  A primary lags as far as the last of its standbys, of which it keeps no lag once they have
 * caught up; roles without pg_monitor see none. */
static const char replication[] =
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN"
    "  (SELECT EXTRACT(EPOCH FROM max(CASE WHEN replay_lsn IS NULL THEN NULL"
    "    WHEN replay_lsn = pg_current_wal_lsn() THEN interval '0'"
    "    ELSE COALESCE(replay_lag, interval '0') END)) FROM pg_stat_replication)"
    " WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0"
    " ELSE EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp()) END,"
    " (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming')";

static const char *const columns[] = {"max_open", "open", "in_use", "idle", "standby", "version"};
static const char *const lags[] = {"lag", "replicas"};
enum { COLUMNS = sizeof columns / sizeof *columns, LAGS = sizeof lags / sizeof *lags };

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

/* The columns of the only row, as NAMES; numbers are numbers. */
static void tell(PGresult *r, const char *const *names, int n, mw_value *answer)
{
    for (int i = 0; i < n; i++) {
        const char *text = PQgetvalue(r, 0, i);
        char *end;
        double v = strtod(text, &end);
        if (PQgetisnull(r, 0, i)) continue;
        if (*end || end == text)
            mw_map_set_text(answer, names[i], text);
        else
            mw_map_set_number(answer, names[i], v);
    }
    PQclear(r);
}

static int measure(PGconn *pg, const mw_patience *patience, mw_value *answer, mw_err *err)
{
    PGresult *r;
    int64_t began = mw_mono_ns();
    int code = connect_pq(pg, patience, err);
    if (code != MW_OK) return code;
    mw_map_set_number(answer, "connect", (double)(mw_mono_ns() - began) / 1e9);
    began = mw_mono_ns();
    code = query(pg, "SELECT 1", patience, &r, err);
    if (code != MW_OK) return code;
    PQclear(r);
    mw_map_set_number(answer, "query", (double)(mw_mono_ns() - began) / 1e9);
    code = query(pg, figures, patience, &r, err);
    if (code != MW_OK) return code;
    tell(r, columns, COLUMNS, answer);
    mw_err unheard; /* what is no PostgreSQL 10 has no such functions */
    mw_err_init(&unheard);
    code = query(pg, replication, patience, &r, &unheard);
    if (code == MW_OK) tell(r, lags, LAGS, answer);
    if (code == MW_ETIMEOUT || code == MW_ECANCEL)
        return mw_fail(err, code, 0, 0, "%s", unheard.msg);
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
