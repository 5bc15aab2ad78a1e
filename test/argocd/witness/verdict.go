package witness

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
)

// verdicts is the metrics system: a success rate for each namespace.
type verdicts struct {
	server *http.Server
	url    string
	mutex  sync.Mutex
	bad    map[string]bool
}

const badRate = "0.82"

func serveVerdicts() (*verdicts, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	v := &verdicts{url: "http://" + listener.Addr().String(), bad: map[string]bool{}}
	v.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mutex.Lock()
		bad := v.bad[strings.Trim(r.URL.Path, "/")]
		v.mutex.Unlock()
		rate := "1"
		if bad {
			rate = badRate
		}
		fmt.Fprintf(w, `{"rate": %s}`, rate)
	})}
	go func() { _ = v.server.Serve(listener) }() // ends when it is closed
	return v, nil
}

// set makes the analyses of a namespace fail, or pass.
func (v *verdicts) set(namespace string, bad bool) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.bad[namespace] = bad
}

func (v *verdicts) Close() { _ = v.server.Close() }
