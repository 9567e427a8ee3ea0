/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
	.section .rodata
	.global schema_json, schema_json_bytes
	.type schema_json, %object
	.type schema_json_bytes, %object
schema_json:
	.incbin "user/schema.json"
1:
	.size schema_json, 1b - schema_json
	.balign 8
schema_json_bytes:
	.quad 1b - schema_json
	.size schema_json_bytes, 8
	.section .note.GNU-stack,"",%progbits
