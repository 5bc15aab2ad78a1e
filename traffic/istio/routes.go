package istio

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// The three kinds of routes that a VirtualService can have.
const (
	kindHTTP = "http"
	kindTLS  = "tls"
	kindTCP  = "tcp"
)

var errNoRoutes = errors.New("Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService")

// weighted are the routes whose destinations carry the weights, of every kind that the VirtualService has; managed
// mirror routes are not among them.
func (x *Router) weighted(v virtualService, managed []string) ([]map[string]any, error) {
	http, tls, tcp, err := v.lists()
	if err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, find := range []func() ([]map[string]any, error){
		func() ([]map[string]any, error) { return httpRoutes(v.config, http, managed) },
		func() ([]map[string]any, error) { return tlsRoutes(v.config, tls) },
		func() ([]map[string]any, error) { return tcpRoutes(v.config, tcp) },
	} {
		routes, err := find()
		if err != nil {
			return nil, err
		}
		all = append(all, routes...)
	}
	return all, nil
}

// lists are the routes by kind. There has to be one at least.
func (v virtualService) lists() (http, tls, tcp []map[string]any, err error) {
	if http, err = traffic.Items(v.spec, kindHTTP); err != nil {
		return nil, nil, nil, err
	}
	if tls, err = traffic.Items(v.spec, kindTLS); err != nil {
		return nil, nil, nil, err
	}
	if tcp, err = traffic.Items(v.spec, kindTCP); err != nil {
		return nil, nil, nil, err
	}
	if len(http)+len(tls)+len(tcp) == 0 {
		err = errNoRoutes
	}
	return http, tls, tcp, err
}

// httpRoutes are those that are named, or the only one that is not managed.
func httpRoutes(config v1alpha1.IstioVirtualService, http []map[string]any, managed []string) ([]map[string]any, error) {
	var routes []map[string]any
	if len(config.Routes) == 0 {
		for _, route := range http {
			if name, err := traffic.Text(route, "name"); err != nil {
				return nil, err
			} else if !slices.Contains(managed, name) {
				routes = append(routes, route)
			}
		}
		return only(routes, len(http) > 0, kindHTTP, "routes")
	}
	for _, name := range config.Routes {
		if len(http) == 0 {
			break // a VirtualService of another kind has no names
		}
		i := slices.IndexFunc(http, func(route map[string]any) bool { return route["name"] == name })
		if i < 0 {
			return nil, fmt.Errorf("HTTP Route '%s' is not found in the defined Virtual Service.", name)
		}
		routes = append(routes, http[i])
	}
	return routes, nil
}

// tlsRoutes are those that match on one port and on a set of server names, or the only one.
func tlsRoutes(config v1alpha1.IstioVirtualService, tls []map[string]any) ([]map[string]any, error) {
	if len(config.TLSRoutes) == 0 || len(tls) == 0 {
		return only(tls, len(tls) > 0, kindTLS, "tlsRoutes")
	}
	var routes []map[string]any
	for _, wanted := range config.TLSRoutes {
		for _, route := range tls {
			ports, names, err := matches(route)
			if err != nil {
				return nil, err
			}
			fits := wanted.Port == 0 || slices.Equal(ports, []int64{wanted.Port})
			if fits && (len(wanted.SNIHosts) == 0 || slices.Equal(names, sorted(wanted.SNIHosts))) {
				routes = append(routes, route)
			}
		}
	}
	return some(routes, "TLS")
}

// tcpRoutes are those that match on one port, or the only one.
func tcpRoutes(config v1alpha1.IstioVirtualService, tcp []map[string]any) ([]map[string]any, error) {
	if len(config.TCPRoutes) == 0 || len(tcp) == 0 {
		return only(tcp, len(tcp) > 0, kindTCP, "tcpRoutes")
	}
	var routes []map[string]any
	for _, wanted := range config.TCPRoutes {
		for _, route := range tcp {
			ports, _, err := matches(route)
			if err != nil {
				return nil, err
			}
			if wanted.Port == 0 || slices.Equal(ports, []int64{wanted.Port}) {
				routes = append(routes, route)
			}
		}
	}
	return some(routes, "TCP")
}

func only(routes []map[string]any, there bool, kind, field string) ([]map[string]any, error) {
	if there && len(routes) != 1 {
		return nil, fmt.Errorf("spec.%s[] should be set in VirtualService and it must have exactly one route when omitting spec.strategy.canary.trafficRouting.istio.virtualService.%s", kind, field)
	}
	return routes, nil
}

func some(routes []map[string]any, kind string) ([]map[string]any, error) {
	if len(routes) == 0 {
		return nil, fmt.Errorf("No matching %s routes found in the defined Virtual Service.", kind)
	}
	return routes, nil
}

// matches are the ports and the server names in the match blocks of a TLS or TCP route, sorted, each once.
func matches(route map[string]any) (ports []int64, names []string, err error) {
	blocks, err := traffic.Items(route, "match")
	for _, block := range blocks {
		port, err := traffic.Number(block, "port")
		if err != nil {
			return nil, nil, err
		}
		ports = append(ports, port)
		hosts, isList := block["sniHosts"].([]any)
		if !isList && block["sniHosts"] != nil {
			return nil, nil, errors.New("match.sniHosts: want a list")
		}
		for _, host := range hosts {
			names = append(names, fmt.Sprint(host))
		}
	}
	return sorted(ports), sorted(names), err
}

func sorted[T int64 | string](list []T) []T {
	copied := slices.Clone(list)
	slices.Sort(copied)
	return slices.Compact(copied)
}
