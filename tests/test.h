/* test.h - what every C test includes first.  SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_TEST_H
#define MW_TESTS_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h uses the headers above without including them: it stays in a group of its own. */
#include <cmocka.h>

#endif
