package customization

import (
	"fmt"

	"github.com/sluice-delivery/sluice/health"
	"github.com/sluice-delivery/sluice/health/lua"
)

type healthTests struct {
	Tests []struct {
		InputPath    string `json:"inputPath"`
		HealthStatus struct {
			Status  health.Status `json:"status"`
			Message string        `json:"message"`
		} `json:"healthStatus"`
	} `json:"tests"`
}

func (s *suite) health(tests healthTests) {
	for _, test := range tests.Tests {
		s.test("health "+test.InputPath, func() error {
			text, err := s.script("health.lua")
			if err != nil {
				return err
			}
			object, err := s.object(test.InputPath)
			if err != nil {
				return err
			}
			ctx, cancel := s.bounded()
			defer cancel()
			got, err := s.host.Health(ctx, lua.Script{Text: text, OpenLibs: s.OpenLibs}, object, s.Now())
			if err != nil {
				return err
			}
			if want := (health.Health{Status: test.HealthStatus.Status, Message: test.HealthStatus.Message}); got != want {
				return fmt.Errorf("got %s %q, want %s %q", got.Status, got.Message, want.Status, want.Message)
			}
			return nil
		})
	}
}
