package cmp

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The messages of wire.proto. Unknown fields are skipped, as protobuf wants it.
type (
	// appStreamRequest holds one of both.
	appStreamRequest struct {
		Metadata *metadata
		File     []byte
		IsFile   bool
	}
	metadata struct {
		AppName, AppRelPath, Checksum string
		Size                          int64
		Env                           []envEntry
	}
	envEntry         struct{ Name, Value string }
	empty            struct{}
	manifestResponse struct {
		Manifests  []string
		SourceType string
	}
	repositoryResponse    struct{ IsSupported, IsDiscoveryEnabled bool }
	configurationResponse struct{ IsDiscoveryConfigured, ProvideGitCreds bool }
	announcementResponse  struct{ Announcements []announcement }
	// announcement tells Argo CD's UI about a parameter.
	announcement struct {
		Name, Title, Tooltip     string
		Required                 bool
		ItemType, CollectionType string
		String                   string
		Array                    []string
		Map                      map[string]string
	}
)

// message is what our codec understands beside generated messages.
type message interface {
	encode() []byte
	decode([]byte) error
}

// fields calls set for every field of a message, with its number and its value: a number, or bytes.
func fields(data []byte, set func(number protowire.Number, n uint64, b []byte) error) error {
	for len(data) > 0 {
		number, kind, size := protowire.ConsumeTag(data)
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		var n uint64
		var b []byte
		switch kind {
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(data)
		case protowire.BytesType:
			b, size = protowire.ConsumeBytes(data)
		default:
			size = protowire.ConsumeFieldValue(number, kind, data)
		}
		if size < 0 {
			return protowire.ParseError(size)
		}
		data = data[size:]
		if err := set(number, n, b); err != nil {
			return err
		}
	}
	return nil
}

func putText(to []byte, number protowire.Number, text string) []byte {
	if text == "" {
		return to
	}
	return protowire.AppendString(protowire.AppendTag(to, number, protowire.BytesType), text)
}

func putBytes(to []byte, number protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), b)
}

func putNumber(to []byte, number protowire.Number, n uint64) []byte {
	if n == 0 {
		return to
	}
	return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), n)
}

func putBool(to []byte, number protowire.Number, b bool) []byte {
	return putNumber(to, number, protowire.EncodeBool(b))
}

func (m *appStreamRequest) encode() []byte {
	if m.Metadata != nil {
		return putBytes(nil, 1, m.Metadata.encode())
	}
	return putBytes(nil, 2, putBytes(nil, 1, m.File))
}

func (m *appStreamRequest) decode(data []byte) error {
	*m = appStreamRequest{}
	return fields(data, func(number protowire.Number, _ uint64, b []byte) error {
		switch number {
		case 1:
			m.Metadata = &metadata{}
			return m.Metadata.decode(b)
		case 2:
			m.IsFile = true
			return fields(b, func(number protowire.Number, _ uint64, b []byte) error {
				if number == 1 {
					m.File = b
				}
				return nil
			})
		}
		return nil
	})
}

func (m *metadata) encode() []byte {
	out := putText(putText(putText(nil, 1, m.AppName), 2, m.AppRelPath), 3, m.Checksum)
	out = putNumber(out, 4, uint64(m.Size))
	for _, e := range m.Env {
		out = putBytes(out, 5, putText(putText(nil, 1, e.Name), 2, e.Value))
	}
	return out
}

func (m *metadata) decode(data []byte) error {
	return fields(data, func(number protowire.Number, n uint64, b []byte) error {
		switch number {
		case 1:
			m.AppName = string(b)
		case 2:
			m.AppRelPath = string(b)
		case 3:
			m.Checksum = string(b)
		case 4:
			m.Size = int64(n)
		case 5:
			e := envEntry{}
			if err := e.decode(b); err != nil {
				return err
			}
			m.Env = append(m.Env, e)
		}
		return nil
	})
}

func (e *envEntry) decode(data []byte) error {
	return fields(data, func(number protowire.Number, _ uint64, b []byte) error {
		switch number {
		case 1:
			e.Name = string(b)
		case 2:
			e.Value = string(b)
		}
		return nil
	})
}

func (*empty) encode() []byte      { return nil }
func (*empty) decode([]byte) error { return nil }

