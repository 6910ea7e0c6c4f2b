package emulator

const (
	methodInvalidate = "invalidate"
	methodDelete     = "delete"
)

// createPurgeTask is the action of 2022-09-01.
func createPurgeTask(e *Emulator, c *call) (any, *refusal) {
	var p purgeParams
	if r := decodeBody(c.body, p.member); r != nil {
		return nil, r
	}
	sub, r := p.submission()
	if r != nil {
		return nil, r
	}
	return e.submit(c, e.purges, sub)
}

// purgeParams are the parameters of CreatePurgeTask.
type purgeParams struct {
	zone, kind, method string
	targets            list
	encode             bool
	tagged             bool // CacheTag is given
	domains            list // its Domains
}

func (p *purgeParams) member(d *decoder, name string) *refusal {
	switch name {
	case "ZoneId":
		return d.text(name, &p.zone)
	case "Type":
		return d.text(name, &p.kind)
	case "Method":
		return d.text(name, &p.method)
	case "Targets":
		return d.texts(name, &p.targets)
	case "EncodeUrl":
		return d.boolean(name, &p.encode)
	case "CacheTag":
		given, r := d.object(name, func(inner string) *refusal {
			if inner == "Domains" {
				return d.texts("CacheTag.Domains", &p.domains)
			}
			return unknownParameter("CacheTag." + inner)
		})
		p.tagged = given
		return r
	}
	return unknownParameter(name)
}

// submission checks what the parameters say of each other.
func (p *purgeParams) submission() (sub submission, r *refusal) {
	if p.zone == "" {
		return sub, missing("ZoneId")
	}
	if p.kind == "" {
		return sub, missing("Type")
	}
	k, ok := purgeKind(p.kind)
	if !ok {
		return sub, refuse(codeParameterError, "Parameter error: Type is none of the five purge types.")
	}
	method, r := purgeMethod(k, p.method)
	if r != nil {
		return sub, r
	}
	if p.tagged && k != kindTag {
		return sub, refuse(codeParameterError, "Parameter error: CacheTag goes with purge_cache_tag only.")
	}
	if p.tagged && p.domains.len() == 0 {
		return sub, missing("CacheTag.Domains")
	}
	return submission{
		zone: p.zone, kind: k, method: method, targets: p.targets, raw: p.encode, domains: p.domains.strings(),
	}, nil
}

// purgeMethod returns the method that rows of the kind tell; kinds without a choice tell none.
func purgeMethod(k kind, method string) (string, *refusal) {
	switch {
	case !k.rule().method && method != "":
		return "", refuse(codeParameterError, "Parameter error: Method does not go with %s.", k.rule().name)
	case !k.rule().method:
		return "", nil
	case method == "":
		return methodInvalidate, nil
	case method != methodInvalidate && method != methodDelete:
		return "", refuse(codeParameterError, "Parameter error: Method is neither invalidate nor delete.")
	}
	return method, nil
}
