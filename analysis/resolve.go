package analysis

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Mask stands where the text of a secret would.
const Mask = "*****"

// Resolve puts the values of the arguments into every text of a metric (spec 5.2). Arguments that come from a Secret
// must have been supplied (see Supply, Masked).
func Resolve(metric v1alpha1.Metric, args []v1alpha1.Argument) (v1alpha1.Metric, error) {
	for _, arg := range args {
		if arg.Value == nil {
			return metric, fmt.Errorf("argument %q was not supplied", arg.Name)
		}
	}
	text, err := json.Marshal(metric)
	if err != nil {
		return metric, fmt.Errorf("encode metric: %w", err)
	}
	filled, err := fill(string(text), args)
	if err != nil {
		return metric, err
	}
	var resolved v1alpha1.Metric
	if err := json.Unmarshal([]byte(filled), &resolved); err != nil {
		return metric, fmt.Errorf("decode metric: %w", err)
	}
	return resolved, nil
}

// fill replaces {{args.name}} in a JSON text. Braces that are not closed within the same string are left alone.
func fill(text string, args []v1alpha1.Argument) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		tag, after, closed := strings.Cut(rest, "}}")
		out.WriteString(before)
		switch {
		case !found:
			return out.String(), nil
		case !closed || strings.Contains(tag, `"`):
			out.WriteString("{{")
			text = rest
			continue
		}
		name, ok := strings.CutPrefix(strings.TrimSpace(tag), "args.")
		arg := argument(args, name)
		if !ok || arg == nil {
			return "", fmt.Errorf("failed to resolve {{%s}}", tag)
		}
		value, err := json.Marshal(*arg.Value)
		if err != nil {
			return "", fmt.Errorf("encode argument %q: %w", name, err)
		}
		out.Write(value[1 : len(value)-1])
		text = after
	}
}

// Secret is the key of a Secret that an argument's value comes from; nil: it comes from elsewhere.
// With a value and a Secret both, the Secret counts.
func Secret(arg v1alpha1.Argument) *v1alpha1.SecretKeyRef {
	if arg.ValueFrom == nil {
		return nil
	}
	return arg.ValueFrom.SecretKeyRef
}

// Supply gives arguments that come from Secrets the values found there, by name of the argument.
func Supply(args []v1alpha1.Argument, secrets map[string]string) []v1alpha1.Argument {
	supplied := slices.Clone(args)
	for i, arg := range supplied {
		if Secret(arg) != nil {
			supplied[i].Value = nil
			if value, ok := secrets[arg.Name]; ok {
				supplied[i].Value = &value
			}
		}
	}
	return supplied
}

// Masked gives arguments that come from Secrets the mask as value: what may be shown.
func Masked(args []v1alpha1.Argument) []v1alpha1.Argument {
	masks := map[string]string{}
	for _, arg := range args {
		masks[arg.Name] = Mask
	}
	return Supply(args, masks)
}

// Hide replaces secrets in a text, also where they stand escaped in a URL or in quotes. Longer ones are replaced first,
// so that a secret which contains another one leaves nothing behind.
func Hide(text string, secrets []string) string {
	var forms []string
	for _, secret := range secrets {
		quoted, err := json.Marshal(secret)
		forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(fmt.Sprintf("%q", secret), `"`))
		if err == nil {
			forms = append(forms, string(quoted[1:len(quoted)-1]))
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	for _, form := range forms {
		if form != "" {
			text = strings.ReplaceAll(text, form, Mask)
		}
	}
	return text
}

// unresolvable is the message of a run whose arguments have no values.
func unresolvable(err error) error {
	return fmt.Errorf("Unable to resolve metric arguments: %w", err)
}

// Unresolvable is the outcome of a run whose arguments, or their Secrets, have no values (spec 5.3).
func Unresolvable(run *v1alpha1.AnalysisRun, err error) Outcome {
	return Refuse(run, unresolvable(err).Error())
}

// MissingKey is the error of a Secret without the key that an argument names (spec 5.2).
func MissingKey(ref v1alpha1.SecretKeyRef) error {
	return errors.New("key '" + ref.Key + "' does not exist in secret '" + ref.Name + "'")
}
