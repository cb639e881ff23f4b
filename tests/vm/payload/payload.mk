# SPDX-License-Identifier: GPL-2.0-or-later
# The payload: a flat guest image, and the VMM that embeds it. Included by the Makefile, whose $(OUTPUT), $(CC),
# $(STD), $(CFLAGS), $(WARN), $(Q) and $(msg) it uses. The VMM is static, because it also runs in VMs of other
# distributions.

PAYLOAD_DIR := tests/vm/payload
PAYLOAD_OUT := $(OUTPUT)/tests/payload
PAYLOAD     := $(PAYLOAD_OUT)/payload
PAYLOAD_SRC := $(addprefix $(PAYLOAD_DIR)/,payload.c vmm.c report.c)

# The guest has no FPU state, no libc, no relocations, which the usual hardening of user programs would need.
GUEST_CFLAGS := -O2 -ffreestanding -fno-pic -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
		-fcf-protection=none -fno-asynchronous-unwind-tables -U_FORTIFY_SOURCE
GUEST_LDFLAGS := -nostdlib -static -Wl,--build-id=none -Wl,-T,$(PAYLOAD_DIR)/guest.lds

$(PAYLOAD_OUT)/guest.bin: $(addprefix $(PAYLOAD_DIR)/,guest-entry.S guest.c guest.h guest.lds)
	$(Q)mkdir -p $(@D)
	$(call msg,GUEST,$@)
	$(Q)$(CC) $(STD) $(GUEST_CFLAGS) $(WARN) $(GUEST_LDFLAGS) -o $@ $(filter %.S %.c,$^)

$(PAYLOAD): $(PAYLOAD_SRC) $(addprefix $(PAYLOAD_DIR)/,payload.h guest.h) $(PAYLOAD_OUT)/guest.bin
	$(call msg,LINK,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -static -pthread -DGUEST_BIN='"$(PAYLOAD_OUT)/guest.bin"' \
		-o $@ $(PAYLOAD_SRC) -lm

# payload-account, which reads the report.
PAYLOAD_ACCOUNT := $(PAYLOAD_OUT)/payload-account

$(PAYLOAD_ACCOUNT): $(PAYLOAD_DIR)/account.c
	$(Q)mkdir -p $(@D)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -D_GNU_SOURCE -static -o $@ $< -ljson-c
