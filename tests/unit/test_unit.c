// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A child process at the other end of a socket plays systemd, with the single unit hk.service and
 * the interface that org.freedesktop.systemd1(5) describes. These calls are not tested with a real
 * systemd.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.h"
#include "steer/unit.h"

#define OBJECT "/org/freedesktop/systemd1/unit/hk_2eservice"

/* In the child: the value of AllowedCPUs=. */
static unsigned char bytes[CPUS_MAX / 8];
static size_t byte_cnt;

static int load_unit(sd_bus_message *call, void *data, sd_bus_error *error)
{
	const char *name;
	int err = sd_bus_message_read(call, "s", &name);

	(void)data;
	if (err < 0)
		return err;
	if (!strcmp(name, "hk.service"))
		return sd_bus_reply_method_return(call, "o", OBJECT);
	return sd_bus_error_set(error, "org.freedesktop.systemd1.NoSuchUnit", name);
}

static int set_unit_properties(sd_bus_message *call, void *data, sd_bus_error *error)
{
	const char *name, *property;
	const void *array;
	int runtime;

	(void)data;
	if (sd_bus_message_read(call, "sb", &name, &runtime) < 0 ||
	    strcmp(name, "hk.service") != 0 || !runtime ||
	    sd_bus_message_enter_container(call, 'a', "(sv)") <= 0 ||
	    sd_bus_message_enter_container(call, 'r', "sv") <= 0 ||
	    sd_bus_message_read(call, "s", &property) < 0 || strcmp(property, "AllowedCPUs") != 0 ||
	    sd_bus_message_enter_container(call, 'v', "ay") <= 0 ||
	    sd_bus_message_read_array(call, 'y', &array, &byte_cnt) < 0 || byte_cnt > sizeof(bytes))
		return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "no AllowedCPUs");
	if (byte_cnt)
		memcpy(bytes, array, byte_cnt);
	return sd_bus_reply_method_return(call, NULL);
}

static int get_cpus(sd_bus *bus, const char *path, const char *interface, const char *property,
		    sd_bus_message *reply, void *data, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)data, (void)error;
	return sd_bus_message_append_array(reply, 'y', bytes, byte_cnt);
}

static int get_cgroup(sd_bus *bus, const char *path, const char *interface, const char *property,
		      sd_bus_message *reply, void *data, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)data, (void)error;
	return sd_bus_message_append(reply, "s", "/system.slice/hk.service");
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("LoadUnit", "s", "o", load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("SetUnitProperties", "sba(sv)", "", set_unit_properties,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable service[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("AllowedCPUs", "ay", get_cpus, 0, 0),
	SD_BUS_PROPERTY("ControlGroup", "s", get_cgroup, 0, 0),
	SD_BUS_VTABLE_END,
};

static _Noreturn void be_systemd(int fd)
{
	sd_id128_t id;
	sd_bus *bus;

	if (sd_id128_randomize(&id) < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
	    sd_bus_set_server(bus, 1, id) < 0 || sd_bus_start(bus) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1",
				     "org.freedesktop.systemd1.Manager", manager, NULL) < 0 ||
	    sd_bus_add_object_vtable(bus, NULL, OBJECT, "org.freedesktop.systemd1.Service", service,
				     NULL) < 0)
		_exit(1);
	for (;;) {
		int did = sd_bus_process(bus, NULL);

		if (did < 0 || (!did && sd_bus_wait(bus, UINT64_MAX) < 0))
			_exit(0);
	}
}

struct fixture {
	sd_bus *bus;
	pid_t child;
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_non_null(f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	f->child = fork();
	assert_true(f->child >= 0);
	if (!f->child) {
		close(fds[0]);
		be_systemd(fds[1]);
	}
	close(fds[1]);
	assert_true(sd_bus_new(&f->bus) >= 0);
	assert_true(sd_bus_set_fd(f->bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(f->bus) >= 0);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	sd_bus_flush_close_unref(f->bus);
	kill(f->child, SIGKILL);
	waitpid(f->child, NULL, 0);
	free(f);
	return 0;
}

static void test_find(void **state)
{
	const struct fixture *f = *state;
	struct systemd_unit unit;
	char cgroup[PATH_MAX];

	assert_int_equal(unit__find(f->bus, "hk.service", &unit, cgroup), 0);
	assert_string_equal(cgroup, "system.slice/hk.service");
	assert_true(unit__find(f->bus, "other.service", &unit, cgroup) < 0);
	assert_int_equal(unit__find(f->bus, "hk", &unit, cgroup), -ENOENT);
	assert_int_equal(unit__find(f->bus, "hk.socket", &unit, cgroup), -ENOENT);
}

/* Writes the list, and checks that the same list is read back from the other side. */
static void assert_kept(const struct fixture *f, const char *list)
{
	struct systemd_unit unit;
	char cgroup[PATH_MAX], text[CPUS_TEXT_MAX];
	struct cpus cpus;

	assert_int_equal(unit__find(f->bus, "hk.service", &unit, cgroup), 0);
	assert_int_equal(cpus__parse(list, &cpus), 0);
	assert_int_equal(unit__write(f->bus, &unit, &cpus), 0);
	cpus__add(&cpus, 77);
	assert_int_equal(unit__read(f->bus, &unit, &cpus), 0);
	assert_string_equal(cpus__format(&cpus, text), list);
}

static void test_sets(void **state)
{
	assert_kept(*state, "0");
	assert_kept(*state, "3,8-9");
	assert_kept(*state, "7,8191");
	assert_kept(*state, "");
}

static void test_refused(void **state)
{
	const struct fixture *f = *state;
	struct systemd_unit unit = { .name = "other.service" };
	struct cpus cpus = { 0 };

	assert_int_equal(unit__write(f->bus, &unit, &cpus), -EINVAL);
	kill(f->child, SIGKILL);
	strcpy(unit.name, "hk.service");
	assert_true(unit__write(f->bus, &unit, &cpus) < 0);
}

#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BUS_TEST(test_find),
		BUS_TEST(test_sets),
		BUS_TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
