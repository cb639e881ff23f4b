// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/clock.h"
#include "run/service.h"
#include "test.h"

/* systemd's end of the notification socket. */
struct manager {
	int fd;
	char text[256];
};

static int setup(void **state)
{
	static struct manager manager;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);
	char name[128];

	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(manager.fd >= 0);
	/* An abstract address that the kernel chooses. */
	assert_int_equal(bind(manager.fd, (struct sockaddr *)&address, len), 0);
	len = sizeof(address);
	assert_int_equal(getsockname(manager.fd, (struct sockaddr *)&address, &len), 0);
	snprintf(name, sizeof(name), "@%.*s",
		 (int)(len - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	*state = &manager;
	return 0;
}

static int teardown(void **state)
{
	const struct manager *manager = *state;

	close(manager->fd);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

/* Returns the next message to systemd; "" if there is none. */
static const char *told(struct manager *manager)
{
	ssize_t len = recv(manager->fd, manager->text, sizeof(manager->text) - 1, 0);

	manager->text[len < 0 ? 0 : len] = '\0';
	return manager->text;
}

static void test_what_systemd_is_told(void **state)
{
	struct manager *manager = *state;

	service__ready();
	assert_string_equal(told(manager), "READY=1");
	service__alive(3, 12);
	assert_string_equal(told(manager), "WATCHDOG=1\nSTATUS=3 VMs, 12 vCPUs");
	service__alive(1, 1);
	assert_string_equal(told(manager), "WATCHDOG=1\nSTATUS=1 VM, 1 vCPU");
	service__stopping();
	assert_string_equal(told(manager), "STOPPING=1");
	assert_string_equal(told(manager), "");
}

static void test_a_reload_has_its_time(void **state)
{
	struct manager *manager = *state;
	__u64 before_us = clock__now_ns() / 1000;
	unsigned long long at_us;

	service__reloading();
	assert_int_equal(sscanf(told(manager), "RELOADING=1\nMONOTONIC_USEC=%llu", &at_us), 1);
	assert_true(at_us >= before_us && at_us <= clock__now_ns() / 1000);
}

static void test_the_watchdog_is_to_be_fed_twice_as_often(void **state)
{
	char pid[32];

	(void)state;
	assert_int_equal(service__watchdog_ns(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(service__watchdog_ns(), 15000000000);
	/* The watchdog of another process. */
	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(service__watchdog_ns(), 0);
}

static void test_without_systemd_nothing_is_told_and_nothing_said(void **state)
{
	struct manager *manager = *state;

	unsetenv("NOTIFY_SOCKET");
	service__ready();
	service__alive(1, 1);
	service__reloading();
	service__stopping();
	assert_string_equal(told(manager), "");
	/* A socket that does not exist. */
	setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
	service__ready();
	service__alive(1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_systemd_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_reload_has_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_watchdog_is_to_be_fed_twice_as_often,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_without_systemd_nothing_is_told_and_nothing_said, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
