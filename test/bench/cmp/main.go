// Command cmp measures our plugin server beside Argo CD's own, which runs a kustomize process per request, in one run:
// CPU per request, latency with one and with eight clients, memory, and a hard refresh of 64 applications.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	ours := flag.String("ours", "bin/cmp-server", "our server")
	stock := flag.String("stock", "", "folder with argocd-cmp-server and kustomize")
	source := flag.String("source", "testdata/sources/ten", "the ten resources")
	requests := flag.Int("requests", 120, "requests of each measurement")
	applications := flag.Int("applications", 64, "applications of the hard refresh; 0: none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *ours, *stock, *source, *requests, *applications); err != nil {
		fmt.Fprintln(os.Stderr, "bench-cmp:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, ours, stock, source string, requests, applications int) error {
	folder, err := os.MkdirTemp("", "cmp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ten, err := read(source)
	if err != nil {
		return err
	}
	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	s, err := startStock(ctx, filepath.Join(folder, "stock"), stock)
	if err != nil {
		return err
	}
	servers = append(servers, s)
	if s, err = startOurs(ctx, filepath.Join(folder, "ours"), ours); err != nil {
		return err
	}
	servers = append(servers, s)

	fmt.Printf("ten resources, kustomize; %d requests each; load of the machine %s\n", requests, load())
	fmt.Printf("%-34s %13s %13s %13s %13s\n", "", "CPU/request", "p50 1 client", "p50 8 clients", "requests/s 8")
	for _, s := range servers {
		names := []string{"fresh"}
		if s.caches {
			names = append(names, "cached")
		}
		for _, name := range names {
			if err := tenOf(ctx, s, name, ten, requests); err != nil {
				return err
			}
		}
	}
	for _, s := range servers {
		fmt.Printf("%-34s peak memory %d MiB (with the largest kustomize process: %d MiB)\n", s.name, s.peak()>>10, (s.peak()+s.children())>>10)
	}
	if applications == 0 {
		return nil
	}
	return refresh(ctx, servers, ten, applications)
}

// tenOf measures one way: fresh archives differ in a file that is read, cached ones are the same.
func tenOf(ctx context.Context, s *server, way string, ten map[string]string, requests int) error {
	var number atomic.Int64
	one := func() error {
		n := number.Add(1)
		files := ten
		if way == "fresh" {
			files = with(ten, "rollout.yaml", fmt.Sprintf("# %s %d\n", s.name, n)+ten["rollout.yaml"])
		}
		return s.generate(ctx, ".", pack(files), 10)
	}
	for range 10 { // warm
		if err := one(); err != nil {
			return err
		}
	}
	before := s.cpu()
	alone, err := measure(1, requests, one)
	if err != nil {
		return err
	}
	used := s.cpu() - before
	start := time.Now()
	eight, err := measure(8, 2*requests, one)
	if err != nil {
		return err
	}
	rate := float64(2*requests) / time.Since(start).Seconds()
	fmt.Printf("%-34s %10.2f ms %10.2f ms %10.2f ms %13.0f\n", s.name+", "+way, ms(used)/float64(requests), ms(median(alone)), ms(median(eight)), rate)
	return nil
}

// refresh is what a hard refresh of all applications of one repository asks of a plugin.
func refresh(ctx context.Context, servers []*server, ten map[string]string, applications int) error {
	const all = 3000
	files := map[string]string{}
	for i := range applications {
		for name, content := range ten {
			files[fmt.Sprintf("apps/app%02d/%s", i, name)] = strings.ReplaceAll(content, "namePrefix: eu-", fmt.Sprintf("namePrefix: eu%02d-", i))
		}
	}
	for i := 0; len(files) < all; i++ {
		files[fmt.Sprintf("docs/%d/page%d.md", i%50, i)] = prose(i)
	}
	archive := pack(files)
	fmt.Printf("\n%d applications in one repository of %d files (archive %d KiB), 8 at once, hard refresh of all\n", applications, len(files), len(archive)>>10)
	for _, s := range servers {
		rounds := []string{"first"}
		if s.caches {
			rounds = append(rounds, "again", "after a commit in docs/")
		}
		for _, round := range rounds {
			if round == "after a commit in docs/" {
				archive = pack(with(files, "docs/0/page0.md", "changed\n"))
			}
			before, start := s.cpu(), time.Now()
			var next atomic.Int64
			_, err := measure(8, applications, func() error {
				return s.generate(ctx, fmt.Sprintf("apps/app%02d", next.Add(1)-1), archive, 10)
			})
			if err != nil {
				return err
			}
			fmt.Printf("%-50s %8.2f s %8.2f s CPU\n", s.name+", "+round, time.Since(start).Seconds(), (s.cpu() - before).Seconds())
		}
		fmt.Printf("%-50s peak memory %d MiB\n", s.name, s.peak()>>10)
	}
	return nil
}

// prose is text that compresses as text does.
func prose(seed int) string {
	words := strings.Fields("the canary receives a share of all requests until analysis has measured what it wants and then promotion goes on or everything is taken back")
	var b strings.Builder
	for state := uint32(seed + 1); b.Len() < 1200; {
		state = state*1664525 + 1013904223
		fmt.Fprintf(&b, "%s %d ", words[(state>>16)%uint32(len(words))], state>>24)
	}
	return b.String()
}

// measure calls from several clients and returns how long each call took.
func measure(clients, calls int, call func() error) ([]time.Duration, error) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var left atomic.Int64
	left.Store(int64(calls))
	for range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for left.Add(-1) >= 0 {
				start := time.Now()
				err := call()
				mu.Lock()
				if took = append(took, time.Since(start)); err != nil {
					failed = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		}()
	}
	wait.Wait()
	return took, failed
}
