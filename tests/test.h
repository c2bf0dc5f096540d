/* test.h - what every C test includes first.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_TEST_H
#define MW_TESTS_TEST_H
/* clang-format off: cmocka wants these in this order */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */
#endif
