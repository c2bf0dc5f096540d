/* call.h - one request on its way: what was asked, and the answer that is being built.
 *
 * Handlers see only this.  A call owns its memory, knows nothing of sockets and belongs to one
 * thread at a time, so the same handler may run on a loop or on a pool thread; when the client has
 * left, cancel becomes non-zero and nobody will read the answer.
 * SPDX-License-Identifier: MIT */
#ifndef MW_HTTP_CALL_H
#define MW_HTTP_CALL_H
#include "http/server.h"

typedef struct mw_call mw_call;
typedef struct mw_route mw_route;

typedef enum mw_method {
    MW_GET = 1,
    MW_POST = 2,
    MW_PUT = 4,
    MW_DELETE = 8,
    MW_HEAD = 16,
    MW_OPTIONS = 32
} mw_method;

typedef struct mw_pair {
    mw_str name, value;
} mw_pair;

enum { MW_WILDCARDS = 3, MW_ANSWER_HEADERS = 8, MW_PIECE = 64 << 10 };

struct mw_call {
    mw_server *server;
    const mw_server_parts *parts;
    const mw_route *route;
    mw_arena *arena;
    volatile int cancel;
    int64_t began_mono_ns; /* when it was read */

    mw_method method;              /* HEAD is asked of handlers as GET */
    mw_str path;                   /* decoded, without the query */
    mw_str wildcard[MW_WILDCARDS]; /* what the * of the route's pattern stand for */
    mw_pair *params;               /* of the query string and of a form body */
    size_t n_params;
    mw_pair *headers; /* names in lower case */
    size_t n_headers;
    mw_str remote; /* the client's address, for actors; {"",0} when nobody knows */
    mw_str body;   /* as it came; call_decode gives the bytes inside */
    mw_buf hold;

    int status;
    const char *type; /* Content-Type */
    mw_pair answer_headers[MW_ANSWER_HEADERS];
    size_t n_answer_headers;
    bool packed; /* OUT is compressed, or as small as it gets */
    mw_buf out;  /* the body, or its beginning */
    /* Not NULL: the body goes on.  Called until it says true; adds about MW_PIECE.  On the loop, or
     * on the query pool when it may take long to make a piece. */
    bool (*more)(mw_call *c, mw_buf *out);
    bool more_on_pool;
    bool broken;                /* what comes next cannot be had: the connection is cut */
    void *state;                /* for more */
    void (*free_state)(void *); /* may be NULL */
};

mw_call *call_new(mw_server *s);
void call_free(mw_call *c);
bool call_cancelled(const mw_call *c);

/* -- what was asked ------------------------------------------------------------------------- */

mw_str call_header(const mw_call *c, const char *name); /* lower case; {"",0} when absent */
/* "text/plain; charset=x" is "text/plain". */
bool call_type_is(const mw_call *c, const char *type);

/* A parameter's first value, {"",0} when absent.  call_each_param gives all of them. */
mw_str call_param(const mw_call *c, const char *name);
const mw_pair *call_each_param(const mw_call *c, const char *name, const mw_pair *after);

/* Name=value&... with percent escapes and +.  MW_EARG on a wrong escape, MW_ELIMIT over 1000. */
int call_parse_params(mw_call *c, mw_str text, mw_err *err);
/* %XX undone into the arena; with PLUS, + is a space.  False on a wrong escape or a NUL byte. */
bool call_unescape(mw_call *c, mw_str text, bool plus, mw_str *out);

/* Parameters as values.  When absent *OUT is untouched.  MW_EARG tells the parameter's name. */
int call_time_ms(const mw_call *c, const char *name, int64_t *out, mw_err *err);
int call_must_time_ms(const mw_call *c, const char *name, int64_t *out, mw_err *err); /* required */
int call_time_ns(const mw_call *c, const char *name, int64_t *out, mw_err *err);
int call_duration_ms(const mw_call *c, const char *name, int64_t *out, mw_err *err);
int call_must_duration_ms(const mw_call *c, const char *name, int64_t *out, mw_err *err);
int call_size(const mw_call *c, const char *name, size_t most, size_t *out, mw_err *err);
int call_limit(const mw_call *c, size_t *out, mw_err *err); /* "limit"; absent or 0: SIZE_MAX */
bool call_flag(const mw_call *c, const char *name);         /* "1" or "true" */

/* The body with its Content-Encoding undone. */
int call_decode(mw_call *c, mw_str *out, mw_err *err);

/* -- the answer ----------------------------------------------------------------------------- */

enum { MW_FAIL_TEXT = 512 };
enum { CALL_TOO_MUCH = -1000, CALL_FORBIDDEN }; /* beside the codes of err.h: 429 and 403 */

void call_answer(mw_call *c, int status, const char *type); /* the body is what C->out holds */
void call_text(mw_call *c, int status, const char *text);
void call_answer_header(mw_call *c, const char *name, mw_str value); /* copied */

/* An error in the shape of the route (fail.c).  ERR's code chooses the status, and whether and when
 * to come again; on ingest routes what the disk did not take may come again. */
void call_fail(mw_call *c, const mw_err *err);
void call_fail_text(mw_call *c, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "invalid parameter \"NAME\": ..." */
void call_fail_param(mw_call *c, const char *name, const mw_err *err);

/* {"status":"success","data":  ...  } */
void call_open_data(mw_call *c);
void call_close_data(mw_call *c);

#endif
