package kernel

func peaks() []peak { return []peak{{"neon", 24 * 16, peakNEON}} }

// peakNEON runs 24 independent SDOT of 16 products a round. rounds > 0.
//
//go:noescape
func peakNEON(rounds int)
