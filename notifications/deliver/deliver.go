// Package deliver is the only door to the notifications engine. It turns a ConfigMap and a Secret (spec 11.7) into
// services, triggers and templates, evaluates triggers, renders templates and hands what they say to Slack, mail
// servers, webhooks and the other services. Who is told and what was told already is decided in package
// notifications; queues, repetition and logs are the shell's matter. No error that leaves it shows a secret.
package deliver

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/argoproj/notifications-engine/pkg/api"
	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/argoproj/notifications-engine/pkg/templates"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/notifications"
)

// Names of the configuration, in the controller's namespace and, with self-service, in a Rollout's.
const (
	ConfigMapName = "argo-rollouts-notification-configmap"
	SecretName    = "argo-rollouts-notification-secret"
)

// A Door is one configuration, read. It does not change; a new configuration is a new Door.
type Door struct {
	namespace string
	services  map[string]services.NotificationService
	triggers  map[string][]condition
	templates templates.Service
	sources   map[string]services.Notification
	settings  notifications.Settings
	secrets   map[string]string
	redact    redactor
}

// quiet silences the engine's own log: at its finest level it holds whole requests, credentials and all. What it
// would say is said by the errors that this package returns.
var quiet = sync.OnceFunc(func() { logrus.SetOutput(io.Discard) })

// Open reads a configuration. Each key is read for itself: one that cannot be is left out and is one of the problems,
// and the others hold. A service whose Secret lacks a key is kept, and is a problem too. secret may be nil.
func Open(config *corev1.ConfigMap, secret *corev1.Secret) (*Door, []error) {
	quiet()
	if secret == nil {
		secret = &corev1.Secret{}
	}
	d := &Door{namespace: config.Namespace, services: map[string]services.NotificationService{}, triggers: map[string][]condition{},
		sources: map[string]services.Notification{}, secrets: map[string]string{}, redact: newRedactor(secret.Data, config.Data)}
	for key, value := range secret.Data {
		d.secrets[key] = string(value)
	}
	var problems []error
	d.settings.ServiceDefaults = map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(config.Data)) {
		if err := d.read(key, config, secret); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", key, d.clean(err)))
		}
	}
	all, err := templates.NewService(d.sources)
	if err != nil { // each was tried alone before
		return nil, append(problems, d.clean(err))
	}
	d.templates = all
	return d, problems
}

// read takes in one key.
func (d *Door) read(key string, config *corev1.ConfigMap, secret *corev1.Secret) (err error) {
	defer d.survive(&err)
	alone := &corev1.ConfigMap{ObjectMeta: config.ObjectMeta, Data: map[string]string{key: config.Data[key]}}
	parsed, err := api.ParseConfig(alone, secret)
	if err != nil {
		return err
	}
	if _, err := templates.NewService(parsed.Templates); err != nil {
		return err
	}
	maps.Copy(d.sources, parsed.Templates)
	for name, list := range parsed.Triggers {
		compiled, err := compile(list)
		if err != nil {
			return err
		}
		d.triggers[name] = compiled
	}
	for name, make := range parsed.Services {
		if err := d.serve(name, key, config.Data[key], secret, make); err != nil {
			return err
		}
	}
	for _, s := range parsed.Subscriptions {
		d.settings.Global = append(d.settings.Global, notifications.Subscription{Recipients: s.Recipients, Triggers: s.Triggers, Selector: s.Selector})
	}
	if parsed.DefaultTriggers != nil {
		d.settings.DefaultTriggers = parsed.DefaultTriggers
	}
	maps.Copy(d.settings.ServiceDefaults, parsed.ServiceDefaultTriggers)
	return nil
}

// serve takes in a service.
func (d *Door) serve(name, key, text string, secret *corev1.Secret, make api.ServiceFactory) error {
	options, missing, err := resolve(text, secret.Data)
	if err != nil {
		return err
	}
	if isWebhook(key) {
		make = func() (services.NotificationService, error) { return newWebhook(options) }
	}
	s, err := make()
	if err != nil {
		return err
	}
	d.services[name] = s
	if len(missing) > 0 {
		return fmt.Errorf("the secret %s has no key %q", SecretName, missing)
	}
	return nil
}

// Settings say who is told without an annotation.
func (d *Door) Settings() notifications.Settings { return d.settings }

// Triggers are the names of the triggers, sorted.
func (d *Door) Triggers() []string { return slices.Sorted(maps.Keys(d.triggers)) }

// Services are the names of the services, sorted.
func (d *Door) Services() []string { return slices.Sorted(maps.Keys(d.services)) }

// ErrHopeless is what an error wraps that no repetition will mend: the configuration has to change first.
var ErrHopeless = errors.New("not tried again")

// Send renders templates, in their order, into one notification and hands it to a service. It returns when the service
// has taken it or refused; services of the engine have no limit of time. Errors show no secret.
func (d *Door) Send(variables map[string]any, names []string, to notifications.Destination) (err error) {
	defer d.survive(&err)
	service, known := d.services[to.Service]
	if !known {
		return fmt.Errorf("service %q is not configured: %w", to.Service, ErrHopeless)
	}
	vars := d.variables(variables)
	vars["serviceType"], vars["recipient"] = to.Service, to.Recipient
	n, err := d.templates.FormatNotification(vars, names...)
	if err != nil {
		return fmt.Errorf("%w: %w", d.clean(err), ErrHopeless)
	}
	if err := service.Send(*n, services.Destination{Service: to.Service, Recipient: to.Recipient}); err != nil {
		if !services.HandleSendError(err, logrus.NewEntry(logrus.StandardLogger())) {
			return fmt.Errorf("%w: %w", d.clean(err), ErrHopeless)
		}
		return d.clean(err)
	}
	return nil
}

func (d *Door) variables(of map[string]any) map[string]any {
	vars := maps.Clone(of)
	if vars == nil {
		vars = map[string]any{}
	}
	vars["secrets"] = d.secrets
	return vars
}

// survive makes a panic of a service, which is a library of its own, an error of that service.
func (d *Door) survive(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %s: %w", d.redact.text(fmt.Sprint(p)), ErrHopeless)
	}
}

// clean drops the chain of an error together with the secrets in its text: what it wraps could show them.
func (d *Door) clean(err error) error { return errors.New(d.redact.text(err.Error())) }
