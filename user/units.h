/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RSTWATCH_UNITS_H
#define RSTWATCH_UNITS_H

#define SECOND_NS 1000000000ULL

#endif
