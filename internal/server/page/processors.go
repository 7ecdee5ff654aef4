package page

import (
	"context"
	"slices"
	"strings"

	"sluis/internal/account"
	"sluis/web/templates"
)

// Processors lists the organisations that deliver on behalf of hospitals.
type Processors interface {
	Processors(ctx context.Context) ([]account.Processor, error)
}

// processorPrefix distinguishes a processor from a centre in the list where either is chosen. No
// centre's number has a colon.
const processorPrefix = "verwerker:"

// ProcessorValue is a processor in the list where a centre or a processor is chosen.
func ProcessorValue(p account.Processor) string { return processorPrefix + p.PublicID }

// ProcessorOptions are the processors behind the centres in that list.
func ProcessorOptions(v *Visit, from Processors, chosen string) ([]templates.Option, error) {
	processors, err := from.Processors(v.Context())
	var options []templates.Option
	for _, p := range processors {
		value := ProcessorValue(p)
		options = append(options, templates.Option{
			Value: value, Text: v.T.T("users.processor_option", "name", p.Name), Selected: value == chosen,
		})
	}
	return options, err
}

// ChosenProcessor returns the processor that was chosen in that list, or nil if what was
// chosen is none.
func ChosenProcessor(v *Visit, from Processors, chosen string) (*account.Processor, error) {
	if !strings.HasPrefix(chosen, processorPrefix) {
		return nil, nil
	}
	processors, err := from.Processors(v.Context())
	i := slices.IndexFunc(processors, func(p account.Processor) bool { return ProcessorValue(p) == chosen })
	if err != nil || i < 0 {
		return nil, err
	}
	return &processors[i], nil
}

// OrganisationName names the centre or the processor to which an account or a token
// belongs; "" if it belongs to neither.
func OrganisationName(c *account.Centre, p *account.Processor) string {
	switch {
	case c != nil:
		return CentreName(*c)
	case p != nil:
		return p.Name
	}
	return ""
}
