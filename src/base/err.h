/* err.h - how a call says no.
 *
 * A bug is an assert.  A refusal is a negative code.  A refusal that a person will read also
 * fills an mw_err: the first cause wins, later ones never hide it.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_ERR_H
#define MW_BASE_ERR_H

/* clang-format off */
#define MW_CODES(X)                                             \
    X(OK,           0, "ok")                                    \
    X(EARG,        -1, "bad argument")                          \
    X(EKIND,       -2, "name already has another kind")         \
    X(ELIMIT,      -3, "limit reached")                         \
    X(EPARSE,      -4, "syntax error")                          \
    X(ENOENT,      -5, "not found")                             \
    X(EIO,         -6, "input/output error")                    \
    X(ETIMEOUT,    -7, "timed out")                             \
    X(ECANCEL,     -8, "cancelled")                             \
    X(EORDER,      -9, "out of order sample")                   \
    X(EDUP,       -10, "duplicate sample for timestamp")        \
    X(EOLD,       -11, "too old sample")                        \
    X(EMISSING,   -12, "not implemented yet")                   \
    X(EBUSY,      -13, "busy")                                  \
    X(EEXEC,      -14, "execution failed")                      \
    X(ETOOBIG,    -15, "too large")                             \
    X(EUNSUPPORTED, -16, "not supported")                       \
    X(EFULL,      -17, "no space left on the disk")             \
    X(ECORRUPT,   -18, "damaged data")
/* clang-format on */

enum mw_code {
#define MW_CODE_ENUM(name, code, text) MW_##name = (code),
    MW_CODES(MW_CODE_ENUM)
#undef MW_CODE_ENUM
};

typedef struct mw_err {
    int code; /* MW_OK while nothing failed */
    int line; /* 1-based; 0 when there is no place to name */
    int col;  /* 1-based; 0 likewise */
    char msg[480];
} mw_err;

void mw_err_init(mw_err *err);

/* Record the first failure and return CODE, so that a parser can write
 *     return mw_fail(err, MW_EPARSE, line, col, "expected %s", what);
 * ERR may be NULL; a later failure never hides an earlier one. */
int mw_fail(mw_err *err, int code, int line, int col, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The general text of CODE ("syntax error"); never NULL. */
const char *mw_code_text(int code);

/* A bug in this program: says where, then aborts.  Stays in releases. */
#define MW_ASSERT(cond) ((cond) ? (void)0 : mw_bug(#cond, __FILE__, __LINE__))
void mw_bug(const char *what, const char *file, int line) __attribute__((noreturn));

#endif
