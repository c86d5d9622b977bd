package devtest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

func TestScenarios(t *testing.T) {
	update := flag.Lookup("update") != nil && flag.Lookup("update").Value.String() == "true"
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			story, err := NewStory(text)
			if err != nil {
				t.Fatal(err)
			}
			archive, err := story.Run()
			if update {
				err = os.WriteFile(file, txtar.Format(archive), 0o644)
			}
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
		})
	}
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the want files of the scenarios")
	flag.Parse()
	os.Exit(m.Run())
}

func TestScenarioCanFail(t *testing.T) {
	for name, text := range map[string]string{
		"a wrong want":       "coldplug\nshow\n-- sys.tree --\ndev /devices/a mem MAJOR=1 MINOR=3 DEVNAME=null\n-- want.1 --\nnothing\n",
		"a want too many":    "-- want.1 --\nx\n",
		"an unknown command": "dance\n",
	} {
		story, err := NewStory([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := story.Run(); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}
