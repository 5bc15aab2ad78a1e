package istio

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// weigh writes the weights into every route that carries them. It also tells whether the canary's share became
// smaller in any of them.
func (x *Router) weigh(found []virtualService, want traffic.Split) (events []traffic.Event, lowers bool, err error) {
	canary, stable := want.Names(false)
	s := x.shares(want, canary, stable)
	for _, v := range found {
		changed := false
		routes, err := x.weighted(v, want.Owned())
		if err != nil {
			return nil, false, err
		}
		for _, route := range routes {
			if err := s.check(route); err != nil {
				return nil, false, err
			}
		}
		mirrors, err := mirrors(v, want.Owned())
		if err != nil {
			return nil, false, err
		}
		for _, route := range append(routes, mirrors...) {
			before, _, err := s.read(route)
			if err != nil {
				return nil, false, err
			}
			edited, err := s.write(route, isMirror(route))
			if err != nil {
				return nil, false, err
			}
			changed, lowers = changed || edited, lowers || before > int64(want.Weight)
		}
		if changed {
			events = append(events, tell(v1alpha1.EventVirtualServiceUpdated, "VirtualService `%s` set to desiredWeight '%d'", v.name, want.Weight))
		}
	}
	return events, lowers, nil
}

// mirrors are the managed routes of a VirtualService that mirror: they carry the weights too.
func mirrors(v virtualService, managed []string) (routes []map[string]any, err error) {
	http, err := traffic.Items(v.spec, kindHTTP)
	for _, route := range http {
		if name, _ := route["name"].(string); route["mirror"] != nil && slices.Contains(managed, name) {
			routes = append(routes, route)
		}
	}
	return routes, err
}

// shares says which destination gets which weight.
type shares struct {
	canary, stable             string // Services
	canarySubset, stableSubset string // empty when weights are split between hosts
	extraSubsets               []string
	additional                 map[string]int64 // by Service
	weight, total              int64
}

func (x *Router) shares(want traffic.Split, canary, stable string) shares {
	s := shares{canary: canary, stable: stable, weight: int64(want.Weight), total: int64(want.Total()), additional: map[string]int64{}}
	if x.rule != nil {
		s.canarySubset, s.stableSubset, s.extraSubsets = x.rule.CanarySubsetName, x.rule.StableSubsetName, x.rule.AdditionalSubsetNames
	}
	for _, d := range want.Additional {
		if d.Service != "" {
			s.additional[d.Service] = int64(d.Weight)
		}
	}
	return s
}

// A role is what a destination of a route is for.
type role int

const (
	stranger role = iota
	canaryRole
	stableRole
	additionalRole
	untouchedRole
)

// role finds what a destination is for, and its host without the domain. A subset says more than a host: both
// subsets may be of the same one.
func (s shares) role(entry map[string]any) (role, string, error) {
	host, err := traffic.Text(entry, "destination", "host")
	if err != nil {
		return stranger, "", err
	}
	subset, err := traffic.Text(entry, "destination", "subset")
	if err != nil {
		return stranger, "", err
	}
	host, _, _ = strings.Cut(host, ".")
	_, additional := s.additional[host]
	switch {
	case subset != "" && subset == s.canarySubset:
		return canaryRole, host, nil
	case subset != "" && subset == s.stableSubset:
		return stableRole, host, nil
	case subset != "" && slices.Contains(s.extraSubsets, subset):
		return untouchedRole, host, nil
	case host != "" && host == s.canary:
		return canaryRole, host, nil
	case host != "" && host == s.stable:
		return stableRole, host, nil
	case additional:
		return additionalRole, host, nil
	}
	return stranger, host, nil
}

// check tells whether a route names both the canary and the stable destination.
func (s shares) check(route map[string]any) error {
	entries, err := traffic.Items(route, "route")
	if err != nil {
		return err
	}
	canary, stable := false, false
	for _, entry := range entries {
		host, err := traffic.Text(entry, "destination", "host")
		if err != nil {
			return err
		}
		subset, err := traffic.Text(entry, "destination", "subset")
		if err != nil {
			return err
		}
		host, _, _ = strings.Cut(host, ".")
		if s.canarySubset != "" || s.stableSubset != "" {
			canary, stable = canary || subset == s.canarySubset, stable || subset == s.stableSubset
			continue
		}
		canary, stable = canary || host == s.canary, stable || host == s.stable
	}
	return s.missing(canary, stable)
}

func (s shares) missing(canary, stable bool) error {
	subsets := s.canarySubset != "" || s.stableSubset != ""
	switch {
	case !canary && subsets:
		return fmt.Errorf("Canary DestinationRule subset '%s' not found in route", s.canarySubset)
	case !stable && subsets:
		return fmt.Errorf("Stable DestinationRule subset '%s' not found in route", s.stableSubset)
	case !canary:
		return fmt.Errorf("Canary Service '%s' not found in route", s.canary)
	case !stable:
		return fmt.Errorf("Stable Service '%s' not found in route", s.stable)
	}
	return nil
}

// read is the canary's weight in a route; false if the route has no canary.
func (s shares) read(route map[string]any) (int64, bool, error) {
	entries, err := traffic.Items(route, "route")
	for _, entry := range entries {
		role, _, err := s.role(entry)
		if err != nil {
			return 0, false, err
		}
		if role == canaryRole {
			weight, err := traffic.Number(entry, "weight")
			return weight, err == nil, err
		}
	}
	return 0, false, err
}

// write gives every destination of a route its weight. Additional ones that are missing come to the end in the order
// of their names; strangers that carry weight go. Weights of 0 are left out of a mirror route (case istio-mirror-route);
// elsewhere an absent weight means 0 and stays absent.
func (s shares) write(route map[string]any, omitZero bool) (changed bool, err error) {
	entries, err := traffic.Items(route, "route")
	if err != nil {
		return false, err
	}
	rest, err := s.rest(entries)
	if err != nil {
		return false, err
	}
	var kept []map[string]any
	there := map[string]bool{}
	for _, entry := range entries {
		role, host, err := s.role(entry)
		if err != nil {
			return false, err
		}
		have, err := traffic.Number(entry, "weight")
		if err != nil {
			return false, err
		}
		want := have
		switch role {
		case canaryRole:
			want = s.weight
		case stableRole:
			want = rest
		case additionalRole:
			want, there[host] = s.additional[host], true
		case stranger:
			if have != 0 {
				changed = true
				continue
			}
		}
		if want != have {
			entry["weight"], changed = want, true
		}
		if omitZero && want == 0 && entry["weight"] != nil {
			delete(entry, "weight")
			changed = true
		}
		kept = append(kept, entry)
	}
	for _, host := range s.absent(there) {
		kept = append(kept, map[string]any{"destination": map[string]any{"host": host}, "weight": s.additional[host]})
		changed = true
	}
	if changed {
		route["route"] = traffic.Listed(kept)
	}
	return changed, nil
}

// rest is what stable gets: all that canary, additional destinations and additional subsets leave, never below 0.
func (s shares) rest(entries []map[string]any) (int64, error) {
	rest := s.total - s.weight
	for _, weight := range s.additional {
		rest -= weight
	}
	for _, entry := range entries {
		role, _, err := s.role(entry)
		if err != nil {
			return 0, err
		}
		if role == untouchedRole {
			weight, err := traffic.Number(entry, "weight")
			if err != nil {
				return 0, err
			}
			rest -= weight
		}
	}
	return max(rest, 0), nil
}

func (s shares) absent(there map[string]bool) []string {
	var hosts []string
	for host := range s.additional {
		if !there[host] {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return hosts
}
