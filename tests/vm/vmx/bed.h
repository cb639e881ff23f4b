/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the test bed adds to a CPU of Bochs: IA32_MPERF and IA32_APERF, which Bochs lacks, and the bed's
 * own MSRs, the same as those of ../plugin/mperf.c. C++, copied into Bochs' cpu/ and called by bochs.patch.
 *
 * Time is counted in ticks: the TSC counts them too, and while a CPU executes, a tick is an instruction.
 * A CPU is asleep from the moment when it enters HLT, MWAIT, shutdown or the wait for a SIPI until
 * something makes it active again, whether it executes a guest then or not.
 */
#ifndef BED_H
#define BED_H

enum {
	BED_MSR_IA32_MPERF = 0xe7,
	BED_MSR_IA32_APERF = 0xe8,
	BED_MSR_ID = 0x6d706600,
	BED_MSR_INSNS,
	BED_MSR_STOLEN,
	BED_MSR_HALTED,
	BED_MSR_RATE,
	BED_MSR_TSC,

	BED_RATE_ONE_PPM = 1000000,
	BED_RATE_MAX_PPM = 2 * BED_RATE_ONE_PPM,
};

struct bed_counters {
	bool asleep;
	Bit64u asleep_since, halted; /* ticks */

	/* MPERF = mperf_base + rate * (C0 ticks - c0_base); a write of MPERF or of the rate sets the bases. */
	Bit64u mperf_base, c0_base;
	Bit32u rate_ppm;

	void reset(void)
	{
		asleep = false;
		asleep_since = halted = mperf_base = c0_base = 0;
		rate_ppm = BED_RATE_ONE_PPM;
	}

	void sleep(Bit64u now)
	{
		if (!asleep)
			asleep_since = now;
		asleep = true;
	}

	void wake(Bit64u now)
	{
		if (asleep)
			halted += now - asleep_since;
		asleep = false;
	}

	Bit64u mperf(Bit64u now) const
	{
		return mperf_base + (Bit64u)((unsigned __int128)(now - halted - c0_base) *
					     rate_ppm / BED_RATE_ONE_PPM);
	}

	/* Stores the value of MSR index and returns true, or returns false: not an MSR of this file. */
	bool read(Bit32u index, Bit64u now, Bit64u insns, Bit64u *value) const
	{
		switch (index) {
		case BED_MSR_IA32_MPERF:
			*value = mperf(now);
			return true;
		case BED_MSR_IA32_APERF:
			*value = now - halted;
			return true;
		case BED_MSR_ID:
			*value = BX_CONST64(0x6d70657266);
			return true;
		case BED_MSR_INSNS:
			*value = insns;
			return true;
		case BED_MSR_STOLEN: /* nothing can be: time is what has been executed */
			*value = 0;
			return true;
		case BED_MSR_HALTED:
			*value = halted;
			return true;
		case BED_MSR_RATE:
			*value = rate_ppm;
			return true;
		case BED_MSR_TSC:
			*value = now;
			return true;
		}
		return false;
	}

	bool write(Bit32u index, Bit64u now, Bit64u value)
	{
		if (index != BED_MSR_RATE && index != BED_MSR_IA32_MPERF)
			return false;
		mperf_base = index == BED_MSR_RATE ? mperf(now) : value;
		c0_base = now - halted;
		if (index == BED_MSR_RATE && value <= BED_RATE_MAX_PPM)
			rate_ppm = (Bit32u)value;
		return true;
	}
};

#endif /* BED_H */
