package emulator

// kind is what a job purges or prefetches.
type kind uint8

const (
	kindURL kind = iota
	kindPrefix
	kindHost
	kindAll
	kindTag
	kindPrefetch
	kindCount
)

// rule is what the API says about a kind.
type rule struct {
	name string
	// ceiling is the most targets of one submission under any plan (EdgeOne FAQ); for all it is the call itself.
	ceiling int
	// method tells whether Method may be given (CreatePurgeTask: "valid for directory, hostname, and all").
	method bool
	// host reads a target: the host it is on, and whether the target is of the kind's form. Nil: no targets.
	host func(target string, raw bool) (host string, ok bool)
}

func (k kind) rule() rule {
	switch k {
	case kindURL:
		return rule{name: "purge_url", ceiling: 5000, host: urlHost}
	case kindPrefix:
		return rule{name: "purge_prefix", ceiling: 1000, method: true, host: urlHost}
	case kindHost:
		return rule{name: "purge_host", ceiling: 1000, method: true, host: bareHost}
	case kindAll:
		return rule{name: "purge_all", ceiling: 1, method: true}
	case kindTag:
		return rule{name: "purge_cache_tag", ceiling: 100, host: tagHost}
	default:
		return rule{name: "prefetch_url", ceiling: 5000, host: urlHost}
	}
}

// purgeKind finds a kind of purge by the API's name for it.
func purgeKind(name string) (k kind, ok bool) {
	for k := range kindPrefetch {
		if k.rule().name == name {
			return k, true
		}
	}
	return 0, false
}

// status is the state of a row. The statuses of a query are a set of bits.
type status uint8

const (
	statusProcessing status = 1 << iota
	statusSuccess
	statusFailed
	statusTimeout
	statusCanceled // 2022-09-01 only; nothing here is ever canceled
	statusInvalid  // 2022-01-06 and prefetches only; nothing here is ever invalid
)

func (s status) String() string {
	switch s {
	case statusProcessing:
		return "processing"
	case statusSuccess:
		return "success"
	case statusFailed:
		return "failed"
	case statusTimeout:
		return "timeout"
	case statusCanceled:
		return "canceled"
	default:
		return "invalid"
	}
}

// statusSet finds the statuses of those names among the allowed ones.
func statusSet(names []string, allowed status) (set status, ok bool) {
	for _, name := range names {
		found := status(0)
		for s := statusProcessing; s <= statusInvalid; s <<= 1 {
			if s&allowed != 0 && s.String() == name {
				found = s
			}
		}
		if found == 0 {
			return 0, false
		}
		set |= found
	}
	return set, true
}
