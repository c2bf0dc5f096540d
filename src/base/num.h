/* num.h - numbers as text, both ways, independent of the locale.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_NUM_H
#define MW_BASE_NUM_H
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* The whole of S as a double: decimal, exponent, "NaN", "Inf", "+Inf", "-Inf" in any letter case,
 * hex floats and hex integers.  False when S is anything else. */
bool mw_double_parse(mw_str s, double *out);
bool mw_int64_parse(mw_str s, int64_t *out); /* decimal, optional sign; false on overflow */

enum { MW_DOUBLE_MAX = 352 }; /* bytes that any formatted double fits in, NUL included */

/* The shortest text that reads back as V.  NaN, +Inf, -Inf.  Returns its length.
 * general: 1e+21 style for large and small magnitudes, as in text expositions (Go's 'g').
 * fixed: never an exponent, as in the values of the Prometheus API (Go's 'f'). */
int mw_double_general(double v, char out[MW_DOUBLE_MAX]);
int mw_double_fixed(double v, char out[MW_DOUBLE_MAX]);

#endif
