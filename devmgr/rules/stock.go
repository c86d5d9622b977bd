package rules

// stock holds owners and modes as people know them from a stock Linux. What
// has no row here stays as the kernel makes it, root and mostly 0600: rtc,
// hidraw, watchdog, tpm, uinput, msr ... First match decides, so special names
// stand before their class.
var stock = []rule{
	// memory devices
	{subsystem: "mem", kernel: "null|zero|full|random|urandom", mode: 0o666},
	{subsystem: "mem", kernel: "mem|kmem|port", group: "kmem", mode: 0o640},
	{subsystem: "mem", kernel: "kmsg", mode: 0o644},

	// terminals
	{subsystem: "tty", kernel: "ptmx|tty", group: "tty", mode: 0o666},
	{subsystem: "tty", kernel: "tty[0-9]*|hvc[0-9]*|sclp_line[0-9]*|ttysclp[0-9]*", group: "tty", mode: 0o620},
	{subsystem: "tty", kernel: "tty[A-Z]*[0-9]|ttymxc[0-9]*|rfcomm[0-9]*", group: "dialout", mode: 0o660},
	{subsystem: "ppp", mode: 0o600},
	{subsystem: "vc", kernel: "vcs*", group: "tty", mode: 0o660},

	// disks, discs, tapes
	{subsystem: "block", kernel: "sr[0-9]*|pktcdvd*", group: "cdrom", mode: 0o660},
	{subsystem: "block", group: "disk", mode: 0o660},
	{subsystem: "scsi_generic", attr: "device/type=4|5", group: "cdrom", mode: 0o660},
	{subsystem: "scsi_generic", attr: "device/type=1|8", group: "tape", mode: 0o660},
	{subsystem: "scsi_generic", attr: "device/type=0|14|20", group: "disk", mode: 0o660},
	{subsystem: "scsi_changer", group: "tape", mode: 0o660},
	{subsystem: "scsi_tape", group: "tape", mode: 0o660},
	{subsystem: "misc", kernel: "loop-control|btrfs-control", group: "disk", mode: 0o660},

	// open to everybody: the driver checks
	{subsystem: "misc", kernel: "fuse|vsock", mode: 0o666},
	{subsystem: "misc", kernel: "tun", mode: 0o666},
	{subsystem: "misc", kernel: "rfkill", mode: 0o664},
	{subsystem: "vfio", kernel: "vfio", mode: 0o666},
	{subsystem: "misc", kernel: "vfio", mode: 0o666},

	// virtual machines
	{subsystem: "misc", kernel: "kvm|vhost-net|vhost-vsock|udmabuf", group: "kvm", mode: 0o660},
	{subsystem: "virtio-ports", attr: "name=*", mode: 0o600, links: "virtio-ports/$attr"},

	// pictures and sound
	{subsystem: "drm", kernel: "renderD*", group: "render", mode: 0o660},
	{subsystem: "drm", group: "video", mode: 0o660},
	{subsystem: "accel", group: "render", mode: 0o660},
	{subsystem: "kfd", group: "render", mode: 0o660},
	{subsystem: "video4linux|graphics|dvb|media|cec", group: "video", mode: 0o660},
	{subsystem: "vchiq|dma_heap", group: "video", mode: 0o660},
	{kernel: "vchiq|vcio|vcsm-cma|vc-mem|rpivid-*", group: "video", mode: 0o660},
	{subsystem: "sound", group: "audio", mode: 0o660},

	// input
	{subsystem: "input", kernel: "js[0-9]*", group: "input", mode: 0o664},
	{subsystem: "input", group: "input", mode: 0o660},

	// printers and other USB devices
	{subsystem: "printer|ppdev", group: "lp", mode: 0o660},
	{subsystem: "usbmisc|usb", kernel: "lp[0-9]*", group: "lp", mode: 0o660},
	{subsystem: "usb", mode: 0o664},

	// clocks
	{subsystem: "rtc", attr: "hctosys=1", mode: 0o600, links: "rtc"},
	{subsystem: "rtc", mode: 0o600},
}
