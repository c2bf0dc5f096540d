/* buf.h - a growing run of bytes, for building text and wire formats.
 *
 * Always NUL-terminated behind n bytes once something was added, so p works as a C string.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_BUF_H
#define MW_BASE_BUF_H
#include <stdint.h>

#include "base/str.h"

typedef struct mw_buf {
    char *p;
    size_t n, cap;
} mw_buf;

void mw_buf_init(mw_buf *b);
void mw_buf_deinit(mw_buf *b);
void mw_buf_reset(mw_buf *b);               /* n = 0, memory kept */
char *mw_buf_room(mw_buf *b, size_t extra); /* EXTRA writable bytes at the end; caller adds to n */
char *mw_buf_take(mw_buf *b);               /* the caller owns the bytes now; b is empty again */

void mw_buf_add(mw_buf *b, const void *p, size_t n);
void mw_buf_str(mw_buf *b, mw_str s);
void mw_buf_text(mw_buf *b, const char *z);
void mw_buf_byte(mw_buf *b, char c);
void mw_buf_printf(mw_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mw_buf_double(mw_buf *b, double v); /* mw_double_fixed: as the Prometheus API prints values */
void mw_buf_int(mw_buf *b, int64_t v);
/* S as a JSON string with its quotes.  Bytes that are not UTF-8 become U+FFFD. */
void mw_buf_json(mw_buf *b, mw_str s);

#endif