func (m *manifestResponse) encode() []byte {
	var out []byte
	for _, text := range m.Manifests {
		out = putBytes(out, 1, []byte(text))
	}
	return putText(out, 2, m.SourceType)
}

func (m *manifestResponse) decode(data []byte) error {
	return fields(data, func(number protowire.Number, _ uint64, b []byte) error {
		switch number {
		case 1:
			m.Manifests = append(m.Manifests, string(b))
		case 2:
			m.SourceType = string(b)
		}
		return nil
	})
}

// encoded is an answer that was written before.
type encoded []byte

func (e encoded) encode() []byte    { return e }
func (encoded) decode([]byte) error { return errors.New("an answer is not read") }

func (m *repositoryResponse) encode() []byte {
	return putBool(putBool(nil, 1, m.IsSupported), 2, m.IsDiscoveryEnabled)
}

func (m *repositoryResponse) decode(data []byte) error {
	return bools(data, &m.IsSupported, &m.IsDiscoveryEnabled)
}

func (m *configurationResponse) encode() []byte {
	return putBool(putBool(nil, 1, m.IsDiscoveryConfigured), 2, m.ProvideGitCreds)
}

func (m *configurationResponse) decode(data []byte) error {
	return bools(data, &m.IsDiscoveryConfigured, &m.ProvideGitCreds)
}

func bools(data []byte, first, second *bool) error {
	return fields(data, func(number protowire.Number, n uint64, _ []byte) error {
		switch number {
		case 1:
			*first = n != 0
		case 2:
			*second = n != 0
		}
		return nil
	})
}

func (m *announcementResponse) encode() []byte {
	var out []byte
	for _, a := range m.Announcements {
		out = putBytes(out, 1, a.encode())
	}
	return out
}

func (a announcement) encode() []byte {
	out := putBool(putText(putText(putText(nil, 1, a.Name), 2, a.Title), 3, a.Tooltip), 4, a.Required)
	out = putText(putText(putText(out, 5, a.ItemType), 6, a.CollectionType), 7, a.String)
	for _, text := range a.Array {
		out = putBytes(out, 8, []byte(text))
	}
	for _, key := range slices.Sorted(maps.Keys(a.Map)) {
		out = putBytes(out, 9, putText(putText(nil, 1, key), 2, a.Map[key]))
	}
	return out
}

func (m *announcementResponse) decode(data []byte) error {
	return fields(data, func(number protowire.Number, _ uint64, b []byte) error {
		if number != 1 {
			return nil
		}
		a := announcement{}
		m.Announcements = append(m.Announcements, a)
		return m.Announcements[len(m.Announcements)-1].decode(b)
	})
}

func (a *announcement) decode(data []byte) error {
	texts := map[protowire.Number]*string{1: &a.Name, 2: &a.Title, 3: &a.Tooltip, 5: &a.ItemType, 6: &a.CollectionType, 7: &a.String}
	return fields(data, func(number protowire.Number, n uint64, b []byte) error {
		switch {
		case texts[number] != nil:
			*texts[number] = string(b)
		case number == 4:
			a.Required = n != 0
		case number == 8:
			a.Array = append(a.Array, string(b))
		case number == 9:
			e := envEntry{} // the entry of a map has the same form
			if err := e.decode(b); err != nil {
				return err
			}
			if a.Map == nil {
				a.Map = map[string]string{}
			}
			a.Map[e.Name] = e.Value
		}
		return nil
	})
}

// codec speaks our messages, and generated ones for the health service.
type codec struct{}

var _ encoding.CodecV2 = codec{}

// Name is what both sides call protobuf.
func (codec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case message:
		return mem.BufferSlice{mem.SliceBuffer(m.encode())}, nil
	case proto.Message:
		data, err := proto.Marshal(m)
		return mem.BufferSlice{mem.SliceBuffer(data)}, err
	}
	return nil, fmt.Errorf("no protobuf message: %T", v)
}

// Unmarshal implements encoding.CodecV2.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case message:
		return m.decode(data.Materialize())
	case proto.Message:
		return proto.Unmarshal(data.Materialize(), m)
	}
	return fmt.Errorf("no protobuf message: %T", v)
}
