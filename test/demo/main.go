// Command demo tells the story of a good and of a bad merge, live, on the cluster that it is started beside; see demo.sh.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/sluice-delivery/sluice/test/demo/story"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	interrupted := ctx.Err() != nil
	stop()
	if interrupted {
		fmt.Fprintln(os.Stderr, "demo: interrupted")
		os.Exit(130)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	o := story.Surroundings()
	flag.StringVar(&o.Work, "work", "", "folder for state and logs")
	keep := flag.Bool("keep", false, "a shell at the end, and everything goes on until it is left")
	picture := flag.String("picture", "", "write what was shown to this SVG file")
	flag.Parse()

	screen := story.NewScreen(os.Stdout)
	defer screen.Close()
	s, err := story.New(ctx, o, screen)
	if err != nil {
		return err
	}
	defer s.Close()
	screen.Live(s.Live)
	err = tell(ctx, s)
	told := screen.Lines()
	screen.Print("%s", s.Table())
	screen.Close()
	if err == nil && *picture != "" {
		err = os.WriteFile(*picture, story.Picture(append(told, "", s.Sums())), 0o644)
	}
	if *keep && ctx.Err() == nil {
		err = errors.Join(err, shell(o))
	}
	return err
}

func tell(ctx context.Context, s *story.Story) error {
	for _, p := range story.Points() {
		if err := s.Tell(ctx, p); err != nil {
			return fmt.Errorf("%w\nlogs: %s/log", err, s.Work)
		}
	}
	return nil
}

const hints = `
Everything goes on until you leave this shell. Try:
  kubectl argo rollouts get rollout payments-api -n production
  kubectl get application payments-api -n argocd -o yaml
  cd %s/clone && sed -i 's/newTag: .*/newTag: 1.4.4/' deploy/kustomization.yaml && git commit -am 'try again' && git push
  curl -H 'Host: payments.example.com' http://%s:8000/
`

// shell gives the terminal to a person. Ctrl-C is the shell's then: it makes a process group of its own.
func shell(o story.Options) error {
	fmt.Printf(hints, o.Work, cmp.Or(o.Address, "127.0.0.1"))
	command := exec.Command("/bin/bash", "--norc", "-i")
	if _, err := os.Stat(command.Path); err != nil {
		command = exec.Command("/bin/sh", "-i")
	}
	command.Env = append(os.Environ(), "PATH="+o.Bin+":"+os.Getenv("PATH"), "KUBECONFIG="+o.Kubeconfig,
		"PS1=sluice demo (kubectl argo rollouts get rollout payments-api -n production) $ ",
		"GIT_AUTHOR_NAME=You", "GIT_AUTHOR_EMAIL=you@example.com", "GIT_COMMITTER_NAME=You", "GIT_COMMITTER_EMAIL=you@example.com")
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Ctrl-C is the shell's now. Caught here and not ignored: what is ignored, and it is where a script started this in the
	// background, stays so in everything that the shell starts.
	signal.Reset(os.Interrupt)
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // the code of the last command typed
	}
	return err
}
