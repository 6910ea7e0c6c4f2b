package emulator

// createPrefetchTask is the action of 2022-09-01. Edge mode and media segments are for allow-listed accounts, which
// this one is not.
func createPrefetchTask(e *Emulator, c *call) (any, *refusal) {
	var p prefetchParams
	if r := decodeBody(c.body, p.member); r != nil {
		return nil, r
	}
	if p.mode != "" && p.mode != "default" {
		return nil, refuse(codeParameterError, "Parameter error: Mode is not available to this account.")
	}
	if p.segments != "" && p.segments != "off" {
		return nil, refuse(codeParameterError, "Parameter error: PrefetchMediaSegments is not available to this account.")
	}
	return e.submit(c, e.prefetches, submission{
		zone: p.zone, kind: kindPrefetch, targets: p.targets, raw: p.encode,
	})
}

// prefetchParams are the parameters of CreatePrefetchTask.
type prefetchParams struct {
	zone, mode, segments string
	targets              list
	encode               bool
}

func (p *prefetchParams) member(d *decoder, name string) *refusal {
	switch name {
	case "ZoneId":
		return d.text(name, &p.zone)
	case "Targets":
		return d.texts(name, &p.targets)
	case "EncodeUrl":
		return d.boolean(name, &p.encode)
	case "Mode":
		return d.text(name, &p.mode)
	case "PrefetchMediaSegments":
		return d.text(name, &p.segments)
	case "Headers":
		return d.objects(name, func() *refusal { return readHeader(d) })
	}
	return unknownParameter(name)
}

// readHeader reads a header that the prefetch would send; nothing here sends it.
func readHeader(d *decoder) *refusal {
	var key, value string
	_, r := d.object("Headers", func(name string) *refusal {
		switch name {
		case "Name":
			return d.text("Headers.Name", &key)
		case "Value":
			return d.text("Headers.Value", &value)
		}
		return unknownParameter("Headers." + name)
	})
	if r == nil && key == "" {
		return missing("Headers.Name")
	}
	return r
}

// describePrefetchTasks is the action of 2022-09-01.
func describePrefetchTasks(e *Emulator, c *call) (any, *refusal) {
	f := describeForm{
		statuses: statusProcessing | statusSuccess | statusFailed | statusTimeout | statusCanceled | statusInvalid,
	}
	return e.describe(c, e.prefetches, f)
}
