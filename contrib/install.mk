# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Installation below PREFIX, and the packages. Included by the Makefile.
.PHONY: install uninstall deb deb-deps rpm rpm-deps

SHARE   := $(PREFIX)/share
SBINDIR := $(PREFIX)/sbin
# Packages for Debian 12 have them below /lib: see debian/rules.
UNITDIR ?= $(PREFIX)/lib/systemd/system

UDEVDIR ?= $(PREFIX)/lib/udev/rules.d

UNITS := $(patsubst contrib/systemd/%.in,%,$(wildcard contrib/systemd/*.service.in))

# The Prometheus rules and example files, without the rules' tests.
RULES_AND_EXAMPLES := $(filter-out %.test.yml,$(wildcard contrib/prometheus/*.yml))

# The files to install, as mode:source:destination.
INSTALLED := \
	$(foreach program,$(PROGRAMS),0755:$(OUTPUT)/$(program):$(SBINDIR)/$(program) \
		0644:doc/$(program).8:$(SHARE)/man/man8/$(program).8 \
		0644:contrib/completion/$(program).bash:$(SHARE)/bash-completion/completions/$(program) \
		0644:contrib/systemd/$(program).default:$(SHARE)/doc/gtimehalt/$(program).default) \
	$(foreach form,gtimehalt gtimehalt-summary gtimehalt-diff,\
		0644:contrib/$(form).schema.json:$(SHARE)/gtimehalt/$(form).schema.json) \
	$(foreach unit,$(UNITS),0644:$(OUTPUT)/units/$(unit):$(UNITDIR)/$(unit)) \
	0644:$(OUTPUT)/units/70-gtimehalt.rules:$(UDEVDIR)/70-gtimehalt.rules \
	$(foreach program,gtimehalt-exporter gtimehalt-steer,\
		0644:contrib/udev/kvm.rules:$(UDEVDIR)/70-$(program).rules) \
	0644:contrib/grafana/gtimehalt.json:$(SHARE)/gtimehalt/grafana/gtimehalt.json \
	$(foreach file,$(RULES_AND_EXAMPLES),0644:$(file):$(file:contrib/%=$(SHARE)/gtimehalt/%)) \
	$(foreach file,README.md SECURITY.md CHANGELOG.md,0644:$(file):$(SHARE)/doc/gtimehalt/$(file))

# Always regenerated, because they contain the path of the program, which depends on PREFIX.
.PHONY: units
units:
	$(Q)mkdir -p $(OUTPUT)/units
	$(Q)for file in $(UNITS:%=contrib/systemd/%.in) contrib/udev/70-gtimehalt.rules.in; do \
		name=$${file##*/}; \
		sed 's|@SBINDIR@|$(SBINDIR)|g' $$file >$(OUTPUT)/units/$${name%.in} || exit; \
	done

install: all units
	$(Q)for file in $(INSTALLED); do \
		mode=$${file%%:*} paths=$${file#*:}; \
		echo "  INSTALL  $(DESTDIR)$${paths#*:}"; \
		install -D -m $$mode "$${paths%%:*}" "$(DESTDIR)$${paths#*:}" || exit; \
	done

# A pinned measurement is removed first, because without the program nothing can end it. The folders that belong to
# gtimehalt are removed if they are empty; system folders stay.
uninstall:
	$(Q)[ -n "$(DESTDIR)" ] || [ ! -e /sys/fs/bpf/gtimehalt ] || $(SBINDIR)/gtimehalt --unpin >/dev/null
	$(Q)for file in $(INSTALLED); do rm -f "$(DESTDIR)$${file##*:}" || exit; done
	$(Q)for dir in $(addprefix $(SHARE)/,gtimehalt/grafana gtimehalt/prometheus gtimehalt doc/gtimehalt); do \
		[ ! -d "$(DESTDIR)$$dir" ] || rmdir --ignore-fail-on-non-empty "$(DESTDIR)$$dir" || exit; \
	done

# The packages are built in a copy: dpkg-buildpackage writes into debian/ and beside the source.
DEB_DIR := $(OUTPUT)/deb
DEB_SRC := $(DEB_DIR)/gtimehalt

deb-deps:
	$(Q)$(call install_missing,$(BUILD_PACKAGES) $(DEB_PACKAGES))

deb:
	$(Q)for tool in dpkg-buildpackage dh; do \
		command -v $$tool >/dev/null || { echo "make deb: $$tool is not installed: run make deb-deps" >&2; exit 1; }; \
	done
	$(Q)rm -rf $(DEB_DIR)
	$(Q)mkdir -p $(DEB_SRC)
	$(Q)tar --create --anchored --exclude-vcs --exclude=./.output --exclude=./$(OUTPUT) --exclude=./.cache \
		$(PROGRAMS:%=--exclude=./%) . | tar --extract --directory $(DEB_SRC)
	$(call msg,DEB,$(DEB_DIR))
	$(Q)cd $(DEB_SRC) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u OUTPUT dpkg-buildpackage -us -uc -b
	$(Q)if command -v lintian >/dev/null; then \
		lintian --allow-root --fail-on error $(DEB_DIR)/gtimehalt_*.changes; \
	else \
		echo 'make deb: lintian is not installed, so the packages were not checked: run make deb-deps' >&2; \
	fi
	$(Q)ls $(DEB_DIR)/*.deb

# The source archive holds the files that git knows. RPM_OPTIONS=--nodeps builds where the names of packages are not those of
# contrib/rpm/gtimehalt.spec.
RPM_DIR := $(OUTPUT)/rpm

# rpmbuild on Debian; Fedora and RHEL have it in rpm-build.
rpm-deps:
	$(Q)$(call install_missing,rpm)

rpm:
	$(Q)command -v rpmbuild >/dev/null || { echo 'make rpm: rpmbuild is not installed' >&2; exit 1; }
	$(Q)rm -rf $(RPM_DIR)
	$(Q)mkdir -p $(RPM_DIR)/SOURCES
	$(Q)git ls-files | tar --create --gzip --files-from=- --transform='s,^,gtimehalt-$(VERSION)/,' \
		--file=$(RPM_DIR)/SOURCES/gtimehalt-$(VERSION).tar.gz
	$(call msg,RPM,$(RPM_DIR))
	$(Q)env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u OUTPUT rpmbuild -bb $(RPM_OPTIONS) --define '_topdir $(abspath $(RPM_DIR))' \
		--define 'gtimehalt_version $(VERSION)' contrib/rpm/gtimehalt.spec
	$(Q)ls $(RPM_DIR)/RPMS/*/*.rpm
