package daemon

import (
	"os"

	"slashdev/devmgr/uevent"
)

// refuseFirmware answers a driver that waits for firmware which the kernel has
// not found where firmware is: the image has no other place for it, and
// without an answer the driver waits for a minute (U-14).
func (d *daemon) refuseFirmware(ev uevent.Event) {
	if ev.Subsystem != "firmware" || ev.Action != uevent.Add {
		return
	}
	file, err := os.OpenFile(d.cfg.Sys+ev.DevPath+"/loading", os.O_WRONLY, 0)
	if err != nil {
		return // it has given up
	}
	defer file.Close()
	if _, err := file.WriteString("-1"); err == nil {
		d.warnf("firmware %q is not in this image: its driver goes on without", ev.Env.Get("FIRMWARE"))
	}
}
