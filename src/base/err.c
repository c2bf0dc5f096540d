/* err.c - error records and the end of the road for bugs.  SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void mw_err_init(mw_err *err) { *err = (mw_err){.code = MW_OK}; }

int mw_fail(mw_err *err, int code, int line, int col, const char *fmt, ...)
{
    if (!err || err->code != MW_OK) return code;
    err->code = code;
    err->line = line;
    err->col = col;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return code;
}

const char *mw_code_text(int code)
{
    static const struct {
        int code;
        const char *text;
    } rows[] = {
#define MW_CODE_ROW(name, code, text) {code, text},
        MW_CODES(MW_CODE_ROW)
#undef MW_CODE_ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code) return rows[i].text;
    return "unknown error";
}

void mw_bug(const char *what, const char *file, int line)
{
    fprintf(stderr, "moonwatch: bug: %s does not hold at %s:%d\n", what, file, line);
    abort();
}
