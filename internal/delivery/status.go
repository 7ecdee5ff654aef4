package delivery

// states lists every state.
var states = []State{
	Receiving, Received, Mapping, Feeding, Exchanging, Deciding, Checked, Confirm, Registering, Done, Refused, Failed, Cancelled,
}

// StatesOf returns the states in which a delivery has one of these statuses, if its
// pause is p. It is how a status becomes a condition on what is stored: one that is
// exchanging, for example, is processing or paused.
func StatesOf(p Pause, statuses ...Status) []State {
	var out []State
	for _, state := range states {
		for _, s := range statuses {
			if (Delivery{State: state, Paused: p}).Status() == s {
				out = append(out, state)
			}
		}
	}
	return out
}
