/* str.h - borrowed pieces of text, durations, and "did you mean".
 *
 * An mw_str does not own its bytes and need not end in NUL.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_STR_H
#define MW_BASE_STR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mw_str {
    const char *p;
    size_t n;
} mw_str;

#define MW_STR(literal) ((mw_str){"" literal, sizeof(literal) - 1})
#define MW_STR_ARG(s)   (int)(s).n, (s).p /* for "%.*s" */

mw_str mw_str_of(const char *z); /* NULL gives the empty string */
bool mw_str_eq(mw_str a, mw_str b);
bool mw_str_is(mw_str a, const char *z);
int mw_str_cmp(mw_str a, mw_str b); /* byte order, shorter first */
bool mw_str_starts(mw_str s, const char *prefix);
mw_str mw_str_trim(mw_str s); /* without spaces and tabs at both ends */
bool mw_utf8_valid(mw_str s);
size_t mw_utf8_at(mw_str s); /* bytes of the character that S begins with; 0: it is none */

/* Forward from P over bytes that stand for themselves in a JSON string: no quotes, backslashes,
 * control characters, nor bytes above 0x7f. */
const char *mw_str_plain(const char *p, const char *end);

/* "250ms" "30s" "1h30m" "7d" "2w" "1y" -> milliseconds.  False when it is no duration. */
bool mw_duration_parse(mw_str s, int64_t *ms);
/* The shortest such text: 5400000 -> "1h30m".  OUT holds at least 40 bytes; returns OUT. */
char *mw_duration_format(int64_t ms, char *out);

/* The entry of NAMES (N of them) nearest to WORD, or NULL when none is near enough to suggest. */
const char *mw_nearest(const char *word, const char *const *names, size_t n);

/* Lower-case hex of N bytes into OUT (2*N+1 bytes), and back (false on a wrong character). */
void mw_hex(const void *bytes, size_t n, char *out);
bool mw_unhex(mw_str hex, void *bytes, size_t n);

#endif
