/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with the improved estimator of Ertl 2017,
 * which needs no correction tables at either end. Standard error 1.04 / sqrt(registers) = 0.8%.
 */
#ifndef RSTWATCH_DISTINCT_H
#define RSTWATCH_DISTINCT_H

#include <stdint.h>

#include "event.h"

void distinct_add(uint8_t registers[RST_DISTINCT_WIDTH], uint64_t address_hash);
void distinct_merge(uint8_t registers[RST_DISTINCT_WIDTH], const uint8_t other[RST_DISTINCT_WIDTH]);
uint64_t distinct_estimate(const uint8_t registers[RST_DISTINCT_WIDTH]);

#endif
