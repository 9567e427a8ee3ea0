/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Words for people: the one sentence that says what happened and the one that says what to do,
 * made from an alert's evidence and from nothing else.
 */
#ifndef RSTWATCH_ADVICE_H
#define RSTWATCH_ADVICE_H

#include "alert.h"
#include "rate.h"

/* Fills summary and advice of a rate alert whose evidence is complete. */
void advice_rate(struct alert *alert, const struct rate_verdict *verdict);

#endif
