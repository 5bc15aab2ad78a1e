package cmp

import (
	"encoding/hex"
	"reflect"
	"testing"
)

// The bytes were written down by hand from the field numbers of argocd-spec 1.2 and the rules of protobuf: a tag is
// number*8 + type (0 a number, 2 bytes with a length in front).
func TestWire(t *testing.T) {
	cases := map[string]struct {
		message, into message
		bytes         string
	}{
		"metadata": {
			&appStreamRequest{Metadata: &metadata{AppName: "a", AppRelPath: "b", Checksum: "c", Size: 300, Env: []envEntry{{"N", "V"}}}}, &appStreamRequest{},
			"0a14" + "0a0161" + "120162" + "1a0163" + "20ac02" + "2a06" + "0a014e" + "120156",
		},
		"a chunk":         {&appStreamRequest{IsFile: true, File: []byte{1, 2}}, &appStreamRequest{}, "1204" + "0a020102"},
		"manifests":       {&manifestResponse{Manifests: []string{"x", "yz"}, SourceType: "s"}, &manifestResponse{}, "0a0178" + "0a02797a" + "120173"},
		"a match":         {&repositoryResponse{IsSupported: true, IsDiscoveryEnabled: true}, &repositoryResponse{}, "08011001"},
		"no match":        {&repositoryResponse{}, &repositoryResponse{}, ""},
		"a configuration": {&configurationResponse{ProvideGitCreds: true}, &configurationResponse{}, "1001"},
		"an announcement": {
			&announcementResponse{[]announcement{{Name: "n", Title: "t", Tooltip: "p", Required: true, ItemType: "i", CollectionType: "c", String: "s", Array: []string{"a"}, Map: map[string]string{"k": "v"}}}}, &announcementResponse{},
			"0a1f" + "0a016e" + "120174" + "1a0170" + "2001" + "2a0169" + "320163" + "3a0173" + "420161" + "4a06" + "0a016b" + "120176",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := hex.EncodeToString(c.message.encode()); got != c.bytes {
				t.Errorf("written as %s, want %s", got, c.bytes)
			}
			data, err := hex.DecodeString(c.bytes)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.into.decode(data); err != nil || !reflect.DeepEqual(c.into, c.message) {
				t.Errorf("read as %+v, %v; want %+v", c.into, err, c.message)
			}
		})
	}
}

func TestWireSkipsWhatItDoesNotKnowAndRefusesWhatIsBroken(t *testing.T) {
	m := &manifestResponse{}
	data, _ := hex.DecodeString("9a0603616263" + "0a0178" + "a1060102030405060708") // fields 99 and 100
	if err := m.decode(data); err != nil || len(m.Manifests) != 1 {
		t.Errorf("with unknown fields: %+v, %v", m, err)
	}
	for _, broken := range []string{"0a05", "0a", "ff", "0a80808080808080808080"} {
		data, _ := hex.DecodeString(broken)
		if err := (&manifestResponse{}).decode(data); err == nil {
			t.Errorf("%s is read without an error", broken)
		}
	}
}
