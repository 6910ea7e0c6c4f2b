package emulator

// maxFilterValues is how many values a filter takes (DescribePurgeTasks: "The maximum number of Filters.Values is 20").
const maxFilterValues = 20

// filter is an AdvancedFilter.
type filter struct {
	name   string
	values []string
	fuzzy  bool
}

// filters reads an array of AdvancedFilter.
func (d *decoder) filters(name string, to *[]filter) *refusal {
	return d.objects(name, func() *refusal {
		var f filter
		var values list
		_, r := d.object(name, func(inner string) *refusal {
			path := name + "." + inner
			switch inner {
			case "Name":
				return d.text(path, &f.name)
			case "Values":
				return d.texts(path, &values)
			case "Fuzzy":
				return d.boolean(path, &f.fuzzy)
			}
			return unknownParameter(path)
		})
		f.values = values.strings()
		*to = append(*to, f)
		return r
	})
}

// filterRule is what an action says of a filter.
type filterRule struct {
	single bool // takes one value
	fuzzy  bool // may be fuzzy
}

// checkFilters holds filters against an action's rules; tooMany is the code for more values than a filter takes.
func checkFilters(filters []filter, rules map[string]filterRule, tooMany string) *refusal {
	seen := make(map[string]bool, len(filters))
	for _, f := range filters {
		rule, known := rules[f.name]
		switch {
		case f.name == "":
			return missing("Filters.Name")
		case !known:
			return refuse(codeInvalidFilterName, "The filter `%s` does not exist.", f.name)
		case seen[f.name]:
			return refuse(codeParameterError, "Parameter error: the filter `%s` is given more than once.", f.name)
		case len(f.values) == 0:
			return missing("Filters.Values")
		case len(f.values) > maxFilterValues:
			return refuse(tooMany, "The filter `%s` has more than %d values.", f.name, maxFilterValues)
		case rule.single && len(f.values) > 1:
			return refuse(codeParameterError, "Parameter error: the filter `%s` takes one value.", f.name)
		case f.fuzzy && !rule.fuzzy:
			return refuse(codeParameterError, "Parameter error: the filter `%s` can't be fuzzy.", f.name)
		}
		seen[f.name] = true
	}
	return nil
}

// checkPage holds an offset and a limit against their bounds.
func checkPage(offset, limit, most int) *refusal {
	if offset < 0 {
		return refuse(codeParameterError, "Parameter error: Offset is negative.")
	}
	if limit < 1 || limit > most {
		return refuse(codeParameterError, "Parameter error: Limit is not from 1 to %d.", most)
	}
	return nil
}
