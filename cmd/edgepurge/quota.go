package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/purge"
)

func newQuota() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "quota [ZONE…]",
		Short: "Show the zones' quotas, as EdgeOne tells them",
		Long: `Show for each zone and type how many targets one call may hold, how many a day,
and what is left of the day, as DescribeContentQuota tells. Without ZONE: all
zones that the credentials may see. Credentials and endpoint are those of run.
Exit code 3 when the quotas of some zones are refused, 1 when of all.`,
		Example: `  edgepurge quota
  edgepurge quota zone-3fkff38fyw8s -o json`,
		Args: zoneArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			i, err := account.NewInspector(cmd.Context(), cfg.EdgeOne, cfg.Limits)
			if err != nil {
				return err
			}
			defer i.Close()
			zones, err := zonesOf(cmd, i, args)
			if err != nil {
				return err
			}
			return printQuotas(cmd, i, zones, output)
		},
	}
	addOutput(cmd, &output)
	return cmd
}

func zoneArgs(_ *cobra.Command, args []string) error {
	for _, z := range args {
		if !purge.ValidZone(z) {
			return usage("%q: a zone id is zone- and letters, digits", z)
		}
	}
	return nil
}

// zonesOf gives the zones that are named, else all.
func zonesOf(cmd *cobra.Command, i *account.Inspector, named []string) ([]account.Zone, error) {
	var zones []account.Zone
	for _, id := range named {
		if z := (account.Zone{ID: id}); !slices.Contains(zones, z) {
			zones = append(zones, z)
		}
	}
	if len(named) > 0 {
		return zones, nil
	}
	zones, err := i.Zones(cmd.Context())
	switch {
	case err != nil && len(zones) == 0 && account.NoAnswer(err):
		return nil, fmt.Errorf("%w; check the endpoint, EDGEPURGE_EDGEONE_ENDPOINT (edgeone.endpoint)", err)
	case err != nil && len(zones) == 0:
		return nil, fmt.Errorf("%w; or name the zones", err)
	case err != nil:
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "only the zones of the configuration: %s\n", words(err))
	case len(zones) == 0:
		return nil, errors.New("the credentials see no zone; name one, or check whose they are")
	}
	return zones, nil
}

// quotaRow is what one zone tells of one type.
type quotaRow struct {
	Type           string `json:"type"`
	Batch          int    `json:"batch"`
	Daily          int    `json:"daily"`
	DailyAvailable int    `json:"daily_available"`
}

// zoneQuotas is what one zone tells.
type zoneQuotas struct {
	Zone   string     `json:"zone"`
	Name   string     `json:"name,omitempty"`
	Quotas []quotaRow `json:"quotas"`
	Error  string     `json:"error,omitempty"`
}

func quotasOf(ctx context.Context, i *account.Inspector, z account.Zone) (zoneQuotas, error) {
	told := zoneQuotas{Zone: z.ID, Name: z.Name, Quotas: []quotaRow{}}
	quotas, err := i.Quotas(ctx, z.ID)
	if err != nil {
		told.Error = words(err)
	}
	for _, typ := range slices.Sorted(maps.Keys(quotas)) {
		q := quotas[typ]
		told.Quotas = append(told.Quotas, quotaRow{typ, q.Batch, q.Daily, q.DailyAvailable})
	}
	return told, err
}

func printQuotas(cmd *cobra.Command, i *account.Inspector, zones []account.Zone, output format) error {
	t := newTable(cmd.OutOrStdout())
	good := 0
	for n, z := range zones {
		told, err := quotasOf(cmd.Context(), i, z)
		switch {
		case errors.Is(err, account.ErrNoQuotas):
			return err
		case cmd.Context().Err() != nil:
			_ = t.flush()
			return context.Cause(cmd.Context())
		case err == nil:
			good++
		}
		if output == asJSON {
			if err := printJSON(cmd.OutOrStdout(), told); err != nil {
				return err
			}
			continue
		}
		if n == 0 {
			t.row("ZONE", "NAME", "TYPE", "BATCH", "DAILY", "AVAILABLE")
		}
		told.rows(t)
	}
	if err := t.flush(); err != nil {
		return err
	}
	return ends(good, len(zones))
}

func (q zoneQuotas) rows(t table) {
	name := q.Name
	if name == "" {
		name = "-"
	}
	switch {
	case q.Error != "":
		t.row(q.Zone, name, q.Error)
	case len(q.Quotas) == 0:
		t.row(q.Zone, name, "no quota is told")
	}
	for _, r := range q.Quotas {
		t.row(q.Zone, name, r.Type, strconv.Itoa(r.Batch), strconv.Itoa(r.Daily), strconv.Itoa(r.DailyAvailable))
	}
}

// summary is the zone's quotas in one line.
func (q zoneQuotas) summary() string {
	parts := make([]string, len(q.Quotas))
	for i, r := range q.Quotas {
		parts[i] = fmt.Sprintf("%s %d a call, %d of %d left today", r.Type, r.Batch, r.DailyAvailable, r.Daily)
	}
	return strings.Join(parts, "; ")
}
