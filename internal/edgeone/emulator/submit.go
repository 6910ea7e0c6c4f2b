package emulator

import "slices"

// submission is what a Create action asks for, whatever version and action it came by.
type submission struct {
	zone    string
	kind    kind
	method  string
	targets list
	raw     bool     // EncodeUrl: non-ASCII is taken
	domains []string // hosts the submission names beside its targets
}

// failReason tells targets that were refused, as the request wrote them.
type failReason struct {
	Reason  string
	Targets []string
}

// createResponse answers every Create action.
type createResponse struct {
	JobID      string `json:"JobId"`
	FailedList []failReason
	meta
}

const (
	reasonForeign = "The domain name does not exist or is not belong to this account."
	reasonDaily   = "Reached the daily upper limit of resource number."
)

// submit judges a submission and creates its job. Order: zone, number of targets, their form, their hosts, the
// day's quota; what a refusal names first is the first of these.
func (e *Emulator) submit(c *call, s *store, sub submission) (any, *refusal) {
	z, r := e.zones.find(sub.zone)
	if r != nil {
		return nil, r
	}
	if r := e.checkCount(sub); r != nil {
		return nil, r
	}
	for _, host := range sub.domains {
		if host, ok := bareHost(host, false); !ok || !z.owns(host) {
			return nil, refuse(codeDomainNotFound, reasonForeign)
		}
	}
	accepted, foreign, r := e.sortTargets(z, sub)
	if r != nil {
		return nil, r
	}
	response := createResponse{FailedList: []failReason{}, meta: c.meta()}
	charged := foreign.len()
	if foreign.len() > 0 {
		response.FailedList = append(response.FailedList, failReason{reasonForeign, foreign.strings()})
		if !e.unknown.keepCharge {
			charged = 0
		}
	}
	taken, ok := e.quota.take(account{z.id, sub.kind}, accepted.len(), charged, e.unknown.dailyPart)
	if !ok {
		return nil, refuse(codeDailyQuota, reasonDaily)
	}
	if taken < accepted.len() {
		response.FailedList = append(response.FailedList, failReason{reasonDaily, accepted.rest(taken).strings()})
		accepted = accepted.first(taken)
	}
	if taken > 0 {
		response.JobID = e.create(s, z, sub, accepted)
	}
	return response, nil
}

func (e *Emulator) checkCount(sub submission) *refusal {
	switch n := sub.targets.len(); {
	case sub.kind == kindAll && n > 0:
		return refuse(codeParameterError, "Parameter error: purge_all takes no Targets.")
	case sub.kind == kindAll:
		return nil
	case n == 0:
		return missing("Targets")
	case n > e.quota.perCall(sub.kind):
		return refuse(codeBatchQuota, "Reached the upper limit of resource number.")
	}
	return nil
}

// sortTargets parts the targets into the zone's own and foreign ones, or tells what sinks the whole call. The one
// target of a purge_all is the site.
func (e *Emulator) sortTargets(z *zone, sub submission) (own, foreign list, r *refusal) {
	read := sub.kind.rule().host
	if read == nil {
		return listOf(z.name), list{}, nil
	}
	var strangers []int
	last, lastOwned := "", true
	for i := range sub.targets.len() {
		host, ok := read(sub.targets.at(i), sub.raw)
		if !ok {
			return list{}, list{}, refuse(codeTarget, "Resource error: a target is not of the form of %s.", sub.kind.rule().name)
		}
		if host != last {
			last, lastOwned = host, z.owns(host)
		}
		if !lastOwned {
			strangers = append(strangers, i)
		}
	}
	if len(strangers) == 0 {
		return sub.targets, list{}, nil
	}
	if !e.unknown.foreignListed {
		return list{}, list{}, refuse(codeDomainNotFound, reasonForeign)
	}
	var ours, others listBuilder
	for i := range sub.targets.len() {
		if _, found := slices.BinarySearch(strangers, i); found {
			others.add(sub.targets.at(i))
			continue
		}
		ours.add(sub.targets.at(i))
	}
	return ours.list(), others.list(), nil
}

// create makes the job of accepted targets and returns its id.
func (e *Emulator) create(s *store, z *zone, sub submission, accepted list) string {
	if sub.kind != kindPrefetch {
		e.stats.accept(accepted)
	}
	rows := accepted
	if e.unknown.rowPerJob {
		rows = rows.first(1)
	}
	if e.unknown.echoCanonical {
		var b listBuilder
		for i := range rows.len() {
			b.add(normalForm(sub.kind, rows.at(i)))
		}
		rows = b.list()
	}
	luck := e.faults.luck()
	j := &job{zone: z.id, kind: sub.kind, method: sub.method, rows: rows, luck: luck, sum: tally(e.faults, luck, rows.len())}
	return s.add(j, e.faults.unseen())
}
