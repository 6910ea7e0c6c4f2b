package zone_test

import (
	"testing"

	"github.com/edgepurge/edgepurge/internal/zone"
)

func TestFinder_PrefersTheNearestName(t *testing.T) {
	names := map[string]string{
		"www.example.com":    "zone-www",
		"*.example.com":      "zone-any",
		"*.img.example.com":  "zone-img",
		"example.org":        "zone-org",
		"*.xn--bcher-kva.de": "zone-idn",
	}
	tests := []struct {
		host string
		want string
		err  error
	}{
		{"www.example.com", "zone-www", nil},
		{"blog.example.com", "zone-any", nil},
		{"a.b.example.com", "zone-any", nil},
		{"a.img.example.com", "zone-img", nil},
		{"a.b.img.example.com", "zone-img", nil},
		{"img.example.com", "zone-any", nil},
		{"example.com", "", zone.ErrUnknown}, // a wildcard is not its apex
		{"anexample.com", "", zone.ErrUnknown},
		{"example.org", "zone-org", nil},
		{"www.example.org", "", zone.ErrUnknown},
		{"shop.xn--bcher-kva.de", "zone-idn", nil},
		{"com", "", zone.ErrUnknown},
		{"localhost", "", zone.ErrUnknown},
		{"", "", zone.ErrUnknown},
		{"203.0.113.7", "", zone.ErrUnknown},
	}
	sites := make([]site, 0, len(names))
	for name, id := range names {
		sites = append(sites, site{id: id, domains: []string{name}})
	}
	t.Run("of the account", func(t *testing.T) {
		inBubble(t, nil, sites, func(t *testing.T, b *bench) {
			b.read(t)
			for _, tt := range tests {
				b.finds(t, tt.host, tt.want, tt.err)
			}
		})
	})
	t.Run("of the table", func(t *testing.T) {
		inBubble(t, names, nil, func(t *testing.T, b *bench) {
			b.read(t) // an account without a zone
			for _, tt := range tests {
				b.finds(t, tt.host, tt.want, tt.err)
			}
		})
	})
	t.Run("before the star", func(t *testing.T) {
		names["*"] = "zone-star"
		inBubble(t, names, nil, func(t *testing.T, b *bench) {
			for _, tt := range tests {
				if tt.err != nil {
					tt.want = "zone-star"
				}
				b.finds(t, tt.host, tt.want, nil)
			}
			pass(0)
			if got := b.account.readings(); len(got) != 0 {
				t.Errorf("the zones were read at %v, want never: the table tells everything", got)
			}
		})
	})
}

func TestFinder_IgnoresTheCaseOfNames(t *testing.T) {
	sites := []site{{id: "zone-a", domains: []string{"WWW.Example.com"}}}
	inBubble(t, map[string]string{"Shop.Example.com": "zone-b"}, sites, func(t *testing.T, b *bench) {
		b.read(t)
		b.finds(t, "www.example.com", "zone-a", nil)
		b.finds(t, "shop.example.com", "zone-b", nil)
	})
}

func TestFinder_TableComesFirst(t *testing.T) {
	table := map[string]string{"www.example.com": "zone-mine", "*.static.example.com": "zone-mine"}
	sites := []site{{id: "zone-theirs", domains: []string{"www.example.com", "a.static.example.com", "api.example.com"}}}
	inBubble(t, table, sites, func(t *testing.T, b *bench) {
		b.finds(t, "www.example.com", "zone-mine", nil) // before anything was read
		b.read(t)
		b.finds(t, "www.example.com", "zone-mine", nil)
		b.finds(t, "a.static.example.com", "zone-mine", nil)
		b.finds(t, "api.example.com", "zone-theirs", nil)
	})
}

func TestFinder_TableMayBeReplaced(t *testing.T) {
	inBubble(t, map[string]string{"a.example": "zone-a"}, nil, func(t *testing.T, b *bench) {
		b.read(t)
		b.finds(t, "b.example", "", zone.ErrUnknown)
		b.Set(map[string]string{"*.EXAMPLE": "zone-b"})
		if !b.updated() {
			t.Error("those that wait for a zone are not told to ask again")
		}
		b.finds(t, "a.example", "zone-b", nil)
		b.finds(t, "b.example", "zone-b", nil)
	})
}

func TestFinder_KnowsNamesByTheirPunycode(t *testing.T) {
	sites := []site{{id: "zone-a", domains: []string{"Bücher.example", "*.MÜNCHEN.example", "xn--caf-dma.example"}}}
	inBubble(t, map[string]string{"*.straße.example": "zone-b"}, sites, func(t *testing.T, b *bench) {
		b.read(t)
		b.finds(t, "xn--bcher-kva.example", "zone-a", nil)
		b.finds(t, "a.xn--mnchen-3ya.example", "zone-a", nil)
		b.finds(t, "xn--mnchen-3ya.example", "", zone.ErrUnknown)
		b.finds(t, "xn--caf-dma.example", "zone-a", nil)
		b.finds(t, "a.b.xn--strae-oqa.example", "zone-b", nil)
	})
}

func TestFinder_TakesANameThatIsToldTwiceAsOne(t *testing.T) {
	sites := []site{{id: "zone-a", domains: []string{"www.example.com", "WWW.example.com"}}}
	inBubble(t, nil, sites, func(t *testing.T, b *bench) {
		b.read(t)
		b.finds(t, "www.example.com", "zone-a", nil)
	})
}

// Sites of one name are told apart by the domains that they have, and only by them.
func TestFinder_TellsSitesOfOneNameApart(t *testing.T) {
	sites := []site{
		{id: "zone-a", name: "example.com", domains: []string{"www.example.com", "both.example.com"}},
		{id: "zone-b", name: "example.com", domains: []string{"api.example.com", "both.example.com"}},
	}
	inBubble(t, nil, sites, func(t *testing.T, b *bench) {
		b.read(t)
		b.finds(t, "www.example.com", "zone-a", nil)
		b.finds(t, "api.example.com", "zone-b", nil)
		b.finds(t, "both.example.com", "", zone.ErrAmbiguous)
		b.finds(t, "other.example.com", "", zone.ErrUnknown)
	})
}

func TestFinder_SaysWhenSeveralZonesServeAHost(t *testing.T) {
	sites := []site{
		{id: "zone-a", domains: []string{"both.example.com", "*.example.com", "only-a.example.com"}},
		{id: "zone-b", domains: []string{"both.example.com", "*.example.com", "*.b.example.com"}},
	}
	table := map[string]string{"mine.example.com": "zone-c"}
	inBubble(t, table, sites, func(t *testing.T, b *bench) {
		b.read(t)
		b.finds(t, "both.example.com", "", zone.ErrAmbiguous)
		b.finds(t, "other.example.com", "", zone.ErrAmbiguous)
		b.finds(t, "only-a.example.com", "zone-a", nil)
		b.finds(t, "x.b.example.com", "zone-b", nil)
		b.finds(t, "mine.example.com", "zone-c", nil)
	})
}
