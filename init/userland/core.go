package main

import (
	"context"

	"github.com/u-root/u-root/pkg/core"
	"github.com/u-root/u-root/pkg/core/base64"
	"github.com/u-root/u-root/pkg/core/cat"
	"github.com/u-root/u-root/pkg/core/chmod"
	"github.com/u-root/u-root/pkg/core/cp"
	"github.com/u-root/u-root/pkg/core/find"
	"github.com/u-root/u-root/pkg/core/mkdir"
	"github.com/u-root/u-root/pkg/core/mktemp"
	"github.com/u-root/u-root/pkg/core/mv"
	"github.com/u-root/u-root/pkg/core/rm"
	"github.com/u-root/u-root/pkg/core/shasum"
	"github.com/u-root/u-root/pkg/core/tar"
	"github.com/u-root/u-root/pkg/core/touch"
	"github.com/u-root/u-root/pkg/core/xargs"

	"slashdev/init/userland/tool"
)

// coreApplets are u-root's commands. They run as processes of their own, so
// that Ctrl-C ends them wherever they wait.
func coreApplets() []tool.Applet {
	return []tool.Applet{
		uroot("base64", "[-d] [FILE]", "encode or decode base64", base64.New),
		uroot("cat", "[-u] [FILE...]", "print files", cat.New),
		uroot("chmod", "[-R] MODE FILE...", "change permissions, MODE in octal or like u+x", chmod.New),
		uroot("cp", "[-rfiP] FROM... TO", "copy files", cp.New),
		uroot("find", "[-l] [-name PATTERN] [-type f|d|l|b|c|p|s] [-mode OCTAL] DIR", "find files", find.New),
		uroot("mkdir", "[-p] [-m MODE] DIR...", "make directories", mkdir.New),
		uroot("mktemp", "[-d] [-p DIR] [TEMPLATE]", "make a temporary file or directory", mktemp.New),
		uroot("mv", "[-nu] FROM... TO", "move or rename files", mv.New),
		uroot("rm", "[-rfiv] FILE...", "remove files", rm.New),
		uroot("shasum", "[-a 1|256|512] [FILE...]", "print checksums", shasum.New),
		uroot("tar", "-c|-x|-t [-f FILE] [NAME...]", "pack and unpack archives", tar.New),
		uroot("touch", "[-c] FILE...", "make empty files, set their time", touch.New),
		uroot("xargs", "[-n MAX] [-t] COMMAND", "run a command with arguments from input", xargs.New),
	}
}

func uroot(name, use, summary string, command func() core.Command) tool.Applet {
	run := func(ctx context.Context, e *tool.Env, args []string) error {
		c := command()
		c.SetIO(e.In, e.Out, e.Err)
		c.SetWorkingDir(e.Dir)
		c.SetLookupEnv(func(key string) (string, bool) {
			v := e.Getenv(key)
			return v, v != ""
		})
		return c.RunContext(ctx, args...)
	}
	return tool.Applet{Name: name, Use: use, Summary: summary, Plain: true, Run: run}
}
