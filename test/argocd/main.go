// Command argocd shows, live, what a real Argo CD says of rollouts and rollbacks, with Sluice and without; see run.sh.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-delivery/sluice/test/argocd/witness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "argocd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	o := witness.FromEnvironment()
	o.Print = func(line string) { fmt.Println(line) }
	pages := flag.String("pages", "", "files, separated by commas, that get what was seen between their marks")
	points := flag.String("points", "", "tell only these points, and 0 before them; e.g. 2,3")
	flag.Parse()
	w, err := witness.New(o)
	if err != nil {
		return err
	}
	defer w.Close()
	for _, p := range witness.Points() {
		if *points != "" && p.Number != 0 && !strings.Contains(","+*points+",", fmt.Sprintf(",%d,", p.Number)) {
			continue
		}
		begin := time.Now()
		fmt.Printf("\n%2d  %s\n", p.Number, p.Title)
		if failed := p.Tell(w, ctx); failed != nil {
			fmt.Printf("    ✘ %v\n", failed)
			err = errors.Join(err, fmt.Errorf("point %d: %w", p.Number, failed))
			if p.Number == 0 || ctx.Err() != nil {
				break
			}
		}
		fmt.Printf("    %.1f s\n", time.Since(begin).Seconds())
	}
	fmt.Printf("\n%s\n%s", strings.Join(w.Figures, "\n"), "\n"+w.Table())
	if err == nil && *pages != "" {
		for _, page := range strings.Split(*pages, ",") {
			err = errors.Join(err, write(page, map[string]string{"states": w.States(), "table": w.Table(), "figures": "- " + strings.Join(w.Figures, "\n- ") + "\n"}))
		}
	}
	if err != nil {
		err = fmt.Errorf("%w\nlogs: %s/log", err, o.Work)
	}
	return err
}

// write replaces what is between the marks <!-- name --> and <!-- /name --> of a page.
func write(page string, content map[string]string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	out := string(text)
	for name, what := range content {
		before, rest, found := strings.Cut(out, "<!-- "+name+" -->\n")
		_, after, closed := strings.Cut(rest, "<!-- /"+name+" -->")
		if found && closed {
			out = before + "<!-- " + name + " -->\n" + what + "<!-- /" + name + " -->" + after
		}
	}
	return os.WriteFile(page, []byte(out), 0o644)
}
