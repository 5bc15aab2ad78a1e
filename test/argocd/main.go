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
	if err == nil {
		err = w.WritePages(os.Getenv("WITNESS_PAGES"))
	}
	if err != nil {
		err = fmt.Errorf("%w\nlogs: %s/log", err, o.Work)
	}
	return err
}
