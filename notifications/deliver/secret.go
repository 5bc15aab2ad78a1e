package deliver

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// reference is how the configuration of a service names a key of the Secret.
var reference = regexp.MustCompile(`[$][\w-]+`)

// sensitive names an option of a service whose value is nobody's business, wherever it was written.
var sensitive = regexp.MustCompile(`(?i)token|password|secret|key|credential`)

// resolve puts the values of a Secret in the place of their references, as the engine does. The answer is JSON.
func resolve(text string, secret map[string][]byte) (options []byte, missing []string, err error) {
	tree, err := parse(text)
	if err != nil {
		return nil, nil, err
	}
	tree = walk(tree, "", func(_, value string) string {
		return reference.ReplaceAllStringFunc(value, func(ref string) string {
			v, ok := secret[ref[1:]]
			if !ok {
				missing = append(missing, ref[1:])
				return ref
			}
			return string(v)
		})
	})
	options, err = json.Marshal(tree)
	return options, missing, err
}

func parse(text string) (tree any, err error) {
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	return tree, nil
}

// walk replaces each text of a tree; key is that of the map it is in, or that the list it is in has there.
func walk(tree any, key string, replace func(key, value string) string) any {
	switch t := tree.(type) {
	case string:
		return replace(key, t)
	case []any:
		for i := range t {
			t[i] = walk(t[i], key, replace)
		}
	case map[string]any:
		for k := range t {
			below := k
			if key == "headers" && k == "value" { // of any header
				below = "secret"
			}
			t[k] = walk(t[k], below, replace)
		}
	}
	return tree
}

// credentials are the names and the secret values in the configuration of a service. One that is not readable has none:
// it is left out, and told of without its text.
func credentials(text string, secret map[string][]byte) (users, values []string) {
	options, missing, err := resolve(text, secret)
	if err != nil {
		return nil, nil
	}
	tree, err := parse(string(options))
	if err != nil {
		return nil, nil
	}
	walk(tree, "", func(key, value string) string {
		switch {
		case strings.EqualFold(key, "username") || strings.EqualFold(key, "user"):
			users = append(users, value)
		case sensitive.MatchString(key) && !slices.Contains(missing, strings.TrimPrefix(value, "$")):
			values = append(values, value)
		}
		return value
	})
	return users, values
}

// A redactor takes secrets out of texts.
type redactor struct{ replace *strings.Replacer }

const hidden = "***"

// newRedactor knows the values of a Secret and those that were written into the configuration itself, in plain and in
// the forms in which a request or an error may show them.
func newRedactor(secret map[string][]byte, config map[string]string) redactor {
	forms := map[string]bool{}
	add := func(value string) {
		for _, v := range []string{value, strings.TrimSpace(value)} {
			quoted := fmt.Sprintf("%q", v)
			for _, form := range []string{v, quoted[1 : len(quoted)-1], url.QueryEscape(v), url.PathEscape(v), base64.StdEncoding.EncodeToString([]byte(v))} {
				forms[form] = form != ""
			}
		}
	}
	for _, value := range secret {
		add(string(value))
	}
	for key, text := range config {
		if !strings.HasPrefix(key, "service.") {
			continue
		}
		users, values := credentials(text, secret)
		for _, value := range values {
			add(value)
			for _, user := range users { // as HTTP and SMTP send them
				for _, pair := range []string{user + ":" + value, "\x00" + user + "\x00" + value} {
					forms[base64.StdEncoding.EncodeToString([]byte(pair))] = true
				}
			}
		}
	}
	var ordered []string
	for form, use := range forms {
		if use {
			ordered = append(ordered, form)
		}
	}
	// The longest first: a secret may begin like another.
	slices.SortFunc(ordered, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, form := range ordered {
		pairs = append(pairs, form, hidden)
	}
	return redactor{strings.NewReplacer(pairs...)}
}

func (r redactor) text(s string) string { return r.replace.Replace(s) }
