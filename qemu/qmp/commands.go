package qmp

import (
	"context"
	"encoding/json"
	"maps"
)

// Props are the properties of a device or block node.
type Props map[string]any

// DeviceAdd plugs a device in.
func (c *Client) DeviceAdd(ctx context.Context, driver, id string, props Props) error {
	args := Props{"driver": driver, "id": id}
	maps.Copy(args, props)
	return c.Execute(ctx, "device_add", args, nil)
}

// DeviceDel pulls a device out and waits until the guest has let go of it.
func (c *Client) DeviceDel(ctx context.Context, id string) error {
	from := c.Mark()
	if err := c.Execute(ctx, "device_del", Props{"id": id}, nil); err != nil {
		return err
	}
	_, _, err := c.WaitEvent(ctx, from, func(e Event) bool {
		return e.Name == "DEVICE_DELETED" && e.Text("device") == id
	})
	return err
}

// BlockdevAdd makes the block node name from driver and props.
func (c *Client) BlockdevAdd(ctx context.Context, driver, name string, props Props) error {
	args := Props{"driver": driver, "node-name": name}
	maps.Copy(args, props)
	return c.Execute(ctx, "blockdev-add", args, nil)
}

// BlockdevDel removes a block node that no device uses.
func (c *Client) BlockdevDel(ctx context.Context, name string) error {
	return c.Execute(ctx, "blockdev-del", Props{"node-name": name}, nil)
}

// SystemPowerdown presses the machine's power button.
func (c *Client) SystemPowerdown(ctx context.Context) error {
	return c.Execute(ctx, "system_powerdown", nil, nil)
}

// SystemReset presses the machine's reset button.
func (c *Client) SystemReset(ctx context.Context) error {
	return c.Execute(ctx, "system_reset", nil, nil)
}

// Stop freezes the machine's processors.
func (c *Client) Stop(ctx context.Context) error { return c.Execute(ctx, "stop", nil, nil) }

// Cont lets a stopped machine go on.
func (c *Client) Cont(ctx context.Context) error { return c.Execute(ctx, "cont", nil, nil) }

// Quit ends the QEMU process.
func (c *Client) Quit(ctx context.Context) error { return c.Execute(ctx, "quit", nil, nil) }

// Query runs a query command and returns its result as QEMU wrote it.
func (c *Client) Query(ctx context.Context, command string, args any) (json.RawMessage, error) {
	var result json.RawMessage
	err := c.Execute(ctx, command, args, &result)
	return result, err
}

// Status returns query-status' status: running, paused, shutdown ...
func (c *Client) Status(ctx context.Context) (string, error) {
	var result struct {
		Status string `json:"status"`
	}
	err := c.Execute(ctx, "query-status", nil, &result)
	return result.Status, err
}
