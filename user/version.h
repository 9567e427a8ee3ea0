/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RSTWATCH_VERSION_H
#define RSTWATCH_VERSION_H

#define RSTWATCH_VERSION "0.1.0"

#endif
