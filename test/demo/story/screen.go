package story

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Screen shows the story while it goes on. What was observed stays; on a terminal a few lines below it are drawn anew.
type Screen struct {
	out   io.Writer
	width int // 0: no terminal
	start time.Time

	mutex sync.Mutex
	lines []string // all that stayed
	live  func() []string
	drawn int
	ended chan struct{}
}

// NewScreen writes to a file; only a terminal gets the live lines.
func NewScreen(out *os.File) *Screen {
	s := &Screen{out: out, start: time.Now(), ended: make(chan struct{})}
	if size, err := unix.IoctlGetWinsize(int(out.Fd()), unix.TIOCGWINSZ); err == nil && os.Getenv("TERM") != "dumb" {
		s.width = max(40, int(size.Col))
	}
	return s
}

// Live draws what a function says, several times a second, until Close.
func (s *Screen) Live(lines func() []string) {
	s.mutex.Lock()
	s.live = lines
	s.mutex.Unlock()
	if s.width == 0 {
		return
	}
	go func() {
		for {
			select {
			case <-s.ended:
				return
			case <-time.After(200 * time.Millisecond):
				now := lines() // asks the cluster: not while the screen is held
				s.mutex.Lock()
				s.redraw(now)
				s.mutex.Unlock()
			}
		}
	}()
}

// Print adds lines that stay.
func (s *Screen) Print(format string, values ...any) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.redraw(nil)
	for line := range strings.SplitSeq(strings.TrimRight(fmt.Sprintf(format, values...), "\n"), "\n") {
		s.lines = append(s.lines, line)
		fmt.Fprintln(s.out, line)
	}
}

// Lines are all that stayed so far.
func (s *Screen) Lines() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]string(nil), s.lines...)
}

// Close ends the live lines.
func (s *Screen) Close() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	select {
	case <-s.ended:
	default:
		close(s.ended)
		s.redraw(nil)
	}
}

// redraw replaces the live lines.
func (s *Screen) redraw(lines []string) {
	if s.width == 0 {
		return
	}
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
	}
	s.drawn = 0
	select {
	case <-s.ended:
		return
	default:
	}
	for _, line := range lines {
		if r := []rune(line); len(r) >= s.width {
			line = string(r[:s.width-1])
		}
		fmt.Fprintln(s.out, line)
		s.drawn++
	}
}
