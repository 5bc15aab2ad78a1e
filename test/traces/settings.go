package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-delivery/sluice/test/traces/stage"
	"github.com/sluice-delivery/sluice/test/traces/story"
)

// settings are the flags of all commands.
type settings struct {
	record     bool
	kubeconfig string
	crds       string
	controller string
	log        string
	run        *regexp.Regexp
	except     string
	later      []*later
	parallel   int
	times      int
	add        bool
	again      int
	json       string
	cases      string
	recorded   string
	stage      stage.Options
}

func parseFlags(command string, args []string) (settings, error) {
	s := settings{record: command == "record"}
	s.stage.Strict = s.record
	flags := flag.NewFlagSet("traces "+command, flag.ExitOnError)
	flags.StringVar(&s.cases, "cases", "cases", "`folder` with the cases")
	flags.StringVar(&s.recorded, "recorded", "", "`folder` with the recordings (default: \"recorded\" beside the cases)")
	pattern := flags.String("run", "", "only cases whose name matches this `regexp`")
	leftOut := flags.String("later", "", "`file` with cases to leave out, and why")
	if command != "list" {
		flags.StringVar(&s.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "`file` with the way to the cluster")
		flags.StringVar(&s.crds, "crds", "", "`folder` with CRDs to apply first")
		flags.StringVar(&s.controller, "controller", "", "`command` that starts the controller, with {{kubeconfig}} in it; empty: one is running")
		flags.StringVar(&s.log, "log", "", "`file` for the output of the controller (default: a temporary file)")
		flags.StringVar(&s.except, "except", "", "`file` with differences that are accepted")
		flags.IntVar(&s.parallel, "parallel", 4, "cases played at the same time")
		flags.StringVar(&s.json, "json", "", "`file` for the results")
		flags.DurationVar(&s.stage.Quiet, "quiet", 2500*time.Millisecond, "a namespace without changes for so long has settled")
		flags.DurationVar(&s.stage.Patient, "patient", time.Minute, "a settle step takes no longer than this")
		flags.BoolVar(&s.stage.Keep, "keep", false, "leave the namespaces behind")
	}
	if command == "play" {
		flags.IntVar(&s.again, "again", 1, "times that a case with differences is played once more; one clean run passes")
	}
	if s.record {
		flags.IntVar(&s.times, "times", 3, "runs of each case")
		flags.BoolVar(&s.add, "add", false, "keep the runs recorded before and add the new ones to them")
	}
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected %q", flags.Arg(0))
	}
	s.recorded = cmp.Or(s.recorded, filepath.Join(filepath.Dir(filepath.Clean(s.cases)), "recorded"))
	if command != "list" && s.kubeconfig == "" {
		return settings{}, errors.New("-kubeconfig is missing")
	}
	var err error
	if *leftOut != "" {
		if s.later, err = loadLater(*leftOut); err != nil {
			return settings{}, err
		}
	}
	s.run, err = regexp.Compile(*pattern)
	return s, err
}

// selected are the cases to work on, each one checked.
func (s settings) selected() ([]story.Source, []story.Case, error) {
	sources, err := story.Load(s.cases)
	if err != nil {
		return nil, nil, err
	}
	sources = slices.DeleteFunc(sources, func(source story.Source) bool { return !s.run.MatchString(source.Name) })
	sources = leaveOut(sources, s.later)
	if len(sources) == 0 {
		return nil, nil, fmt.Errorf("no case in %s matches", s.cases)
	}
	var cases []story.Case
	var mistakes []string
	for _, source := range sources {
		c, err := source.Check()
		if err != nil {
			mistakes = append(mistakes, err.Error())
		}
		cases = append(cases, c)
	}
	if mistakes != nil {
		return nil, nil, errors.New(strings.Join(mistakes, "\n"))
	}
	return sources, cases, nil
}

func (s settings) file(name string) string { return filepath.Join(s.recorded, name+".yaml") }
