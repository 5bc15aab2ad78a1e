package deliver

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/argoproj/notifications-engine/pkg/services"
	enginehttp "github.com/argoproj/notifications-engine/pkg/util/http"
)

// webhook calls a URL. It takes the place of the engine's, which writes each URL to the error output, tokens in it
// included, and repeats by itself; who calls Send repeats.
type webhook struct {
	options services.WebhookOptions
	client  *http.Client
}

const (
	webhookLimit = 30 * time.Second
	answerLimit  = 1 << 10 // bytes of an answer that an error shows
)

func isWebhook(key string) bool {
	return key == "service.webhook" || strings.HasPrefix(key, "service.webhook.")
}

func newWebhook(options []byte) (*webhook, error) {
	w := &webhook{}
	if err := json.Unmarshal(options, &w.options); err != nil {
		return nil, err
	}
	w.client = &http.Client{Timeout: webhookLimit,
		Transport: enginehttp.NewTransport(w.options.TransportOptions, w.options.URL, w.options.InsecureSkipVerify)}
	return w, nil
}

// Send implements services.NotificationService. Method, path and body are those that the template has for the service;
// without them it is a GET with the message as its body.
func (w *webhook) Send(n services.Notification, to services.Destination) error {
	method, url, body := http.MethodGet, w.options.URL, n.Message
	if own, ok := n.Webhook[to.Service]; ok {
		method, body = cmp.Or(own.Method, method), own.Body
		if own.Path != "" {
			url = strings.TrimRight(url, "/") + "/" + strings.TrimLeft(own.Path, "/")
		}
	}
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	for _, h := range w.options.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	if a := w.options.BasicAuth; a != nil {
		request.SetBasicAuth(a.Username, a.Password)
	}
	answer, err := w.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, strings.TrimSpace(string(text)))
	}
	return err
}
