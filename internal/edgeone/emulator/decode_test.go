package emulator

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzDecode holds the decoder against encoding/json: what the one takes the other takes too, and reads the same.
// The decoder takes less: not another case of a name, not a repeated or unknown one.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"Text":"a\u0026\\\"","Texts":["a","\ud83d\ude00",""],"Integer":-12,"Boolean":true,"Object":{"Text":"b"}}`,
		` { } `, `{"Objects":[{"Text":"a"},{},{"Text":null}],"Texts":[],"Boolean":null}`, `{"Integer":01}`, `{"Integer":-0}`,
		`{"Text":"a","Text":"b"}`, `{"text":"a"}`, `{"Text":"a",}`, `{"Texts":["a",]}`, `{"Integer":1e3}`, `{"Text":nul}`, `{"Text":"\`,
	} {
		f.Add([]byte(seed))
	}
	type inner struct{ Text string }
	type outer struct {
		Text    string
		Texts   []string
		Integer int
		Boolean bool
		Object  inner
		Objects []inner
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, want outer
		var texts list
		r := decodeBody(body, func(d *decoder, name string) *refusal {
			in := func(to *inner) *refusal {
				_, r := d.object(name, func(name string) *refusal {
					if name != "Text" {
						return unknownParameter(name)
					}
					return d.text(name, &to.Text)
				})
				return r
			}
			switch name {
			case "Text":
				return d.text(name, &got.Text)
			case "Texts":
				return d.texts(name, &texts)
			case "Integer":
				return d.integer(name, &got.Integer)
			case "Boolean":
				return d.boolean(name, &got.Boolean)
			case "Object":
				return in(&got.Object)
			case "Objects":
				return d.objects(name, func() *refusal {
					got.Objects = append(got.Objects, inner{})
					return in(&got.Objects[len(got.Objects)-1])
				})
			}
			return unknownParameter(name)
		})
		if r != nil {
			return
		}
		got.Texts = texts.strings()
		if err := json.Unmarshal(body, &want); err != nil || !utf8.Valid(body) {
			t.Fatalf("took %q, which encoding/json does not: %v", body, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", body, diff)
		}
	})
}

func TestDecode_TakesWhatItShould(t *testing.T) {
	var text string
	var n int
	r := decodeBody([]byte("{\"a\":\"\\u0026\\ud83d\\ude00é\", \"b\" : -7 }"), func(d *decoder, name string) *refusal {
		if name == "a" {
			return d.text(name, &text)
		}
		return d.integer(name, &n)
	})
	if r != nil || text != "&😀é" || n != -7 {
		t.Errorf("got %q, %d, %v", text, n, r)
	}
}
